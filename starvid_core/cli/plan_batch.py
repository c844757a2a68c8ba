"""`starvid plan-batch`: plans of many prompts as files, so that machines with GPUs need no LLM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from starvid_core.cli.app import app, printable
from starvid_core.errors import InputError

if TYPE_CHECKING:
    from planners.batching import Batch
    from planners.planning import Planned
else:
    Batch = Planned = Any


@app.command("plan-batch")
def plan_batch(
    prompts: Annotated[str, typer.Argument(help="A file of prompts, or a benchmark's name.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the plans.")],
    model: Annotated[str, typer.Option(help="A folder, or a name of the Hugging Face hub.")],
    requests: Annotated[
        Path | None, typer.Option(help="Run no model: write here what has to be asked next.")
    ] = None,
    replies: Annotated[
        Path | None, typer.Option(help="What a batch runner elsewhere said to those requests.")
    ] = None,
    stages: Annotated[int, typer.Option(help="Requests for a plan: 2 as in the paper, or 1")] = 2,
    template: Annotated[str, typer.Option(help="paper; or short, for a tuned model")] = "paper",
    unit: Annotated[int | None, typer.Option(help="Pixels that a number of it counts")] = None,
    attempts: Annotated[int, typer.Option(help="How often a stage may be asked for")] = 3,
    context: Annotated[int, typer.Option(help="Tokens of a prompt and its reply")] = 8192,
    python: Annotated[str, typer.Option(help="An interpreter with vLLM")] = "",
) -> None:
    """Plan every prompt with vLLM's batch runner, in rounds; no reply is ever asked for again.

    With --requests and --replies another machine runs the model:
    `vllm run-batch -i REQUESTS -o REPLIES --model MODEL --served-model-name base`.
    """
    from planners import prompt_files
    from planners.batch_runner import Runner
    from planners.batching import Batch
    from planners.engines.vllm import AUTO, Launch
    from planners.planning import PlanOptions, wire_of
    from planners.serving import batch_files

    texts = [asked.prompt for asked in prompt_files.read(prompts)]
    wire = wire_of(template, unit)
    options = PlanOptions(decode="oneshot", template=template, wire=wire, attempts=attempts)
    launch = Launch(model, "", AUTO, context)
    batch = Batch(texts, launch.identity, output / "transcript.jsonl", stages, options)
    if replies is not None:
        typer.echo(f"{replies}: {batch.take(batch_files.read(replies))} new replies")
    if requests is None and replies is None:
        _write(output, texts, batch.finish(Runner(launch, output / "runner", python)).plans)
        return
    done = batch.round()
    _write(output, texts, done.plans)
    if done.lacking and requests is not None:
        batch_files.write(requests, done.lacking, launch.served)
    where = f" in {requests}" if requests and done.lacking else ""
    typer.echo(f"{len(done.lacking)} requests are open{where}")


def _write(folder: Path, prompts: Sequence[str], plans: Sequence[Planned | InputError]) -> None:
    """A file for every plan, by the number of its prompt, and a line for every prompt."""
    from planners import schema
    from planners.engines.recorded import NotRecorded
    from starvid_core.artifacts import canonical_json, write_text

    lines = []
    for number, (prompt, made) in enumerate(zip(prompts, plans, strict=True)):
        line: dict[str, Any] = {"number": number, "prompt": prompt}
        if isinstance(made, NotRecorded):
            continue
        if isinstance(made, InputError):
            line["problem"] = str(made)
        else:
            line["plan"] = f"{number:06}.json"
            write_text(folder / line["plan"], schema.dumps(made.trajectory, "llm"))
        lines.append(line)
    write_text(folder / "plans.jsonl", "".join(f"{canonical_json(line)}\n" for line in lines))
    planned = sum("plan" in line for line in lines)
    said = f"{folder}: {planned} of {len(prompts)} prompts planned, {len(lines) - planned} refused"
    typer.echo(printable(said))
