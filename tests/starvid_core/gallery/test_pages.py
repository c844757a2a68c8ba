"""What the gallery says, without a browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from starvid_core import video
from starvid_core.gallery import markdown
from starvid_core.gallery.entries import entries


class Links(HTMLParser):
    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def read(pages: Path, name: str) -> str:
    return (pages / name).read_text()


def test_every_link_leads_to_a_file_of_the_gallery(pages: Path) -> None:
    found = [(page, link) for page in pages.glob("*.html") for link in Links(page).found]
    assert len(found) > 20
    for page, link in found:
        assert link.startswith("data:") or (pages / link).is_file(), f"{page.name}: {link}"


def test_a_page_has_caption_values_verdict_clips_notebook_and_command(pages: Path) -> None:
    text = read(pages, "fig05_small.html")
    assert "Subjects &amp; &#34;motions&#34; &lt;of&gt; two rows" in text
    assert "0.80 [0.70, 0.90]" in text and "+0.40 [+0.30, +0.50]" in text and "0.9" in text
    assert "1 same direction" in text and "starvid figures fig05_small" in text
    assert text.count("<video") == 2 and "A &lt;dog&gt; &amp; a cat" in text
    assert "fig05_small_notebook.html" in text


def test_clips_play_and_have_a_strip(pages: Path) -> None:
    assert len(video.load(pages / "fig05_small_clip01.mp4")) == 8
    assert (pages / "fig05_small_clip01.webp").is_file()


def test_verdicts_are_counted_where_the_paper_has_values(home: Path) -> None:
    drawn, waiting = entries()
    assert drawn.verdicts == {"same direction": 1} and drawn.label == "Fig. 5"
    assert waiting.waits == ("starvid study tab03_waiting",) and not waiting.verdicts


def test_the_index_tells_what_waits_for_which_command(pages: Path) -> None:
    text = read(pages, "index.html")
    assert "fig05_small_small.webp" in text
    assert re.search(r"Not drawn yet.*<code>starvid study tab03_waiting</code>", text, re.DOTALL)


def test_formulas_become_mathml_and_foreign_links_text(pages: Path) -> None:
    text = read(pages, "fig05_small_notebook.html")
    assert text.count("<math") == 2 and "$" not in text
    assert 'href="fig05_small_notebook.html"' in text and "the data" in text
    assert "README" not in text and "tab03_waiting" not in text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("[web](https://x.org)", "[web](https://x.org)"),
        ("[a](a.ipynb)", "[a](a_notebook.html)"),
        ("[b](b.ipynb), [c](../c.md)", "b, c"),
        ("![picture](x.png)", "![picture](x.png)"),
    ],
)
def test_links_lead_somewhere_or_nowhere(written: str, read: str) -> None:
    assert markdown.links(written, {"a"}) == read


def test_a_table_that_is_no_summary_is_shown_as_it_is(home: Path) -> None:
    from starvid_core.gallery.entries import numbers

    file = home / "other.csv"
    file.write_text("a,b\n" + "1.23456789,x\n" * 61)
    found = numbers(file)
    assert found.header == ["a", "b"] and found.rows[0] == ["1.235", "x"] and found.left_out == 1
