"""`starvid tolerance`: how far videos differ between threads and instruction sets."""

from __future__ import annotations

from typing import Annotated

import typer

from starvid_core.cli.app import app


@app.command()
def tolerance(
    steps: Annotated[int, typer.Option(min=1, help="Denoising steps of each clip.")] = 25,
) -> None:
    """Measure it on the shipped model and write data/results/tolerance.json (minutes)."""
    from starvid_core.artifacts import read_json
    from starvid_core.workflow import tolerance as measuring

    written = measuring.measure(steps)
    names = ("latents_plain", "latents_guided", "pixels", "noise_equal", "scores_equal")
    typer.echo(f"{'threads':8}{'torch':9}{'oneDNN':8}" + "".join(f"{n:>15}" for n in names))
    for row in read_json(written)["rows"]:
        values = "".join(
            f"{v:15.1e}" if isinstance(v, float) else f"{v!s:>15}" for v in map(row.get, names)
        )
        typer.echo(f"{row['threads']:8}{row['aten'] or 'any':9}{row['onednn'] or 'any':8}{values}")
    typer.echo(str(written))
