# The graph of work: plans -> clips -> scores -> results and drawings. Run it with `starvid reproduce`
# or `starvid study`, on a cluster with `--profile slurm` (docs/cluster.md).
#
# A profile's workflow.yaml may say: `shard`, the clips that a job makes with one loading of the
# model; `processes`, how many share these clips, each on a GPU of its own; `python`, which one, e.g.
# in a container; `job`, what it runs.
import sys

from starvid_core import studies
from starvid_core.workflow import reproduce

QUICK = int(config.get("quick", 0))
PROCESSES = int(config.get("processes", 1))
reproduce.SHARD = int(config.get("shard", reproduce.SHARD))
FIGURES = {figure.name: figure for figure in reproduce.figures(bool(QUICK))}
WORKS = {work.name: work for work in reproduce.works(bool(QUICK))}
FOLDER = str(reproduce.FOLDER.relative_to(workflow.basedir))
PYTHON = config.get("python", sys.executable)
JOB = config.get("job", "-m starvid_core.workflow.jobs")
TOGETHER = f"-m torch.distributed.run --standalone --nproc-per-node {PROCESSES}"
CLIPS = f"{PYTHON} {TOGETHER} {JOB}" if PROCESSES > 1 else f"{PYTHON} {JOB}"


def short(paths):
    return [str(path.relative_to(workflow.basedir)) for path in paths]


wildcard_constraints:
    key="[0-9a-f]+",
    shard="[0-9]+of[0-9]+",


rule all:
    input:
        [short([figure.drawing]) for figure in FIGURES.values()],


rule plans:
    output:
        f"{FOLDER}/{{name}}/plans-{{key}}.json",
    shell:
        f"{PYTHON} {JOB} plans {{wildcards.name}} {QUICK} {{output}} 2>&1"


rule clips:
    input:
        lambda w: short([WORKS[w.name].plans]),
    output:
        f"{FOLDER}/{{name}}/clips-{{key}}-{{shard}}.json",
    threads: 2
    resources:
        gpu=lambda w: PROCESSES if studies.accelerated(w.name) else 0,
    shell:
        f"{CLIPS} clips {{wildcards.name}} {QUICK} {{output}} {{input}} 2>&1"


rule scores:
    input:
        lambda w: short([WORKS[w.name].plans]),
        lambda w: [p for p in short(WORKS[w.name].clips) if p.endswith(f"-{w.shard}.json")],
    output:
        f"{FOLDER}/{{name}}/scores-{{key}}-{{shard}}.json",
    threads: 2
    shell:
        f"{PYTHON} {JOB} scores {{wildcards.name}} {QUICK} {{output}} {{input[0]}} 2>&1"


rule results:
    input:
        lambda w: short(WORKS[w.name].scores),
    output:
        f"{FOLDER}/{{name}}/results-{{key}}.json",
    threads: 2
    shell:
        f"{PYTHON} {JOB} results {{wildcards.name}} {QUICK} {{output}} 2>&1"


rule drawing:
    input:
        lambda w: [p for work in FIGURES[w.name].works for p in short(work.scores)],
    output:
        f"{FOLDER}/{{name}}/drawing-{{key}}.json",
    threads: 2
    shell:
        f"{PYTHON} {JOB} drawing {{wildcards.name}} {QUICK} {{output}} 2>&1"
