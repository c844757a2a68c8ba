"""`starvid benchmark`: prompts that a language model writes, as the paper's were."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from starvid_core.cli.app import app, printable, setting

benchmark = typer.Typer(help="Benchmarks of prompts.", no_args_is_help=True)
app.add_typer(benchmark, name="benchmark")


@benchmark.command()
def make(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write, .jsonl")],
    engine: Annotated[
        str, typer.Option(help="Who writes: llama_cpp, outlines, vllm, openai, recorded")
    ] = "llama_cpp",
    option: Annotated[
        list[str] | None, typer.Option("-O", "--option", help="NAME=VALUE of the engine")
    ] = None,
    count: Annotated[int, typer.Option("-n", "--count", help="How many prompts")] = 200,
    seed: Annotated[int, typer.Option(help="Of the scenes, and of the one of four")] = 0,
    record: Annotated[
        Path | None, typer.Option(help="Transcript that keeps the model's replies")
    ] = None,
) -> None:
    """Let a model describe scenes of the paper's subjects and motions (Tables XI and XII)."""
    from planners import benchmark_making, engines
    from planners.engines.recorded import recorded
    from starvid_core.artifacts import check_writable, write_text
    from starvid_core.errors import InputError

    if output.suffix != ".jsonl":
        raise InputError(f"cannot write {output}: its name must end in .jsonl")
    check_writable(output)
    asked = engines.load(engine, **dict(setting(text) for text in option or []))
    with recorded(asked, record) if record else asked as writer:
        made = benchmark_making.make(writer, count, seed)
        by = writer.model
    write_text(output, made.lines())
    if made.told:
        typer.echo(printable(f"note: left out {made.told}"), err=True)
    typer.echo(printable(f"{output}: {count} prompts of {made.scenes} scenes by {by}, seed {seed}"))
