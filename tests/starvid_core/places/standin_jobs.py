"""The jobs of the workflow, whose clips are a file each: what is made when stands in a log.

STANDIN_SECONDS is what a clip takes; STANDIN_TOGETHER is how many jobs have to be at work before
the first clip is made.
"""

import os
import sys
import time
from pathlib import Path

from starvid_core import paths
from starvid_core.artifacts import write_text, writing_folder
from starvid_core.workflow import jobs, ranks

LOG = paths.ROOT / "log"


def log(*words):
    with (LOG / f"{os.getpid()}").open("a") as file:
        file.write(" ".join(words) + "\n")
        file.flush()
        os.fsync(file.fileno())


def make(one):
    folder = paths.RUNS / one.key
    if folder.is_dir():
        return
    log("begun", one.key)
    time.sleep(float(os.environ.get("STANDIN_SECONDS", "0")))
    with writing_folder(folder) as place:
        write_text(place / "video", one.key)
        log("made", one.key)


def meet():
    """Wait for the others, as a proof that jobs run side by side."""
    ends = time.monotonic() + 60
    while len(list(LOG.iterdir())) < int(os.environ.get("STANDIN_TOGETHER", "0")):
        assert time.monotonic() < ends, "nobody else came"
        time.sleep(0.05)


def clips(name, quick, output, planned):
    log("clips", os.environ.get("CUDA_VISIBLE_DEVICES", "none"))
    meet()
    wanted = jobs.shard(planned, output)
    for one in ranks.mine(wanted):
        make(one)
    ranks.wait()
    return {"runs": [one.key for one in wanted]}


def scores(name, quick, output, planned):
    log("scores", os.environ.get("CUDA_VISIBLE_DEVICES", "none"))
    wanted = [one.key for one in jobs.shard(planned, output)]
    assert all((paths.RUNS / key).is_dir() for key in wanted)
    return {"runs": wanted}


def results(name, quick, output):
    return {"files": {}}


if __name__ == "__main__":
    Path(LOG).mkdir(exist_ok=True)
    jobs.JOBS |= {"clips": clips, "scores": scores, "results": results}
    sys.exit(jobs.main(sys.argv[1:]))
