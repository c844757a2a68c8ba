"""The Explorer in JupyterLab, in a real browser without a network: drag, generate, look."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from starvid_core import paths
from starvid_core.perception import emoji

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("jupyterlab")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
STEPS = 10
WAIT = 600_000  # milliseconds; the model may share the machine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not BROWSER, reason="needs a browser: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab that serves the notebook, and this interpreter as its kernel."""
    place = tmp_path_factory.mktemp("lab")
    book = json.loads((paths.NOTEBOOKS / "06_explorer.ipynb").read_text())
    tagged = next(c for c in book["cells"] if "parameters" in c["metadata"].get("tags", []))
    quick = "".join(tagged["source"]).replace("quick: bool = False", "quick: bool = True")
    tagged["source"] = quick
    (place / "work").mkdir()
    (place / "work" / "06_explorer.ipynb").write_text(json.dumps(book))
    spec = place / "kernels" / "python3"
    spec.mkdir(parents=True)
    launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = {"argv": launch, "display_name": "Python 3", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(kernel))
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    settings = {name: str(place / name.lower()) for name in folders}
    settings |= {"JUPYTER_PATH": str(place), "PYTHONPATH": str(paths.ROOT), "HOME": str(place)}
    options = (
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--port=0",
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--ServerApp.root_dir={place / 'work'}",
    )
    said = place / "said.txt"
    with said.open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env=os.environ | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield address(Path(settings["JUPYTER_RUNTIME_DIR"]), server, said)
    finally:
        server.terminate()
        server.wait(30)


def address(folder: Path, server: subprocess.Popen[bytes], said: Path) -> str:
    for _ in range(240):
        assert server.poll() is None, said.read_text()
        for file in folder.glob("jpserver-*.json"):
            if file.stat().st_size:
                return str(json.loads(file.read_text())["url"])
        time.sleep(0.5)
    raise AssertionError(said.read_text())


@pytest.fixture(scope="module")
def page(lab: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The notebook, run; whatever it asks of another machine is refused and remembered."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1500, "height": 1300})
        opened.set_default_timeout(WAIT)
        opened.outside = []
        opened.errors = []
        opened.on("pageerror", lambda error: opened.errors.append(str(error)))

        def guard(route: Any) -> None:
            if route.request.url.startswith((lab, "data:", "blob:")):
                route.continue_()
            else:
                opened.outside.append(route.request.url)
                route.abort()

        opened.route("**/*", guard)
        opened.goto(f"{lab}doc/tree/06_explorer.ipynb")
        opened.wait_for_selector('#jp-bottom-panel:has-text("Python 3 | Idle")')
        opened.click('.lm-MenuBar-item:has(.lm-MenuBar-itemLabel:text-is("Run"))')
        opened.click('.lm-Menu-item[data-command="runmenu:run-all"]')
        opened.wait_for_selector(".starvid-explorer .key")
        opened.locator(".starvid-explorer").scroll_into_view_if_needed()
        yield opened
        assert not opened.outside
        browser.close()


def shot(page: Any, name: str) -> None:
    """A picture for people, where STARVID_SHOTS says."""
    if folder := os.environ.get("STARVID_SHOTS"):
        page.locator(".starvid-explorer").first.screenshot(path=f"{folder}/{name}.png")


def box_of(page: Any, subject: int) -> dict[str, float]:
    """A box on the stage as fractions of it."""
    stage = page.locator(".stage").bounding_box()
    box = page.locator(f'.stage rect[data-subject="{subject}"]').bounding_box()
    return {
        "x": (box["x"] - stage["x"]) / stage["width"],
        "y": (box["y"] - stage["y"]) / stage["height"],
        "width": box["width"] / stage["width"],
        "height": box["height"] / stage["height"],
    }


def drag(page: Any, selector: str, dx: float, dy: float) -> None:
    """Take the middle of an element along by fractions of the stage."""
    stage = page.locator(".stage").bounding_box()
    box = page.locator(selector).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx * stage["width"] / 2, y + dy * stage["height"] / 2)
    page.mouse.move(x + dx * stage["width"], y + dy * stage["height"])
    page.mouse.up()


def pixels(page: Any, selector: str) -> np.ndarray:
    """What a canvas shows, `[height, width, 3]`."""
    height, width, data = page.locator(selector).evaluate(
        """canvas => [canvas.height, canvas.width, Array.from(
            canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data)]"""
    )
    return np.array(data, np.uint8).reshape(height, width, 4)[..., :3]


def generate(page: Any) -> None:
    page.click(".generate")
    page.wait_for_function("document.querySelector('.stop').disabled === false")
    page.wait_for_function("document.querySelector('.generate').disabled === false")
    assert page.inner_text(".message") == "", page.inner_text(".message")


def where(page: Any, subject: str) -> float:
    """Where the judge sees a subject in the guided clip, mean over frames, from left to right."""
    slider = page.locator("input.time")
    frames = []
    for frame in range(int(slider.get_attribute("max")) + 1):
        to(slider, frame)
        frames.append(pixels(page, ".clips canvas.guided"))
    to(slider, 0)
    seen = [
        one.box.center[0]
        for found in emoji.load().detect(np.stack(frames))
        for one in sorted(found, key=lambda one: -one.score)
        if one.name == subject
    ]
    assert len(seen) >= len(frames) / 2, f"the judge sees the {subject} in {len(seen)} frames"
    return float(np.mean(seen))


def to(slider: Any, value: int) -> None:
    slider.evaluate(
        "(node, value) => { node.value = value; node.dispatchEvent(new Event('input')); }", value
    )


def brightest(page: Any, word: str) -> float:
    """The column in which a word's attention is highest at the first step of the guided clip."""
    page.locator(".word", has_text=word).first.click()
    to(page.locator("input.step"), 0)
    light = pixels(page, ".attention canvas.guided").astype(float).sum(-1)
    return float(light.max(0).argmax() / (light.shape[1] - 1))


def test_a_dragged_subject_moves_in_the_video(page: Any) -> None:
    shot(page, "1_opened")
    assert page.locator(".key").count() == 8
    before = box_of(page, 0)
    drag(page, '.stage rect[data-subject="0"]', 0.1, -0.05)
    moved = box_of(page, 0)
    assert moved["x"] == pytest.approx(before["x"] + 0.1, abs=0.01)
    assert moved["y"] == pytest.approx(before["y"] - 0.05, abs=0.02)
    drag(page, '.stage circle.se[data-subject="0"]', 0.05, 0.0)
    assert box_of(page, 0)["width"] == pytest.approx(moved["width"] + 0.05, abs=0.01)
    page.click('[aria-label="key frame 5"]')
    untouched = box_of(page, 0)
    page.click('[aria-label="key frame 1"]')
    shot(page, "2_dragged")

    page.fill("input.steps", str(STEPS))
    page.press("input.steps", "Enter")
    generate(page)
    shot(page, "3_generated")
    seen, looked = where(page, "dog"), brightest(page, "dog")
    plain = pixels(page, ".clips canvas.plain")

    # The dog goes to the right, the cat to the left, for the whole clip.
    page.select_option("select.how", "all")
    drag(page, '.stage rect[data-subject="0"]', 0.55, 0.0)
    drag(page, '.stage rect[data-subject="1"]', -0.6, 0.0)
    page.click('[aria-label="key frame 5"]')
    assert box_of(page, 0)["x"] > untouched["x"] + 0.2
    page.click('[aria-label="key frame 1"]')
    generate(page)
    shot(page, "4_moved")
    assert (pixels(page, ".clips canvas.plain") == plain).all()
    assert where(page, "dog") > seen + 0.2
    assert brightest(page, "dog") > looked + 0.2


def test_a_clip_is_stopped_and_says_so(page: Any) -> None:
    page.click("text=Weights and numbers")
    page.fill("input.number-spatial_weight", "20")
    page.fill("input.seed", "7")
    page.press("input.seed", "Enter")
    page.click(".generate")
    page.wait_for_function(
        "document.querySelector('.clips figcaption').textContent.includes('latents so far')"
    )
    shot(page, "5_running")
    page.click(".stop")
    page.wait_for_function("document.querySelector('.message').textContent === 'stopped'")
    assert not page.is_disabled(".generate")


def test_plans_figures_and_mistakes(page: Any, tmp_path: Path) -> None:
    for field, name in (("plan_file", "plan.json"), ("figure_file", "figure.png")):
        page.fill(f"input.{field}", str(tmp_path / name))
        page.press(f"input.{field}", "Enter")
    page.click(".save")
    page.wait_for_function("document.querySelector('.message').textContent.startsWith('wrote')")
    kept = box_of(page, 0)
    page.click("button.plan")
    page.wait_for_function("!document.querySelector('.message').textContent.startsWith('wrote')")
    page.wait_for_timeout(500)
    assert box_of(page, 0) != kept
    page.click(".load")
    page.wait_for_timeout(1000)
    assert box_of(page, 0)["x"] == pytest.approx(kept["x"], abs=0.01)
    page.click(".export")
    page.wait_for_function("document.querySelector('.message').textContent.startsWith('wrote')")
    assert (tmp_path / "figure.png").is_file() and (tmp_path / "plan.json").is_file()
    page.fill("input.prompt", "A unicorn is knitting.")
    page.press("input.prompt", "Enter")
    page.click("button.plan")
    page.wait_for_selector(".stage text:has-text('unicorn')")
    page.click(".generate")
    page.wait_for_function("document.querySelector('.message').textContent.includes('not know')")
    shot(page, "6_mistake")
    assert not page.errors


@pytest.mark.parametrize("width", [1500, 700])
def test_the_widget_fits_its_screen(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 1300})
    page.wait_for_timeout(500)
    wide = page.locator(".starvid-explorer").evaluate("n => n.scrollWidth - n.clientWidth")
    shot(page, f"7_{width}")
    assert wide <= 1
