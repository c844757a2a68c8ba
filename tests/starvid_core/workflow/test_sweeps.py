"""Sweeps: parts for jobs, runs in order, and jobs that fail; the runs themselves are there."""

import pytest

from starvid_core import experiment, paths
from starvid_core.artifacts import write_json, write_manifest, writing_folder
from starvid_core.errors import InputError
from starvid_core.workflow import sweeps

pytest.importorskip("submitit")
PROMPT = "A dog is running and a cat is jumping."


@pytest.fixture
def specs():
    options = {"method": "none", "steps": 2, "guidance_scale": 3.0}
    return [experiment.spec(PROMPT, seed=seed, **options) for seed in range(3)]


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Runs are kept elsewhere; gives a function that finishes one."""
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(sweeps, "LOGS", tmp_path / "sweeps")

    def make(spec):
        with writing_folder(paths.RUNS / spec.key) as folder:
            write_json(folder / "spec.json", spec.facts)
            write_manifest(folder)

    return make


def test_parts_are_runs_of_neighbors_that_hold_everything_once():
    assert sweeps.parts(list("abcdefg"), 3) == [list("abc"), list("def"), list("g")]
    assert sweeps.parts(list("ab"), 5) == [["a"], ["b"]] and sweeps.parts([], 2) == []


def test_what_is_finished_needs_no_job_and_comes_in_the_order_of_the_specs(specs, made):
    for spec in specs:
        made(spec)
    sweep = sweeps.start([*reversed(specs), specs[0]])
    assert sweep.jobs == ()
    found = [run.folder.name for run in sweep.runs()]
    assert found == [spec.key for spec in (*reversed(specs), specs[0])]


def test_jobs_make_what_is_missing(specs, made, monkeypatch):
    asked = []

    def ensure(wanted, progress):
        asked.append([one.seed for one in wanted])
        return []

    made(specs[0])
    monkeypatch.setattr(experiment, "ensure", ensure)
    sweep = sweeps.start(specs, cluster="debug", jobs=2)
    assert [run.folder.name for run in sweep.runs()] == [spec.key for spec in specs]
    assert asked == [[1], [2]]


def test_a_job_that_fails_is_one_line_with_its_log(specs, made, monkeypatch):
    def ensure(wanted, progress):
        raise InputError("the weights are gone")

    monkeypatch.setattr(experiment, "ensure", ensure)
    with pytest.raises(InputError, match=r"of the sweep failed: .*the weights are gone.*; see /"):
        sweeps.start(specs, cluster="debug", jobs=1).runs()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cluster": "slrm"}, "unknown cluster 'slrm', expected local, slurm, debug; did you mean"),
        ({"jobs": 0}, "jobs is 0; give 1 at least"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused(specs, given, said):
    with pytest.raises(InputError, match=said):
        sweeps.start(specs, **given)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_processes_of_this_machine_make_clips_of_the_shipped_model(specs, tmp_path):
    sweep = sweeps.start(specs[:2], jobs=2)
    assert len(sweep.jobs) in (0, 2)  # none when they were made before
    assert all(run.video.ndim == 4 for run in sweep.runs())
