# The graph of work: plans -> clips -> scores -> drawings. Run it with `starvid reproduce`, or on a
# cluster with `snakemake --executor slurm --jobs 50 --nolock` and the plugin of your scheduler.
import sys

from starvid_core import reproduce

QUICK = int(config.get("quick", 0))
FIGURES = {figure.name: figure for figure in reproduce.figures(bool(QUICK))}
FOLDER = str(reproduce.FOLDER.relative_to(workflow.basedir))
JOB = f"{sys.executable} -m starvid_core.jobs"


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
        f"{FOLDER}/{{figure}}/plans-{{key}}.json",
    shell:
        f"{JOB} plans {{wildcards.figure}} {QUICK} {{output}} 2>&1"


rule clips:
    input:
        lambda w: short([FIGURES[w.figure].plans]),
    output:
        f"{FOLDER}/{{figure}}/clips-{{key}}-{{shard}}.json",
    threads: 2
    shell:
        f"{JOB} clips {{wildcards.figure}} {QUICK} {{output}} {{input}} 2>&1"


rule scores:
    input:
        lambda w: short([FIGURES[w.figure].plans]),
        lambda w: [p for p in short(FIGURES[w.figure].clips) if p.endswith(f"-{w.shard}.json")],
    output:
        f"{FOLDER}/{{figure}}/scores-{{key}}-{{shard}}.json",
    threads: 2
    shell:
        f"{JOB} scores {{wildcards.figure}} {QUICK} {{output}} {{input[0]}} 2>&1"


rule drawing:
    input:
        lambda w: short(FIGURES[w.figure].scores),
    output:
        f"{FOLDER}/{{figure}}/drawing-{{key}}.json",
    threads: 2
    shell:
        f"{JOB} drawing {{wildcards.figure}} {QUICK} {{output}} 2>&1"
