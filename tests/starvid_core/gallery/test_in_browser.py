"""The gallery in a real browser: on a phone and a screen, from files, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from starvid_core import paths

BUILT = paths.BUILD / "gallery"
WIDTHS = (390, 1200)
VIDEOS = """Promise.all([...document.querySelectorAll('video')].map(video => new Promise(done => {
  const look = () => video.currentTime > 0 ? done(video.videoWidth) : setTimeout(look, 50)
  video.onerror = () => done(-1)
  video.play().then(look, () => done(-2))
})))"""
PICTURES = "[...document.images].every(image => image.loading == 'lazy' || image.naturalWidth > 0)"
OVERFLOW = "document.documentElement.scrollWidth - innerWidth"

pytestmark = pytest.mark.slow


@pytest.fixture(params=["small", "built"])
def folder(request: pytest.FixtureRequest) -> Path:
    """A gallery of two figures; and the one that `starvid gallery` built here, if there is one."""
    if request.param == "built":
        if not BUILT.is_dir():
            pytest.skip(f"no gallery in {BUILT}; write it with `starvid gallery`")
        return BUILT
    return request.getfixturevalue("pages")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_reads_well(browser: Any, folder: Path, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(f"{request.url}: {request.failure}"))
    page.on("request", lambda r: said.append(r.url) if r.url.startswith("http") else None)
    for path in sorted(folder.glob("*.html")):
        page.goto(path.as_uri())
        assert page.evaluate(OVERFLOW) <= 0, f"{path.name} scrolls sideways at {width} pixels"
        assert page.evaluate(PICTURES), f"{path.name} lacks a picture"
        assert min(page.evaluate(VIDEOS) or [1]) > 0, f"a video of {path.name} does not play"
        assert not said, f"{path.name}: {said}"
    context.close()
