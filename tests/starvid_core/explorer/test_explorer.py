"""The widget without a browser: what the page may send in, what it gets to show."""

from __future__ import annotations

import numpy as np
import pytest

from planners import schema
from starvid_core import paths, plotting
from starvid_core.errors import InputError
from starvid_core.explorer import Explorer, layouts
from starvid_core.explorer.making import Stopped

PROMPT = "A dog is running and a cat is jumping."


@pytest.fixture
def explorer(tiny_emoji, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "BUILD", tmp_path / "build")
    made = Explorer(prompt=PROMPT, backbone=tiny_emoji, steps=4)
    yield made
    made.close()


def press(explorer, button):
    explorer._handle_custom_msg({"do": button}, [])


def test_it_opens_with_a_plan_by_rules(explorer):
    assert [(s["noun"], s["verb"]) for s in explorer.subjects] == [
        ("dog", "running"),
        ("cat", "jumping"),
    ]
    assert len(explorer.boxes) == 2 and len(explorer.boxes[0]) == 8
    assert explorer.state == "idle" and not explorer.notes
    assert explorer.aspect == pytest.approx(32 / 48)
    assert "starvid" in explorer.published and "best_of_n" not in explorer.published
    assert explorer.published["starvid"]["spatial_weight"] == 30.0


def test_a_dragged_box_is_the_trajectorys_and_its_broken_rules_are_told(explorer):
    rows = [[list(box) for box in row] for row in explorer.boxes]
    rows[1][4] = rows[0][4]
    explorer.boxes = rows
    assert explorer.trajectory.boxes[1][4] == explorer.trajectory.boxes[0][4]
    assert any(note.startswith("apart: instance 1, frame 4") for note in explorer.notes)


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ("x", "boxes must be a list of rows"),
        ([[[0, 0, 1]]], "a box is \\[x0, y0, x1, y1\\]"),
        ([[["0", 0, 1, 1]]], "a box is"),
        ([[[0, 0, 1, True]]], "a box is"),
        ([[[0.5, 0, 0.5, 1]]], "x0 < x1"),
        ([[[float("nan"), 0, 0.5, 1]]], "four finite numbers"),
        ([[[0, 0, 1, 1]]], "1 rows of boxes for 2 subjects"),
    ],
)
def test_boxes_that_are_none_are_refused_in_one_line(explorer, boxes, said):
    with pytest.raises(InputError, match=said):
        layouts.trajectory(explorer.trajectory.plan, boxes)


def test_boxes_that_are_none_are_told_to_the_page(explorer):
    explorer.boxes = [[[0, 0, 1]]]
    assert len(explorer.notes) == 1 and explorer.notes[0].startswith("a box is")
    press(explorer, "generate")
    assert explorer.state == "idle" and explorer.message.startswith("a box is")


def test_both_clips_come_with_progress_preview_and_maps(explorer):
    seen = []
    explorer.observe(lambda change: seen.append(dict(change.new)), "progress")
    previews = []
    explorer.observe(lambda change: previews.append(dict(change.new)), "preview")
    explorer.numbers = {"starvid": {"spatial_weight": 3.0, "spatial_iterations": 2}}
    press(explorer, "generate")
    clips = explorer.wait(60)
    explorer._maker.close()
    assert explorer.state == "done" and set(clips) == {"plain", "guided"}
    told = [(p["clip"], p["step"], p["steps"]) for p in seen if p]
    assert told == [(name, n, 4) for name in ("plain", "guided") for n in (1, 2, 3, 4)]
    assert set(seen[-1]["losses"]) <= {"spatial", "syntax"} and seen[5]["losses"]
    assert [p.get("clip") for p in previews] == ["plain"] * 4 + ["guided"] * 4 + [None]
    assert previews[0]["shape"] == [3, 32, 48]

    shown = np.frombuffer(explorer.videos["guided"]["pixels"], np.uint8)
    assert (shown.reshape(3, 32, 48, 3) == clips["guided"].video).all()
    assert len(explorer.videos["boxes"][0]) == 3 and explorer.videos["method"] == "starvid"
    words = [word["text"] for word in explorer.maps["words"]]
    assert words == ["dog", "running", "cat", "jumping", "a", "is", "and", "a", "is"]
    assert explorer.maps["steps"] == [1, 2, 3, 4] and explorer.maps["of"] == 4
    shape = explorer.maps["shape"]
    maps = np.frombuffer(explorer.maps["guided"], np.uint8).reshape(shape)
    assert shape[:3] == [4, 9, 3] and (maps.max(axis=(2, 3, 4)) == 255).all()
    assert len(explorer.maps["palette"]) == 768


def test_the_plain_clip_is_made_once_for_all_boxes(explorer):
    explorer.generate()
    first = explorer.wait(60)
    rows = [[list(box) for box in row] for row in explorer.boxes]
    rows[0] = [[0.6, 0.1, 0.9, 0.5]] * 8
    explorer.boxes = rows
    explorer._job.result()
    wait_until_idle(explorer)
    explorer.generate()
    second = explorer.wait(60)
    assert second["plain"] is first["plain"]
    assert (second["guided"].video != first["guided"].video).any()


def wait_until_idle(explorer):
    """The job is over before its last words are said."""
    explorer._maker._thread.submit(lambda: None).result(30)
    assert explorer.state in ("done", "idle", "failed")


def test_it_stops_between_two_steps(explorer):
    explorer.observe(lambda change: explorer.stop(), "progress")
    explorer.generate()
    with pytest.raises(Stopped):
        explorer.wait(60)
    wait_until_idle(explorer)
    assert (explorer.state, explorer.message) == ("idle", "stopped")
    assert explorer.progress["step"] == 1 and not explorer.clips


def test_a_second_press_while_it_runs_is_refused(explorer):
    explorer.state = "running"
    press(explorer, "generate")
    assert explorer.message == "a clip is being made; stop it first, or wait for it"
    explorer.state = "idle"


def test_what_fails_is_told_and_can_be_tried_again(explorer):
    explorer.numbers = {"starvid": {"spatial_weight": 1e38}}
    explorer.generate()
    with pytest.raises(InputError):
        explorer.wait(60)
    wait_until_idle(explorer)
    assert explorer.state == "failed" and "use smaller weights" in explorer.message
    explorer.numbers = {}
    explorer.generate()
    explorer.wait(60)


@pytest.mark.parametrize(
    ("traits", "button", "said"),
    [
        ({"prompt": "A cat is jumping."}, "generate", "the boxes are of another prompt"),
        ({"planner": "ruels"}, "plan", "unknown planner 'ruels'.*did you mean rules"),
        ({"prompt": "sky"}, "plan", "sky"),
        ({"method": "lvdd"}, "generate", "unknown method 'lvdd'.*did you mean lvd"),
        ({"numbers": {"starvid": {"weight": 1.0}}}, "generate", "unknown option of starvid"),
        ({"numbers": {"starvid": {"neighbours": 1.5}}}, "generate", "neighbours must be like 1"),
        ({"steps": 0}, "generate", "steps"),
        ({"seed": -1}, "generate", "a seed is a whole number"),
        ({"plan_file": "nowhere.json"}, "load", "nowhere.json: cannot be read"),
        ({}, "export", "there are no clips yet; press Generate"),
        ({}, "wait", "unknown button 'wait'"),
    ],
)
def test_a_mistake_is_one_line_on_the_page(explorer, traits, button, said):
    import re

    for name, value in traits.items():
        setattr(explorer, name, value)
    press(explorer, button)
    assert re.search(said, explorer.message) and "\n" not in explorer.message
    assert explorer.state == "idle"


def test_a_plan_is_saved_and_loaded_with_its_prompt(explorer):
    rows = [[list(box) for box in row] for row in explorer.boxes]
    rows[0][0] = [0.1, 0.2, 0.3, 0.4]
    rows[1][2] = None
    explorer.boxes = rows
    press(explorer, "save")
    assert explorer.message == f"wrote {explorer.plan_file}"
    assert schema.load(explorer.plan_file).plan.prompt == PROMPT
    explorer.prompt = "A man is walking."
    press(explorer, "plan")
    assert len(explorer.boxes) == 1
    press(explorer, "load")
    assert explorer.prompt == PROMPT and explorer.boxes[1][2] is None
    assert explorer.boxes[0][0] == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=1e-4)


def test_the_figure_holds_both_clips(explorer, monkeypatch):
    monkeypatch.setattr(plotting.style, "DPI", 50)
    explorer.generate()
    explorer.wait(60)
    wait_until_idle(explorer)
    press(explorer, "export")
    assert explorer.message == f"wrote {explorer.figure_file}"
    texts = {text.get_text() for text in explorer.figure().texts}
    assert {PROMPT, "plain", "starvid"} <= texts


def test_a_given_planner_can_be_chosen(explorer, tiny_emoji):
    from planners import planner

    more = Explorer(prompt=PROMPT, backbone=tiny_emoji, planners={"mine": planner.load()})
    assert "mine" in more.planners and more.planners[0] == "rules"
    more.planner = "mine"
    press(more, "plan")
    assert more.boxes == explorer.boxes
    more.close()


def test_the_page_asks_no_other_machine():
    assert "http" not in Explorer._esm.replace("http://www.w3.org/2000/svg", "")
    assert "@import" not in Explorer._css and "url(" not in Explorer._css
