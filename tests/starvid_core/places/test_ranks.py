"""Several processes at one job: each clip is made by one of them, and one reports."""

import pytest

from starvid_core.workflow import ranks


def test_alone_a_process_does_everything(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert ranks.mine([1, 2, 3]) == [1, 2, 3] and ranks.first() and ranks.count() == 1
    ranks.wait()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_processes_share_the_clips_of_a_job(home, monkeypatch):
    """Both have begun before the first clip is made; one output says what both made."""
    profile = home.profile("local", {"cores": 2}, shard=8, processes=2)
    driver = home.drive(profile, STANDIN_TOGETHER="3")  # plans had a log of its own
    assert driver.wait(500) == 0, home.told
    logs = [log.read_text().split() for log in (home.folder / "log").iterdir()]
    assert sorted(log.count("made") for log in logs)[-2:] == [4, 4]
    assert set(home.said("made").values()) == {1} and len(home.said("made")) == 8
    assert [len(shard) for shard in home.shards] == [8]
