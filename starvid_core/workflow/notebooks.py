"""Running notebooks: declared parameters only, every cell executed, written whole or not at all."""

from __future__ import annotations

import ast
import contextlib
import difflib
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from starvid_core import paths
from starvid_core.artifacts import writing
from starvid_core.errors import InputError

CELL_TIMEOUT = 1800
_KERNEL = "starvid"
# IPython's own `quit()` ends the kernel when it gets round to it; this one fails its cell.
_QUIT = "--IPKernelApp.exec_lines=get_ipython().ask_exit = __import__('sys').exit"


def find(name: str) -> Path:
    """The notebook of this repository that is called `name`."""
    path = paths.NOTEBOOKS / f"{name}.ipynb"
    choices = sorted(p.stem for p in paths.NOTEBOOKS.glob("*.ipynb"))
    if name not in choices:
        near = difflib.get_close_matches(name, choices, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(f"no notebook {name!r} in {paths.NOTEBOOKS}{hint}")
    return path


def figures() -> list[str]:
    """The notebooks that draw a figure or a table, found by name."""
    stems = [path.stem for path in paths.NOTEBOOKS.glob("*.ipynb")]
    return sorted(stem for stem in stems if stem.startswith(("fig", "tab", "pareto")))


def lessons() -> list[str]:
    """The notebooks that teach, in their order."""
    return sorted(path.stem for path in paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def execute(
    source: Path,
    target: Path,
    parameters: dict[str, Any] | None = None,
    timeout: int = CELL_TIMEOUT,
    progress: bool = False,
) -> float:
    """Execute `source` into `target` with checked parameters; return the seconds it took."""
    given = check_parameters(source, parameters or {})
    start = time.perf_counter()
    failed = target.with_suffix(".failed.ipynb")
    with writing(target) as temporary, _kernel():
        error = _papermill(source, temporary, given, timeout, progress)
        executed = nbformat.read(temporary, as_version=4)
        problem = error or unfinished(executed) or _lost(source, executed, given)
        if problem:
            with writing(failed) as copy:
                nbformat.write(executed, copy)
            raise InputError(f"{source.name} failed: {problem}; what ran is in {failed}")
    failed.unlink(missing_ok=True)
    return time.perf_counter() - start


def check_parameters(source: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Refuse a parameter that the notebook does not declare, or of another type."""
    declared = parameters(source)
    for name, value in given.items():
        if name not in declared:
            near = difflib.get_close_matches(name, declared, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InputError(
                f"{source.name} has no parameter {name!r}, only {', '.join(declared) or 'none'}"
                f"{hint}"
            )
        if not _like(value, declared[name]):
            raise InputError(f"{name} of {source.name} must be like {declared[name]!r}: {value!r}")
    return given


def parameters(source: Path) -> dict[str, Any]:
    """The names and defaults of the one cell tagged `parameters`: plain assignments of values."""
    cells = [c for c in read(source).cells if "parameters" in c.metadata.get("tags", [])]
    if len(cells) > 1:
        raise InputError(f"{source.name} has {len(cells)} cells tagged parameters, expected one")
    return dict(_assignment(node, source) for c in cells for node in ast.parse(c.source).body)


def read(source: Path) -> NotebookNode:
    """A notebook file; anything else is a one-line error."""
    try:
        return nbformat.read(source, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError, nbformat.reader.NotJSONError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{source} is not a notebook: {reason}") from None


def unfinished(executed: NotebookNode) -> str:
    """What is wrong with an executed notebook: an error, or a cell that never ran in its turn."""
    for number, cell in enumerate(_code(executed), 1):
        for output in cell.outputs:
            if output.output_type == "error":
                return f"code cell {number}: {output.ename}: {output.evalue}".splitlines()[0]
        if cell.execution_count is None:
            return f"code cell {number} was not executed"
        if cell.execution_count != number:
            return f"code cell {number} was executed as number {cell.execution_count}"
    return ""


def _lost(source: Path, executed: NotebookNode, given: dict[str, Any]) -> str:
    """Whether code cells of the source are missing; papermill adds one with the parameters."""
    wanted = len(_code(read(source))) + bool(given)
    found = len(_code(executed))
    return "" if found == wanted else f"{found} code cells were executed instead of {wanted}"


def _code(book: NotebookNode) -> list[NotebookNode]:
    return [c for c in book.cells if c.cell_type == "code" and c.source.strip()]


def _papermill(
    source: Path, target: Path, given: dict[str, Any], timeout: int, progress: bool
) -> str:
    """Execute; return what papermill or the kernel complain about in one line."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    # Kernels talk over files, not over TCP ports that others on the machine could reach.
    transport = Config({"KernelManager": {"transport": "ipc"}})
    try:
        papermill.execute_notebook(
            str(source),
            str(target),
            given,
            kernel_name=_KERNEL,
            language="python",
            cwd=str(source.parent),
            progress_bar=progress,
            execution_timeout=timeout,
            config=transport,
        )
    except papermill.PapermillExecutionError as error:
        return f"code cell {error.exec_count}: {error.ename}: {error.evalue}".splitlines()[0]
    except CellTimeoutError:
        return f"a cell ran longer than {timeout} s"
    except DeadKernelError:
        return "the kernel died (out of memory, or killed)"
    except RuntimeError as error:  # what jupyter_client raises for a kernel that never answered
        return f"the kernel did not start: {error}".splitlines()[0]
    return ""


@contextlib.contextmanager
def _kernel() -> Iterator[None]:
    """A kernel of this very interpreter, whatever kernels the user has installed."""
    with tempfile.TemporaryDirectory(prefix="starvid-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Jupyter's and papermill's own deprecations
        spec = Path(folder, "kernels", _KERNEL)
        spec.mkdir(parents=True)
        launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", _QUIT]
        written = {"argv": launch, "display_name": "StarVid", "language": "python"}
        (spec / "kernel.json").write_text(json.dumps(written))
        with _environment(
            JUPYTER_PATH=folder,
            JUPYTER_RUNTIME_DIR=folder,
            JUPYTER_CONFIG_DIR=folder,
            JUPYTER_PLATFORM_DIRS="1",
            IPYTHONDIR=folder,
            MPLBACKEND="agg",
            PYTHONFAULTHANDLER="1",
        ):
            yield


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _assignment(node: ast.stmt, source: Path) -> tuple[str, Any]:
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    value = getattr(node, "value", None)
    if isinstance(target, ast.Name) and value is not None:
        with contextlib.suppress(ValueError):
            return target.id, ast.literal_eval(value)
    raise InputError(
        f"the parameters of {source.name} must be plain assignments, got: {ast.unparse(node)}"
    )


def _like(value: Any, default: Any) -> bool:
    if isinstance(value, bool) or isinstance(default, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    return default is None or isinstance(
        value, int | float if type(default) is float else type(default)
    )
