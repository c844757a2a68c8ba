"""Profiles: what Snakemake is told, two workers on this machine, and errors in one line."""

import os
import re
import signal
import subprocess
import sys

import pytest
import yaml

from starvid_core import paths
from starvid_core.artifacts import write_text
from starvid_core.errors import InputError
from starvid_core.workflow import places
from starvid_core.workflow.places import Place

PROFILES = sorted(folder.name for folder in paths.PROFILES.iterdir())


def test_without_a_profile_two_cores_are_used_or_as_many_as_are_given():
    assert Place().arguments == ["--cores", "2"] and Place(7).arguments == ["--cores", "7"]
    assert not Place().remote and Place().leash is None


def test_two_profiles_ship():
    assert PROFILES == ["local", "slurm"]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_found_by_name_and_by_folder(name):
    by_name, by_folder = Place(profile=name), Place(profile=str(paths.PROFILES / name))
    assert by_name.arguments == by_folder.arguments == ["--profile", str(paths.PROFILES / name)]
    assert Place(4, name).arguments[2:] == ["--cores", "4"]
    assert by_name.executor == name and by_name.remote == (name != "local")


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_names_files_that_are_there(name):
    said = yaml.safe_load((paths.PROFILES / name / "config.yaml").read_text())
    for file in said["configfile"]:
        workflow = yaml.safe_load((paths.ROOT / file).read_text())
        assert set(workflow) <= {"shard", "processes", "python", "job"}


def test_an_unknown_profile_is_an_error_with_the_nearest(starvid):
    code, _, error = starvid("study", "tab03_constraints", "--profile", "slrum")
    assert code == 2
    assert error == (
        "starvid: unknown profile 'slrum', expected local, slurm; did you mean slurm?\n"
    )


def test_a_profile_that_is_no_folder_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"gone is not a folder; give one with a config\.yaml"):
        Place(profile=str(tmp_path / "gone"))


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "cannot be read"), ("a: [", "cannot be read"), ("- a", "holds no settings")],
)
def test_a_folder_that_is_no_profile_is_an_error(tmp_path, text, said):
    if text:
        write_text(tmp_path / "config.yaml", text)
    with pytest.raises(InputError, match=said) as caught:
        Place(profile=str(tmp_path))
    assert "\n" not in str(caught.value)


def test_an_executor_that_is_not_installed_is_an_error_with_its_cure(tmp_path):
    write_text(tmp_path / "config.yaml", "executor: no-such")
    with pytest.raises(InputError, match=r"needs snakemake_executor_plugin_no_such: pip install"):
        Place(profile=str(tmp_path))


def test_a_driver_on_a_cluster_is_interrupted_when_its_parent_dies():
    """Interrupted, Snakemake takes its jobs off the cluster; terminated, it waits for them."""
    read, write = os.pipe()
    if (middle := os.fork()) == 0:
        if os.fork() == 0:
            signal.signal(signal.SIGINT, lambda *_: os._exit(os.write(write, b"interrupted") and 0))
            places._interrupt_with_parent()
            os.write(write, b"ready ")
            signal.pause()
        assert os.read(read, 6) == b"ready "
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(middle, 0)
    assert os.read(read, 20) == b"interrupted"


@pytest.mark.timeout(400)
def test_the_local_profile_runs_two_jobs_side_by_side(home):
    profile = home.profile("local", {"cores": 4}, shard=4)
    driver = home.drive(profile, STANDIN_TOGETHER="2")
    assert driver.wait(300) == 0, home.told
    assert len(home.results) == 1
    assert set(home.said("made").values()) == {1} and len(home.said("made")) == 8
    assert [len(shard) for shard in home.shards] == [4, 4]


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", PROFILES)
def test_snakemake_reads_a_profile_and_sees_the_whole_graph(home, name):
    """A dry run: options of the plugin are parsed, and all clips make one shard."""
    target = "build/reproduce/tab99_small/" + home.ask("reproduce.work(study).results.name")
    snakemake = [sys.executable, "-m", "snakemake", "--dry-run", "--nolock", "--nocolor", target]
    options = ["--profile", f"profiles/{name}", "--config", "quick=0"]
    done = subprocess.run([*snakemake, *options], cwd=home.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = done.stdout + done.stderr
    assert re.search(r"(?m)^clips +1$", told) and re.search(r"(?m)^results +1$", told)
    assert "gpu=0" in told
