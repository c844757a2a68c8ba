# The graph of work: plans -> clips -> scores -> results and drawings. Run it with `starvid reproduce`
# or `starvid study`, or on a cluster with `snakemake --executor slurm --jobs 50 --nolock` and the
# plugin of your scheduler.
import sys

from starvid_core import reproduce

QUICK = int(config.get("quick", 0))
FIGURES = {figure.name: figure for figure in reproduce.figures(bool(QUICK))}
WORKS = {work.name: work for work in reproduce.works(bool(QUICK))}
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
        f"{FOLDER}/{{name}}/plans-{{key}}.json",
    shell:
        f"{JOB} plans {{wildcards.name}} {QUICK} {{output}} 2>&1"


rule clips:
    input:
        lambda w: short([WORKS[w.name].plans]),
    output:
        f"{FOLDER}/{{name}}/clips-{{key}}-{{shard}}.json",
    threads: 2
    shell:
        f"{JOB} clips {{wildcards.name}} {QUICK} {{output}} {{input}} 2>&1"


rule scores:
    input:
        lambda w: short([WORKS[w.name].plans]),
        lambda w: [p for p in short(WORKS[w.name].clips) if p.endswith(f"-{w.shard}.json")],
    output:
        f"{FOLDER}/{{name}}/scores-{{key}}-{{shard}}.json",
    threads: 2
    shell:
        f"{JOB} scores {{wildcards.name}} {QUICK} {{output}} {{input[0]}} 2>&1"


rule results:
    input:
        lambda w: short(WORKS[w.name].scores),
    output:
        f"{FOLDER}/{{name}}/results-{{key}}.json",
    threads: 2
    shell:
        f"{JOB} results {{wildcards.name}} {QUICK} {{output}} 2>&1"


rule drawing:
    input:
        lambda w: [p for work in FIGURES[w.name].works for p in short(work.scores)],
    output:
        f"{FOLDER}/{{name}}/drawing-{{key}}.json",
    threads: 2
    shell:
        f"{JOB} drawing {{wildcards.name}} {QUICK} {{output}} 2>&1"
