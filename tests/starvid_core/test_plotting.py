"""Figures: frames stay sharp, boxes stand where they were planned, foreign text does no harm."""

import matplotlib
import numpy as np
import pandas
import pytest
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from starvid_core import plotting
from starvid_core.plotting import style
from starvid_core.plotting.frames import frame_size
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory

SCORES = {"numeracy": 1.0, "exact_frames": 0.5, "iou": 0.25, "action_binding": 0.0, "leakage": 1.0}
NASTY = (
    "a $\\ud$ dog and 5$ for a cat_{x}",
    "\x00\x1b[31m a\tdog\nand a cat\u202e",
    "犬 and \U0001f408 and \ud800",
    "a dog runs and " * 60,
    "",
)


@pytest.fixture(autouse=True)
def our_style():
    with matplotlib.rc_context():
        plotting.use_style()
        yield


@pytest.fixture
def video():
    return np.random.default_rng(0).integers(256, size=(8, 48, 96, 3), dtype=np.uint8)


def scene(prompt="A robot is skateboarding and a dog is sitting."):
    subjects = (Subject(0, "robot", "skateboarding"), Subject(1, "dog", "sitting"))
    robot = (Box(0.0, 0.2, 0.25, 0.9), Box(0.5, 0.2, 0.75, 0.9))
    dog = (Box(0.7, 0.4, 1.0, 0.9), None)
    return Trajectory(ScenePlan(prompt, subjects), (robot, dog))


def comparison(video, trajectory, clips=3):
    shown = {"plain": (video, SCORES), "StarVid": (video, SCORES)}
    values = {metric: np.linspace(0, 1, clips) for metric in plotting.METRICS}
    group = plotting.group(trajectory, shown, guided={"StarVid"})
    return plotting.plot_study([group], {"plain": values, "StarVid": values})


def attention(video, trajectory):
    maps = np.random.default_rng(1).random((2, 4, 8, 6, 12), np.float32)
    case = plotting.Case("seed 0", video, maps, SCORES, trajectory)
    shared = {"StarVid, step 3": dict.fromkeys(plotting.OVERLAPS, np.array([0.1, 0.4]))}
    words = ("robot", "skateboarding", "dog", "sitting")
    return plotting.plot_attention([case], words, ("step 3", "step 10"), shared, frame=0)


def images(figure):
    return [image for axes in figure.axes for image in axes.get_images()]


def boxes(axes):
    return [p for p in axes.patches if isinstance(p, Rectangle)]


def test_every_pixel_of_a_frame_becomes_a_square_of_equal_pixels(video):
    figure = comparison(video, scene())
    wide, tall = figure.get_size_inches() * style.DPI
    for image in images(figure):
        place = image.axes.get_position()
        corners = np.array([place.x0 * wide, place.y0 * tall, place.x1 * wide, place.y1 * tall])
        np.testing.assert_allclose(corners, corners.round(), atol=1e-6)
        np.testing.assert_allclose(corners[2:] - corners[:2], (3 * 96, 3 * 48), atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(48, 96), (80, 144), (320, 576)])
def test_frames_of_every_backbone_are_large_enough_to_see(height, width):
    wide, tall = frame_size(np.zeros((1, height, width, 3), np.uint8))
    assert 1.2 <= wide <= 1.8
    assert wide / tall == pytest.approx(width / height)


def test_four_frames_are_shown_from_the_first_to_the_last(video):
    shown = [image.get_array() for image in images(comparison(video, scene()))]
    for image, frame in zip(shown, [0, 2, 5, 7] * 2, strict=True):
        np.testing.assert_array_equal(image, video[frame])


def test_boxes_stand_in_guided_rows_alone_and_where_they_were_planned(video):
    plain, guided = np.split(np.array([i.axes for i in images(comparison(video, scene()))]), 2)
    assert not any(boxes(axes) for axes in plain)
    robot, dog = boxes(guided[0])
    assert (robot.get_xy(), robot.get_width(), robot.get_height()) == ((0, 0.2), 0.25, 0.7)
    assert (dog.get_xy(), dog.get_width()) == ((0.7, 0.4), pytest.approx(0.3))
    assert robot.get_edgecolor() != dog.get_edgecolor()
    (alone,) = boxes(guided[-1])
    assert alone.get_xy() == (0.5, 0.2)


def test_the_margin_shows_the_metrics_of_the_paper_and_ours_and_no_others(video):
    texts = [text.get_text() for text in comparison(video, scene()).texts]
    assert texts.count("1.00") == 2 and "Leakage" not in texts
    assert {"Numeracy", "Exact frames", "IoU with plan", "Action binding"} <= set(texts)


@pytest.mark.parametrize("prompt", NASTY)
def test_prompts_are_drawn_as_they_are_and_never_read_as_formulas(video, prompt, tmp_path):
    plotting.save(comparison(video, scene(prompt)), tmp_path / "figure")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_a_prompt_is_one_short_line_of_characters_that_the_font_has():
    assert style.readable("a\n dog\x00 犬") == "a dog? ?"
    assert len(style.readable("x" * 5000)) < 100


def test_losses_in_the_name_of_a_variant_become_symbols_and_nothing_else_does():
    assert style.symbols("without L_sp") == r"without $\mathcal{L}_{sp}$"
    assert style.symbols("5$ L") == r"5\$ L"


def test_a_figure_saved_twice_is_the_same_file(video, tmp_path):
    for name in ("first", "second"):
        plotting.save(comparison(video, scene()), tmp_path / name)
    for kind in ("png", "pdf"):
        first, second = (tmp_path / f"{n}.{kind}" for n in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


def test_a_figure_that_cannot_be_drawn_leaves_the_old_one(video, tmp_path):
    picture = plotting.save(comparison(video, scene()), tmp_path / "figure")
    before = picture.read_bytes()
    broken = comparison(video, scene())
    broken.text(0.5, 0.5, r"$\nothing$")
    with pytest.raises(ValueError, match="nothing"):
        plotting.save(broken, tmp_path / "figure")
    assert picture.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["figure.pdf", "figure.png"]


def test_text_is_never_smaller_than_seven_points(video):
    for figure in (comparison(video, scene()), attention(video, scene())):
        ticks = [label for axes in figure.axes for label in axes.get_xticklabels()]
        assert min(text.get_fontsize() for text in [*figure.texts, *ticks]) >= 7


def test_texts_do_not_overlap(video):
    for figure in (comparison(video, scene()), attention(video, scene())):
        figure.draw_without_rendering()
        areas = [text.get_window_extent() for text in figure.texts]
        pairs = [(a, b) for i, a in enumerate(areas) for b in areas[:i]]
        assert not [pair for pair in pairs if pair[0].overlaps(pair[1])]
        assert all(a.x0 >= 0 and a.x1 <= figure.bbox.width for a in areas)


def test_every_map_is_drawn_from_zero_to_its_maximum_with_the_box_of_its_noun(video):
    final, *maps = images(attention(video, scene()))
    assert isinstance(final, AxesImage) and len(maps) == 2 * 4
    for image in maps:
        assert image.get_clim() == (0, pytest.approx(image.get_array().max()))
    left_edges = [boxes(image.axes)[0].get_x() for image in maps]
    assert left_edges == [0, 0, 0, 0, 0.7, 0.7, 0.7, 0.7]


def test_a_map_without_attention_is_drawn_black(video):
    case = plotting.Case("", video, np.zeros((1, 4, 8, 6, 12), np.float32), SCORES)
    shared = {"plain": dict.fromkeys(plotting.OVERLAPS, np.zeros(1))}
    figure = plotting.plot_attention([case], "abcd", ["step 1"], shared, frame=3)
    figure.draw_without_rendering()
    assert plotting.overlaps(case.maps[0]) == {"nouns": 0, "own": 0, "other": 0}


def test_overlaps_are_one_for_equal_maps_and_zero_for_maps_that_never_meet():
    left, right = np.zeros((2, 2, 3, 4), np.float32)
    left[:, :, :2], right[:, :, 2:] = 0.3, 0.9
    assert plotting.overlaps(np.stack([left, left, right, right])) == pytest.approx(
        {"nouns": 0, "own": 1, "other": 0}
    )
    assert plotting.overlaps(np.stack([left, right, 2 * left, right]))["nouns"] == pytest.approx(1)


def test_the_map_of_a_word_is_the_mean_over_its_tokens():
    recorded = {2: np.arange(3 * 8, dtype=np.float32).reshape(3, 2, 2, 2)}
    maps = plotting.word_maps(recorded, [2], [(0,), (1, 2)])
    np.testing.assert_array_equal(maps[0, 0], recorded[2][0])
    np.testing.assert_array_equal(maps[0, 1], (recorded[2][1] + recorded[2][2]) / 2)


LINES = pandas.DataFrame(
    {
        ("Numeracy ↑", "paper"): ["0.545", "0.871"],
        ("Numeracy ↑", "ours"): ["0.55 [0.50, 0.60]", "0.80 [0.70, 0.90]"],
        ("Numeracy ↑", "difference"): ["−0.25 [−0.30, −0.20]", ""],
        ("Numeracy ↑", "verdict"): ["opposite", "reference"],
    },
    index=pandas.MultiIndex.from_tuples([("Block", "without L_sp"), ("Block", "StarVid")]),
)


def test_a_table_shows_every_text_and_its_source():
    figure = plotting.plot_table(LINES, "Table III", "made by hand " * 40)
    texts = [text.get_text() for text in figure.texts]
    wanted = {"Table III", "Block", "0.545", "0.55", "[0.50, 0.60]", "−0.25", "opposite", "paper"}
    assert wanted <= set(texts) and r"without $\mathcal{L}_{sp}$" in texts
    assert " ".join(texts).count("made by hand") == 40
    colors = {text.get_text(): text.get_color() for text in figure.texts}
    assert colors["opposite"] != colors["reference"]


def pipeline(video):
    maps = np.random.default_rng(1).random((4, 6, 12), np.float32)
    phase = plotting.Guided("A loss", [3.0, 2.0, 1.0], [2], 2, {"plain": maps, "StarVid": maps})
    return plotting.plot_pipeline(scene(), [phase], {"plain": video, "StarVid": video}, 4)


def contrast():
    maps = np.random.default_rng(2).random((3, 3, 6, 12), np.float32)
    near, far = np.arange(9.0).reshape(3, 3), np.full((3, 3), 9.5)
    return plotting.plot_contrast(["sits (verb)", "dog", "cat"], maps, near, far, 3)


def compute(points=("plain", "best of 3", "StarVid", "LVD")):
    scores = np.linspace(0, 1, 9)
    panel = [plotting.Point(name, 1.0 + k, scores) for k, name in enumerate(points)]
    return plotting.plot_compute({"A": panel, "B": panel}, {"plain": 1, "best of 3": 3}, "note")


def test_the_pipeline_shows_plan_losses_maps_and_clips(video):
    figure = pipeline(video)
    texts = [text.get_text() for text in figure.texts]
    assert "2 A loss" in texts and {"robot", "skateboarding", "dog", "sitting"} <= set(texts)
    (curve,) = [axes for axes in figure.axes if axes.get_ylabel() == "loss"]
    assert list(curve.lines[0].get_ydata()) == [3, 2, 1]
    assert len(images(figure)) == 4 + 2 * 4 + 2 * 4


def test_the_boxes_on_the_maps_of_the_pipeline_are_those_of_their_frame(video):
    (robot, _) = scene().resample(len(video)).boxes
    maps = [
        axes
        for axes in pipeline(video).axes
        if axes.images and axes.images[0].get_cmap().name == "magma"
    ]
    corners = [axes.patches[0].get_xy() for axes in maps if axes.patches]
    assert corners[0] == (robot[4].x0, robot[4].y0) != (robot[-1].x0, robot[-1].y0)


def test_the_pairs_of_the_middle_frame_carry_their_distances():
    figure = contrast()
    numbers = [t.get_text() for t in figure.texts if t.get_text().replace(".", "").isdigit()]
    assert sorted(numbers[:5]) == ["1.00", "3.00", "4.00", "5.00", "7.00"]
    assert numbers[5:] == ["9.50"] * 5
    assert {"frame 4 (f − 1)", "frame 5 (f)"} <= {t.get_text() for t in figure.texts}


def test_methods_stand_at_their_time_and_the_best_of_n_is_a_line():
    figure = compute()
    line = figure.axes[0].lines[0]
    assert list(line.get_xdata()) == [1.0, 2.0]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["StarVid", "LVD"]


def test_a_quick_figure_says_so_across_itself(video):
    figure = comparison(video, scene())
    plotting.watermark(figure)
    assert figure.texts[-1].get_text() == "quick: not a result"
    assert figure.texts[-1].get_fontsize() > 20


def test_texts_of_diagrams_and_tables_do_not_overlap(video):
    table = plotting.plot_table(LINES, "Table III", "note")
    for figure in (table, pipeline(video), contrast()):
        figure.draw_without_rendering()
        areas = [text.get_window_extent() for text in figure.texts]
        pairs = [(a, b) for i, a in enumerate(areas) for b in areas[:i]]
        assert not [pair for pair in pairs if pair[0].overlaps(pair[1])]
        assert all(a.x0 >= 0 and a.x1 <= figure.bbox.width for a in areas)


@pytest.mark.parametrize(
    ("prompt", "nouns"),
    [
        (
            "A motorcycle is driving on the road while an elephant walks, a balloon flies and a "
            "basketball bounces high",
            ("motorcycle", "elephant", "balloon", "basketball"),
        ),
        (
            "(d) motion-subject misalignment: A dolphin jumps above the waves while a boy is "
            "swimming and a woman sits on the beach.",
            ("dolphin", "boy", "woman"),
        ),
        ("W" * 190, ("m" * 30,)),
    ],
)
def test_a_long_prompt_of_many_subjects_keeps_clear_of_its_legend(video, prompt, nouns):
    subjects = tuple(Subject(k, noun, "moves") for k, noun in enumerate(nouns))
    box = Box(0.1, 0.1, 0.4, 0.4)
    planned = Trajectory(ScenePlan(prompt, subjects), ((box,) * 4,) * len(nouns))
    figure = comparison(video, planned)
    figure.draw_without_rendering()
    (legend,) = figure.artists
    lines = [t for t in figure.texts if t.get_text() and t.get_text() in prompt]
    assert len(lines) > 1 and " ".join(t.get_text() for t in lines).replace(" ", "") == (
        prompt.replace(" ", "")
    )
    edge = legend.get_window_extent().x0
    assert all(line.get_window_extent().x1 < edge for line in lines)


def test_without_scores_there_is_no_chart(video):
    group = plotting.group(scene(), {"plain": (video, SCORES)}, guided=set())
    assert len(plotting.plot_study([group], {}).axes) == 4


def test_an_interval_holds_the_mean_and_shrinks_to_it_for_equal_clips():
    values = np.array([0.0, 0.25, 0.5, 1.0, 1.0])
    low, high = plotting.interval(values)
    assert 0 <= low < values.mean() < high <= 1
    assert plotting.interval(values) == (low, high)
    assert plotting.interval(np.full(4, 0.5)) == (0.5, 0.5)
    assert plotting.interval(np.array([0.5])) == (0.5, 0.5)


def test_an_interval_covers_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    found = [plotting.interval(rng.random(30)) for _ in range(200)]
    assert 0.88 <= np.mean([low <= 0.5 <= high for low, high in found]) <= 0.99


def test_differences_are_taken_clip_by_clip():
    clips = np.array([0.1, 0.5, 0.9])
    rows = plotting.summary(
        {"plain": {"iou": clips}, "StarVid": {"iou": clips + 0.1}, "other": {"iou": clips[::-1]}},
        "plain",
        {"StarVid": {"iou": 0.7}},
    )
    assert [row["verdict"] for row in rows] == ["reference", "higher", "open"]
    assert rows[1]["difference"] == pytest.approx(0.1)
    assert rows[1]["difference_low"] == pytest.approx(0.1)
    assert rows[1]["paper"] == 0.7 and np.isnan(rows[0]["paper"])


def test_a_table_of_clips_becomes_arrays_in_its_order():
    table = {"variant": ["b", "a", "b", "a"], "iou": [0.1, 0.2, 0.3, 0.4]}
    found = plotting.samples(table, ["iou"])
    assert list(found) == ["b", "a"]
    np.testing.assert_array_equal(found["b"]["iou"], [0.1, 0.3])


def test_correctness_is_drawn_for_every_variant_with_intervals_over_prompts() -> None:
    rng = np.random.default_rng(0)
    scores = {"base": rng.random((12, 5)), "ZO-DPO, lambda 0.5": rng.random((12, 5)) ** 0.3}
    scores["base"][3] = np.nan
    share = plotting.correct(scores["base"])
    assert share.shape == (12, 10) and (share[3] == 0).all()
    mean, low, high = plotting.by_prompt(share)
    assert (low <= mean).all() and (mean <= high).all() and (np.diff(mean) <= 0).all()
    drift = dict.fromkeys(scores, 0.01)
    said = [t.get_text() for t in plotting.plot_correctness(scores, drift, "way").texts]
    assert {"1 base", f"{mean[7]:.3f} [{low[7]:.3f}, {high[7]:.3f}]"} <= set(said)


def test_seeds_of_one_prompt_count_as_one_when_the_interval_is_drawn() -> None:
    alike = np.repeat([[0.0], [1.0], [1.0], [0.0]], 50, axis=1).mean(1)
    apart = np.tile([0.0, 1.0, 1.0, 0.0], 50)
    wide, narrow = (np.ptp(plotting.by_prompt(v[:, None])[1:]) for v in (alike, apart))
    assert wide > 4 * narrow


def test_a_case_shows_frames_curves_and_what_the_score_says(video) -> None:
    gap = np.array([1, 1, np.nan, 0, -1, -1, -1, -1.0])
    case = plotting.TransitionCase("obeys", video, gap, -gap, ("DSR 1.00", "correct"))
    names = "on the left of", "to the right of"
    figure = plotting.plot_cases("a prompt with $", names, [case] * 2)
    assert len(images(figure)) == 2 * 5
    said = [text.get_text() for text in figure.texts]
    assert {"obeys", "DSR 1.00", "r: on the left of"} <= set(said)


def test_scores_of_many_clips_stay_within_their_line() -> None:
    values = {"dsr": np.repeat([0.0, 1.0], 200)}
    figure = plotting.plot_scores({"base": values, "StarVid": values}, {"dsr": "DSR"})
    dots = [c for axes in figure.axes for c in axes.collections if hasattr(c, "get_sizes")]
    assert max(c.get_sizes().max() for c in dots) <= 60
