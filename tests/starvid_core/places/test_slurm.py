"""The workflow on a real Slurm of one node, this machine: what is killed loses nothing and makes
nothing twice. Needs Debian's slurmctld, slurmd, slurm-client and munge (`make test-slurm`)."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from planners.serving.process import free_port

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel")
# Where srun looks inside a job: the plugin of Snakemake takes SLURM_CONF from it.
SYSTEM = Path("/etc/slurm/slurm.conf")
absent = [name for name in PROGRAMS if not shutil.which(name)]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(absent), reason=f"not installed: {', '.join(absent)}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="slurmd starts as root only"),
    pytest.mark.skipif(SYSTEM.is_file(), reason="this machine has a Slurm of its own"),
]
# Without a database of jobs, which a single node does not need, squeue tells how a job stands.
QUICKLY = {
    "slurm-status-command": "squeue",
    "slurm-init-seconds-before-status-checks": 1,
    "seconds-between-status-checks": 1,
    "latency-wait": 5,
    "default-resources": ["runtime=10", "mem_mb=500"],
    "set-resources": {"clips": {"gpu": 1, "mem_mb": 500, "slurm_partition": "gpu"}},
}


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Start munge and both daemons of Slurm; two files stand for GPUs."""
    folder = tmp_path_factory.mktemp("slurm")
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "munge.key").write_bytes(secrets.token_bytes(256))
    (folder / "munge.key").chmod(0o400)
    words = {
        "host": socket.gethostname().partition(".")[0],
        "port": free_port(),
        "node_port": free_port(),
        "user": "root",
        "folder": folder,
    }
    template = Path(__file__).with_name("slurm.conf").read_text()
    (folder / "slurm.conf").write_text(template.format(**words))
    lent = ("AutoDetect=off", "Name=gpu File=/dev/null", "Name=gpu File=/dev/zero", "")
    (folder / "gres.conf").write_text("\n".join(lent))
    munge = [f"--{n}-file={folder / f'munge.{n}'}" for n in ("key", "pid", "log", "seed")]
    patch = pytest.MonkeyPatch()
    patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
    SYSTEM.parent.mkdir(exist_ok=True)
    SYSTEM.unlink(missing_ok=True)  # of a test that was killed
    SYSTEM.symlink_to(folder / "slurm.conf")
    run("munged", "--force", f"--socket={folder}/munge.socket", *munge)
    try:
        run("slurmctld")
        run("slurmd")
        until(lambda: "idle" in run("sinfo", "-h", "-o", "%t"))
        yield folder
    finally:
        subprocess.run(["scancel", "--full", "--user=root"], timeout=30)
        for daemon in ("slurmd", "slurmctld", "munge"):
            if (file := folder / f"{daemon}.pid").is_file():
                os.kill(int(file.read_text()), signal.SIGTERM)
        SYSTEM.unlink()
        patch.undo()


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(done, seconds=60):
    ends = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.2)


def queue():
    return run("squeue", "-h", "-o", "%i %P %t %b").splitlines()


def begun(home, count):
    """Wait until so many clips were begun, and at least one was made."""
    home.wait(lambda: len(home.said("begun")) >= count and home.said("made"), 300)


def check_whole(home):
    """Every clip is there, and none was made twice."""
    wanted = [key for shard in home.shards for key in shard]
    assert len(home.results) == 1, home.told
    assert len(wanted) == len(set(wanted)) == 8
    assert sorted(path.name for path in (home.folder / "data/runs").iterdir()) == sorted(wanted)
    assert home.said("made") == dict.fromkeys(wanted, 1)


def test_a_job_that_is_killed_is_done_again_from_where_it_was(home, slurm):
    profile = home.profile("slurm", QUICKLY, shard=4)
    driver = home.drive(profile, STANDIN_SECONDS="3")
    begun(home, 3)
    (victim, *_) = [line.split()[0] for line in queue() if " gpu R " in line]
    run("scancel", "--signal=KILL", "--full", victim)
    assert driver.wait(500) == 0, home.told
    check_whole(home)
    lost = home.said("begun").total() - home.said("made").total()
    assert lost <= 2  # the clip that was being made when the job was killed
    # Each job of clips had a GPU of its own, the others had none.
    assert set(home.said("clips")) <= {"0", "1"} and set(home.said("scores")) == {"none"}


def test_a_driver_that_is_killed_takes_its_jobs_with_it_and_loses_no_clip(home, slurm):
    profile = home.profile("slurm", QUICKLY, shard=4)
    driver = home.drive(profile, STANDIN_SECONDS="3")
    begun(home, 3)
    driver.kill()
    driver.wait()
    # Snakemake is interrupted by the kernel and takes its jobs off the cluster.
    until(lambda: not queue(), 120)
    assert not home.results
    again = home.drive(profile, STANDIN_SECONDS="0")
    assert again.wait(500) == 0, home.told
    check_whole(home)


def test_two_jobs_of_one_output_do_the_work_once(home, slurm):
    """A job that nobody took off the cluster goes on beside the one of the next driver."""
    profile = home.profile("slurm", QUICKLY, shard=8)
    driver = home.drive(profile, STANDIN_SECONDS="3")
    begun(home, 2)
    (children,) = Path(f"/proc/{driver.pid}/task").glob("*/children")
    snakemake = int(children.read_text().split()[0])
    os.kill(snakemake, signal.SIGKILL)  # before it can cancel anything
    driver.wait(60)
    assert [line for line in queue() if " gpu R " in line]
    again = home.drive(profile, STANDIN_SECONDS="3")
    assert again.wait(500) == 0, home.told
    check_whole(home)
    assert home.said("begun").total() == 8
