"""The application that every command joins, and what happens when one ends in an error."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer

from starvid_core.errors import InputError
from starvid_core.workflow import offline

app = typer.Typer(
    help="StarVid: text to video in which every subject does its own motion.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Prompt = Annotated[str, typer.Argument(help='For example "A dog is running and a cat is jumping".')]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="File to write.")]
Cores = Annotated[
    int | None, typer.Option(min=1, help="Cores to use; by default 2, or as the profile says.")
]
Profile = Annotated[
    str, typer.Option(help="Where jobs run: local, slurm, or a folder of your own.")
]
Quick = Annotated[bool, typer.Option("--quick", help="Few prompts and steps: a smoke test.")]


def main() -> None:
    """Run the command line: errors in one line and exit code 2, a traceback only for --debug."""
    offline.apply()
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    if not debug:
        sys.excepthook = say_in_one_line
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


def say_in_one_line(
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


def setting(text: str) -> tuple[str, str]:
    """NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise InputError(f"a parameter is NAME=VALUE, got {text!r}")
    return name, value
