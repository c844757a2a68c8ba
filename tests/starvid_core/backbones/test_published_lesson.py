"""`05_published_weights` where there are weights: tiny ones, in this process."""

from dataclasses import replace

from starvid_core.backbones import zeroscope
from starvid_core.workflow import notebooks


def test_with_weights_the_lesson_goes_on(text_to_video_folder, monkeypatch, tmp_path, capsys):
    small = replace(zeroscope.WEIGHTS, options={"height": 16, "width": 24, "frames": 3})
    monkeypatch.setattr(zeroscope, "WEIGHTS", small)
    given = {"quick": True, "weights": str(text_to_video_folder), "output": str(tmp_path)}
    found: dict = {}
    for cell in notebooks.read(notebooks.find("05_published_weights")).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, "05", "exec"), found)
        if "parameters" in cell.metadata.get("tags", []):
            found |= given
    assert "found: zeroscope" in capsys.readouterr().out
    assert {n: c.shape for n, c in found["clips"].items()} == {
        "plain": (3, 16, 24, 3),
        "StarVid": (3, 16, 24, 3),
    }
    assert (tmp_path / "05_published.png").is_file()
