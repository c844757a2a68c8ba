"""The command `starvid`. Torch is imported inside the commands, so that help answers at once."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from starvid_core import offline
from starvid_core.errors import InputError

if TYPE_CHECKING:
    from starvid_core.experiment import RunSpec
    from starvid_core.scene import Trajectory
else:
    RunSpec = Trajectory = Any

app = typer.Typer(
    help="StarVid: text to video in which every subject does its own motion.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

SPREAD = ("mean", "low", "high")
Prompt = Annotated[str, typer.Argument(help='For example "A dog is running and a cat is jumping".')]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="File to write.")]
PlanFile = Annotated[Path, typer.Option("--plan", help="A plan file, see `starvid plan`.")]
Quick = Annotated[bool, typer.Option("--quick", help="Few prompts and steps: a smoke test.")]


def main() -> None:
    """Run the command line: errors in one line and exit code 2, a traceback only for --debug."""
    offline.apply()
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    if not debug:
        sys.excepthook = _say_in_one_line
    try:
        code = app(arguments, prog_name="starvid", standalone_mode=False)
    except (InputError, typer.TyperException) as error:
        if debug:
            raise
        said = getattr(error, "format_message", error.__str__)()
        sys.stderr.write(f"starvid: {printable(said)}\n")
        code = 2
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("starvid: interrupted\n")
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


def printable(text: str) -> str:
    """The text with control characters escaped: a prompt must not command the terminal."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode()
        for c in text
    )


def _say_in_one_line(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    said = printable(f"{kind.__name__}: {error}")
    sys.stderr.write(f"starvid: unexpected {said} (--debug shows where)\n")


def _show_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"starvid {version('starvid')}")
        raise typer.Exit
    return wanted


@app.callback()
def starvid(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Options that stand before the command; `--debug` may stand anywhere."""


@app.command()
def plan(prompt: Prompt, output: Output = None) -> None:
    """Lay out who is where in each frame, by rules; print the plan or write it to a file."""
    from planners import physics, rules, schema
    from starvid_core.artifacts import write_text

    trajectory = rules.plan(prompt)
    for violation in physics.check(trajectory):
        typer.echo(printable(f"note: {violation}"), err=True)
    if output is None:
        typer.echo(schema.dumps(trajectory), nl=False)
    else:
        write_text(output, schema.dumps(trajectory))
        typer.echo(f"{output}: {_summary(trajectory)}")


@app.command()
def generate(
    prompt: Prompt,
    output: Annotated[Path, typer.Option("-o", "--output", help="out.mp4 or out.gif")],
    method: Annotated[str, typer.Option(help="none or starvid")] = "starvid",
    backbone: Annotated[str, typer.Option(help="The model: emoji")] = "emoji",
    seed: Annotated[int, typer.Option(help="Same seed, same noise.")] = 0,
    plan_file: Annotated[Path | None, typer.Option("--plan", help="Default: by rules.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps.")] = None,
    guidance_scale: Annotated[float | None, typer.Option(help="Classifier-free.")] = None,
    save_attention: Annotated[
        bool, typer.Option("--save-attention", help="Also write OUT.attention.npz.")
    ] = False,
) -> None:
    """Make a video of PROMPT."""
    from planners import schema
    from starvid_core import experiment, video
    from starvid_core.artifacts import check_writable

    video.suffix(output)
    check_writable(output)
    chosen = {"steps": steps, "guidance_scale": guidance_scale}
    given = schema.load(plan_file) if plan_file else None
    options = {name: value for name, value in chosen.items() if value is not None}
    one = experiment.spec(prompt, method, seed, backbone, given, **options)
    if save_attention:
        # The fifth step and every fifth after it, as in Fig. 2.
        every_fifth = range(4, one.sampling.steps, 5) or [one.sampling.steps - 1]
        one = experiment.spec(
            prompt, method, seed, backbone, given, **options, record=tuple(every_fifth)
        )
    _make(one, output)


@app.command()
def score(
    video_file: Annotated[Path, typer.Argument(metavar="VIDEO", help=".mp4, .gif or .npy")],
    plan_file: PlanFile,
) -> None:
    """Let the embedded judge compare a Moving-Emoji video with its plan."""
    from planners import schema
    from starvid_core import experiment, specs, video
    from starvid_core.paths import CHECKPOINTS

    trajectory = schema.load(plan_file)
    frames = video.load(video_file)
    world = specs.world(CHECKPOINTS / "emoji")
    small = video.shrink(frames, world["height"], world["width"])
    specs.check_vocabulary(trajectory, "emoji")
    for name, value in experiment.score(small, trajectory).items():
        typer.echo(f"{name:15} {value:.3f}")


@app.command()
def figures(
    names: Annotated[list[str] | None, typer.Argument(help="Default: every figure.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", help="NAME=VALUE of the notebook")
    ] = None,
    quick: Quick = False,
) -> None:
    """Run the notebooks that draw the figures; runs that exist are not made again."""
    from starvid_core import notebooks, paths

    given = dict(_parameter(text) for text in parameter or [])
    sources = [notebooks.find(name) for name in names or notebooks.figures()]
    if quick:
        given["quick"] = True
    for source in sources:
        notebooks.check_parameters(source, given)
    for source in sources:
        target = paths.BUILD / "notebooks" / source.name
        seconds = notebooks.execute(source, target, given, progress=sys.stderr.isatty())
        typer.echo(f"{source.stem:30} {seconds:6.0f} s")


@app.command()
def reproduce(
    cores: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 2,
    quick: Quick = False,
) -> None:
    """Bring every figure up to date; what is finished is not made again."""
    from starvid_core import reproduce as workflow

    made = workflow.reproduce(cores, quick)
    typer.echo(f"{'figure':30} {'plans':>7} {'clips':>7} {'scores':>7} {'drawing':>7}  seconds")
    for figure in made:
        spent = workflow.seconds(figure)
        typer.echo(f"{figure.name:30} " + " ".join(f"{spent[s]:7.0f}" for s in workflow.STAGES))


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="A file of data/studies, such as benchmark_pairs")],
    quick: Quick = False,
) -> None:
    """Run and score every clip of a study; write its table and its means to data/results."""
    from starvid_core import paths, results, specs
    from starvid_core.artifacts import read_json

    specs.known("study", name, sorted(path.stem for path in paths.STUDIES.glob("*.json")))
    written = results.report(name, quick)
    typer.echo(f"{'variant':12} {'metric':15}   mean  95 % interval   difference")
    for row in read_json(written)["summary"]:
        mean, low, high = (row[k] if row[k] is not None else float("nan") for k in SPREAD)
        change = f"{row['difference']:+.3f} {row['verdict']}" if row["difference"] else ""
        line = f"{row['variant']:12} {row['metric']:15} {mean:6.3f}  {low:.3f} to {high:.3f}"
        typer.echo(f"{line}  {change}")
    typer.echo(str(written))


@app.command()
def train(
    what: Annotated[str, typer.Argument(help="model or judge")] = "model",
    world: Annotated[str, typer.Option(help="Which part of the world: first or full")] = "first",
    device: Annotated[str, typer.Option(help="cpu, or an accelerator as torch names it")] = "cpu",
    start: Annotated[Path | None, typer.Option(help="A model whose weights to begin with.")] = None,
) -> None:
    """Train the embedded model or its judge; goes on where it was stopped."""
    from starvid_core import specs
    from starvid_core.moving_emoji.world import WORLDS
    from starvid_core.training import judge
    from starvid_core.training import text_to_video as model

    specs.known("part to train", what, ["model", "judge"])
    specs.known("world", world, sorted(WORLDS))
    folder = judge.train(world) if what == "judge" else model.train(world, device, start)
    typer.echo(f"wrote {folder}")


def _make(one: RunSpec, output: Path) -> None:
    from starvid_core import experiment, video

    clip = experiment.generate(one)
    video.save(output, clip.video)
    for warning in clip.warnings:
        typer.echo(printable(f"note: {warning}"), err=True)
    if one.record:
        experiment.save_maps(output.with_suffix(".attention.npz"), clip)
    typer.echo(f"{output}: {len(clip.video)} frames of {printable(one.prompt)!r}, seed {one.seed}")


def _summary(trajectory: Trajectory) -> str:
    subjects = ", ".join(f"{s.noun} {s.verb}" for s in trajectory.plan.instances)
    return printable(f"{subjects}; {trajectory.frames} frames")


def _parameter(text: str) -> tuple[str, Any]:
    """NAME=VALUE, the value as JSON if it is that and as text if not."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise InputError(f"a parameter is NAME=VALUE, got {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


if __name__ == "__main__":
    main()
