"""Studies, their pages and their answers, without a browser."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from starvid_core import preference, scoring, video
from starvid_core.artifacts import sha256_file
from starvid_core.errors import InputError
from starvid_core.preference import QUESTIONS, Study
from starvid_core.preference.answers import Answers
from starvid_core.preference.page import drawn
from starvid_core.preference.simulated import Simulation
from starvid_core.preference.study import KEY, PAGE

SYSTEMS = ("StarVid", "ZeroScope")
FAIR = Simulation(dict.fromkeys((q.id for q in QUESTIONS), 0.5))


def data_of(page: Path) -> dict:
    """What the page holds for its script."""
    text = page.read_text()
    return json.loads(re.search(r'<script type="application/json".*?>(.*?)</script>', text)[1])


def test_the_papers_five_questions_are_asked() -> None:
    assert [q.title.partition(" ")[0] for q in QUESTIONS] == [
        "Video",
        "Video",
        "Overall",
        "Number",
        "Motion",
    ]
    assert QUESTIONS[2].text == "Subjectively, which option do you prefer?"


def test_the_page_holds_all_it_needs_and_nothing_that_names_a_system(
    folder: Path, study: Study, systems: Path
) -> None:
    text, data = (folder / PAGE).read_text(), data_of(folder / PAGE)
    for encoded in data["videos"].values():
        text = text.replace(encoded, "")
    for word in (*SYSTEMS, str(systems), ".gif", ".mp4"):
        assert word not in text
    assert not re.search(r'(?:src|href)="|https?://|@import|url\(', text)
    assert [t["prompt"] for t in data["trials"]] == [t.prompt for t in study.trials]
    assert [q["id"] for q in data["questions"]] == [q.id for q in QUESTIONS]
    assert set(data["videos"]) == {clip for t in data["trials"] for clip in t["clips"]}
    for trial in data["trials"]:
        assert trial["clips"] == sorted(trial["clips"])


def test_both_clips_of_a_pair_are_encoded_alike(folder: Path, study: Study, tmp_path: Path) -> None:
    data = data_of(folder / PAGE)
    for trial in study.trials:
        frames = []
        for clip in trial.clips:
            path = tmp_path / f"{clip}.mp4"
            path.write_bytes(base64.b64decode(data["videos"][clip]))
            frames.append(video.load(path))
        assert frames[0].shape == frames[1].shape == (8, 288, 576, 3)


def test_the_same_seed_gives_the_same_files(systems: Path, folder: Path, tmp_path: Path) -> None:
    found = [scoring.find(systems / name, str(systems / "prompts.txt")) for name in SYSTEMS]
    for seed, same in ((7, True), (8, False)):
        place = tmp_path / str(seed)
        preference.make(drawn(found[0], found[1], 4, seed), SYSTEMS, place, seed)
        for name in (PAGE, KEY):
            assert (sha256_file(place / name) == sha256_file(folder / name)) is same


def test_clips_are_of_the_system_that_the_key_names(study: Study) -> None:
    for trial in study.trials:
        assert sorted(system for system, _ in trial.clips.values()) == sorted(SYSTEMS)
        for system, file in trial.clips.values():
            assert Path(file).parent.name == system
    firsts = {trial.system(next(iter(trial.clips))) for trial in study.trials}
    assert firsts <= set(SYSTEMS)


def test_answers_are_read_as_they_were_given(study: Study, tmp_path: Path) -> None:
    given = preference.simulate(study, FAIR, 3, seed=1)
    for answers in given:
        name = answers.rater.replace(" ", "-")
        (tmp_path / f"answers-{name}.json").write_text(answers.model_dump_json())
    votes = preference.read(study, [tmp_path])
    assert len(votes.table) == 3 * 4 * 5 and votes.simulated and not votes.missing
    for row, answer in zip(
        votes.table.itertuples(), [a for g in given for a in g.answers], strict=True
    ):
        trial = study.by_id[answer.trial]
        assert row.system == trial.system(answer.chosen)
        assert row.side == ("left" if answer.chosen == answer.left else "right")


def test_what_a_rater_left_open_is_counted(study: Study, tmp_path: Path) -> None:
    [answers] = preference.simulate(study, FAIR, 1)
    part = answers.model_copy(update={"answers": answers.answers[:7], "finished": None})
    (tmp_path / "answers-1.json").write_text(part.model_dump_json())
    assert preference.read(study, [tmp_path]).missing == {"simulated 1": 13}


def broken(study: Study, /, **change: object) -> str:
    [answers] = preference.simulate(study, FAIR, 1)
    return json.dumps(answers.model_dump() | change)


def with_answer(study: Study, /, **change: object) -> str:
    [answers] = preference.simulate(study, FAIR, 1)
    first, *others = answers.model_dump()["answers"]
    return broken(study, answers=[first | change, *others])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda s: "{", "the file"),
        (lambda s: "[]", "the file"),
        (lambda s: broken(s, study="other"), "answers study 'other', not "),
        (lambda s: broken(s, format=2), "answers study"),
        (lambda s: broken(s, rater=""), "rater"),
        (lambda s: broken(s, extra=1), "extra: this key is unknown"),
        (lambda s: with_answer(s, trial="pair999"), "answer 0 is to .* which this study lacks"),
        (lambda s: with_answer(s, question="taste"), "answer 0 is to 'taste'"),
        (lambda s: with_answer(s, left="0"), "which this study lacks"),
        (lambda s: with_answer(s, chosen="0"), "answer 0 chooses '0', which was not shown"),
        (lambda s: with_answer(s, seconds=-1.0), "answers.0.seconds"),
        (lambda s: with_answer(s, question="fluency"), "answer 0 repeats|answer 1 repeats"),
    ],
)
def test_answers_that_cannot_be_are_refused(
    study: Study, tmp_path: Path, make: Callable[[Study], str], said: str
) -> None:
    path = tmp_path / "answers-x.json"
    path.write_text(make(study))
    with pytest.raises(InputError, match=said) as told:
        preference.read(study, [path])
    assert str(path) in str(told.value) and "\n" not in str(told.value)


def test_a_rater_answers_once_and_people_do_not_mix_with_simulations(
    study: Study, tmp_path: Path
) -> None:
    one, other = preference.simulate(study, FAIR, 2)
    (tmp_path / "answers-a.json").write_text(one.model_dump_json())
    (tmp_path / "answers-b.json").write_text(one.model_dump_json())
    with pytest.raises(InputError, match="rater 'simulated 1' answered in two files"):
        preference.read(study, [tmp_path])
    person = Answers.model_validate(other.model_dump() | {"simulated": False})
    (tmp_path / "answers-b.json").write_text(person.model_dump_json())
    with pytest.raises(InputError, match="some answers are simulated and some are people's"):
        preference.read(study, [tmp_path])
    with pytest.raises(InputError, match="no answers; give the files"):
        preference.read(study, [])
    with pytest.raises(InputError, match=r"cannot be read \(No such file"):
        preference.read(study, [tmp_path / "gone.json"])


def test_a_key_that_was_changed_is_refused(folder: Path, tmp_path: Path) -> None:
    key = json.loads((folder / KEY).read_text())
    (tmp_path / KEY).write_text(json.dumps(key | {"seed": 99}))
    with pytest.raises(InputError, match="is not whole, or of another version; make the study"):
        preference.load(tmp_path)
    (tmp_path / KEY).write_text(json.dumps(key | {"trials": []}))
    with pytest.raises(InputError, match="trials: "):
        preference.load(tmp_path)
    (tmp_path / KEY).unlink()
    with pytest.raises(InputError, match="give the folder of `preference make`"):
        preference.load(tmp_path)


def test_pairs_are_videos_of_one_name_with_a_prompt(systems: Path) -> None:
    first, second = (scoring.find(systems / name) for name in SYSTEMS)
    with pytest.raises(InputError, match="has no prompt to show: give --prompts"):
        drawn(first, second, 3, 0)
    prompts = str(systems / "prompts.txt")
    first, second = (scoring.find(systems / name, prompts) for name in SYSTEMS)
    assert all(a.stem == b.stem for a, b in drawn(first, second, 5, 0))
    for count, found in ((6, 5), (0, 5)):
        with pytest.raises(InputError, match=f"{count} pairs are wanted, and {found} videos have"):
            drawn(first, second, count, 0)
