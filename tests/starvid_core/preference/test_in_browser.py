"""The page in a real browser: keyboard and mouse, closing and going on, the file at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from starvid_core import preference
from starvid_core.preference import QUESTIONS, Study
from starvid_core.preference.study import PAGE

pytestmark = pytest.mark.slow


@pytest.fixture
def page(browser: Any, folder: Path) -> Iterator[Any]:
    """The page of the study, which must not complain or ask for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda r: said.append(r.url) if r.url.startswith("http") else None)
    opened.goto((folder / PAGE).as_uri())
    yield opened
    context.close()
    assert not said


def begin(page: Any, rater: str) -> None:
    page.fill("#rater", rater)
    page.click("#who button")


def place(page: Any) -> tuple[str, int]:
    """The pair and the question that are asked now."""
    lines = page.locator("#asked li")
    current = [lines.nth(n).get_attribute("aria-current") for n in range(lines.count())]
    return page.inner_text("#place"), current.index("step")


def pressed(page: Any, question: int) -> list[str]:
    buttons = page.locator("#asked li").nth(question).locator("button")
    return [buttons.nth(n).get_attribute("aria-pressed") for n in range(2)]


def saved(page: Any, button: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.click(button)
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def answer_two(page: Any) -> list[str]:
    """The first pair by keyboard, the second by mouse."""
    sides = {"ArrowLeft": "left", "1": "left", "ArrowRight": "right", "2": "right"}
    keys = ("ArrowLeft", "2", "1", "ArrowRight", "ArrowLeft")
    for key in keys:
        page.keyboard.press(key)
    assert place(page) == ("2 of 4", 0)
    buttons = (1, 0, 1, 1, 0)
    for question, side in enumerate(buttons):
        page.locator("#asked li").nth(question).locator("button").nth(side).click()
    assert place(page) == ("3 of 4", 0)
    return [*(sides[key] for key in keys), *(("left", "right")[side] for side in buttons)]


def test_a_study_is_answered_from_end_to_end(page: Any, study: Study, tmp_path: Path) -> None:
    assert "4 pairs" in page.inner_text("#begin") and "5 questions" in page.inner_text("#begin")
    begin(page, "Anna ü/..")
    chosen = answer_two(page)
    page.reload()
    begin(page, "Anna ü/..")
    assert place(page) == ("3 of 4", 0)
    for _ in range(10):
        page.keyboard.press("1")
    page.wait_for_selector("#end:not([hidden])")
    path = saved(page, "#save", tmp_path)
    assert path.name == f"answers-{study.id}-Anna_ü_.json"
    assert json.loads(page.input_value("#text")) == json.loads(path.read_text())

    votes = preference.read(study, [path])
    assert votes.table["side"].tolist() == chosen + ["left"] * 10
    assert not votes.missing and not votes.simulated
    assert set(votes.table["rater"]) == {"Anna ü/.."}
    assert votes.table["question"].tolist() == [q.id for q in QUESTIONS] * 4
    page.click("#reopen")
    assert place(page) == ("4 of 4", 4)


def test_an_answer_can_be_changed_and_what_is_there_saved(page: Any, tmp_path: Path) -> None:
    begin(page, "Ben")
    chosen = answer_two(page)
    page.keyboard.press("Backspace")
    assert place(page) == ("2 of 4", 4) and pressed(page, 4) == ["true", "false"]
    page.locator("#asked li").nth(1).locator("button").nth(1).click()
    assert place(page) == ("2 of 4", 1), "a changed answer leaves the page where it is"
    page.click("#next")
    assert place(page) == ("3 of 4", 0) and page.is_disabled("#next")
    part = json.loads(saved(page, "#keep", tmp_path).read_text())
    assert part["finished"] is None and len(part["answers"]) == 10
    sides = ["left" if a["chosen"] == a["left"] else "right" for a in part["answers"]]
    assert sides == [*chosen[:6], "right", *chosen[7:]]


def test_order_and_sides_are_the_raters_own_and_balanced(
    page: Any, folder: Path, study: Study, tmp_path: Path
) -> None:
    drawn = {}
    for rater in ("one", "two", "three", "four"):
        page.goto((folder / PAGE).as_uri())
        begin(page, rater)
        for _ in range(20):
            page.keyboard.press("ArrowLeft")
        answers = json.loads(saved(page, "#save", tmp_path).read_text())["answers"]
        drawn[rater] = [(a["trial"], a["left"]) for a in answers[::5]]
        assert {trial for trial, _ in drawn[rater]} == {trial.id for trial in study.trials}
    orders = {tuple(trial for trial, _ in shown) for shown in drawn.values()}
    assert len(orders) > 1
    page.evaluate("localStorage.clear()")
    page.goto((folder / PAGE).as_uri())
    begin(page, "one")
    for _ in range(20):
        page.keyboard.press("2")
    again = json.loads(saved(page, "#save", tmp_path).read_text())["answers"]
    assert [(a["trial"], a["left"]) for a in again[::5]] == drawn["one"]


def test_both_videos_play_side_by_side_and_are_those_of_the_pair(page: Any, study: Study) -> None:
    begin(page, "eyes")
    for side in ("left", "right"):
        page.wait_for_function(
            f"() => document.getElementById('{side}').currentTime > 0.2", timeout=20000
        )
    colors = page.evaluate(
        """() => ["left", "right"].map((side) => {
            const canvas = document.createElement("canvas");
            canvas.width = canvas.height = 1;
            const pen = canvas.getContext("2d");
            const video = document.getElementById(side);
            pen.drawImage(video, 0, video.videoHeight - 2, 1, 1, 0, 0, 1, 1);
            return Array.from(pen.getImageData(0, 0, 1, 1).data.slice(0, 2));
        })"""
    )
    reddish = [red > green for red, green in colors]
    assert sorted(reddish) == [False, True]
    prompts = {trial.prompt for trial in study.trials}
    assert page.inner_text("#prompt") in prompts


def test_prompts_are_text_and_never_markup(page: Any, study: Study) -> None:
    begin(page, "markup")
    seen = set()
    for _ in study.trials:
        seen.add(page.inner_text("#prompt"))
        assert page.locator("#prompt *").count() == 0
        for _ in QUESTIONS:
            page.keyboard.press("1")
    assert seen == {trial.prompt for trial in study.trials}


@pytest.mark.parametrize("width", [360, 768, 1600])
def test_the_page_fits_its_screen(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    for step in ("begin", "trial"):
        if step == "trial":
            begin(page, "small")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, step
