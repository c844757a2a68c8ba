"""The rules for notebooks, and the driver that runs them."""

import ast
import re
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from starvid_core import paths
from starvid_core.errors import InputError
from starvid_core.workflow import notebooks

SHIPPED = sorted(paths.NOTEBOOKS.glob("*.ipynb"))
FIGURES = [path for path in SHIPPED if path.stem in notebooks.figures()]
LESSONS = [path for path in SHIPPED if path.stem in notebooks.lessons()]
# A student writes a loss there, in the notebook itself: that is the lesson.
DEFINED = {"04_your_own_loss": ["my_loss"]}
# Lessons write formulas out beside the library's call, and have exercises.
MOST_LINES = {path: 75 for path in LESSONS}


def code_of(path):
    return [c for c in notebooks.read(path).cells if c.cell_type == "code"]


def python_of(path):
    # Lines of IPython's own language are not Python.
    return "\n".join(re.sub(r"(?m)^\s*[%!].*$", "", c.source) for c in code_of(path))


def name(path):
    return path.stem


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_a_notebook_carries_no_output(path):
    for cell in code_of(path):
        assert not cell.outputs and cell.execution_count is None


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_a_notebook_is_short_and_defines_nothing(path):
    lines = [
        line
        for line in python_of(path).splitlines()
        if line.strip() and not line.strip().startswith("#")
    ]
    assert len(lines) <= MOST_LINES.get(path, 60)
    nodes = list(ast.walk(ast.parse(python_of(path))))
    defined = [n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    assert defined == DEFINED.get(path.stem, [])
    assert "sys.path" not in python_of(path) and "os.chdir" not in python_of(path)


@pytest.mark.parametrize("path", FIGURES + LESSONS, ids=name)
def test_a_figure_or_lesson_has_a_title_and_parameters_of_which_one_is_quick(path):
    first = notebooks.read(path).cells[0]
    assert first.cell_type == "markdown" and first.source.startswith("# ")
    assert notebooks.parameters(path)["quick"] is False


@pytest.mark.parametrize("path", FIGURES, ids=name)
def test_a_figure_keeps_its_name(path):
    assert path.stem in python_of(path)


def test_lessons_are_numbered_and_draw_no_figure_of_the_paper():
    assert [path.stem[:2] for path in LESSONS] == [f"{n:02}" for n in range(len(LESSONS))]
    assert not set(notebooks.lessons()) & set(notebooks.figures())


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_a_lesson_links_only_to_notebooks_that_exist(path):
    text = "\n".join(c.source for c in notebooks.read(path).cells if c.cell_type == "markdown")
    linked = re.findall(r"\]\(([^)]+\.ipynb)\)", text)
    assert all((paths.NOTEBOOKS / target).is_file() for target in linked)


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_an_exercise_has_an_empty_answer_and_a_check(path):
    code, text = python_of(path), [c.source for c in notebooks.read(path).cells]
    exercises = sum(len(re.findall(r"(?m)^## Exercise", cell)) for cell in text)
    assert code.count("print(lessons.check(") >= exercises
    assert (exercises > 0) == (path.stem != "06_explorer")


@pytest.fixture
def make(tmp_path):
    """Write a small notebook: cells of code, the first one tagged as parameters."""

    def write(*cells, name="small.ipynb"):
        book = new_notebook(cells=[new_markdown_cell("# Small"), *map(new_code_cell, cells)])
        book.cells[1].metadata["tags"] = ["parameters"]
        nbformat.write(book, tmp_path / name)
        return tmp_path / name

    return write


def test_parameters_are_read_from_the_tagged_cell(make):
    source = make("steps = 25\nscale: float = 3.0  # comment\nnames = ['a']\nquick = False")
    assert notebooks.parameters(source) == {
        "steps": 25,
        "scale": 3.0,
        "names": ["a"],
        "quick": False,
    }


def test_a_misspelt_parameter_is_refused_with_the_nearest(make):
    with pytest.raises(InputError, match="no parameter 'sead', only seed, steps; did you mean see"):
        notebooks.check_parameters(make("seed = 0\nsteps = 1"), {"sead": 1})


def test_a_parameter_name_is_never_code(make):
    with pytest.raises(InputError, match="has no parameter"):
        notebooks.check_parameters(make("seed = 0"), {"x=0;open('pwned','w')#": 1})


@pytest.mark.parametrize("value", ["1", 1.5, True, None, [1]])
def test_a_parameter_keeps_its_type(make, value):
    with pytest.raises(InputError, match="seed of small.ipynb must be like 0"):
        notebooks.check_parameters(make("seed = 0"), {"seed": value})


def test_parameters_must_be_plain_values(make):
    with pytest.raises(InputError, match="plain assignments, got: steps = len"):
        notebooks.parameters(make("steps = len('abc')"))


def test_an_unknown_notebook_is_refused_with_the_nearest(monkeypatch, make, tmp_path):
    make("seed = 0", name="fig99_small.ipynb")
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    assert notebooks.figures() == ["fig99_small"]
    with pytest.raises(InputError, match="no notebook 'fig99_smal' .*; did you mean fig99_small"):
        notebooks.find("fig99_smal")


def test_what_is_no_notebook_is_one_line(tmp_path):
    (tmp_path / "x.ipynb").write_text("not json")
    with pytest.raises(InputError, match="x.ipynb is not a notebook"):
        notebooks.read(tmp_path / "x.ipynb")


def test_a_notebook_runs_in_this_interpreter_with_its_parameters(make, tmp_path):
    check = "import sys; assert sys.executable == interpreter, sys.executable\nassert seed == 7"
    source = make("seed = 0\ninterpreter = ''", check, "seed + 1")
    target = tmp_path / "out" / "small.ipynb"
    import sys

    seconds = notebooks.execute(source, target, {"seed": 7, "interpreter": sys.executable})
    cells = [c for c in notebooks.read(target).cells if c.cell_type == "code"]
    assert seconds > 0
    assert cells[-1].outputs[0].data["text/plain"] == "8"
    assert [p.name for p in target.parent.iterdir()] == ["small.ipynb"]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (("seed = 0", "1 / 0"), "ZeroDivisionError: division by zero"),
        (("seed = 0", "import sys; sys.exit(0)", "after = 1"), "SystemExit"),
        (("seed = 0", "import os; os._exit(1)", "after = 1"), "the kernel died"),
        (("seed = 0", "quit()", "after = 1"), "SystemExit"),
    ],
    ids=["error", "exit", "death", "quit"],
)
def test_a_failing_cell_fails_the_notebook_and_nothing_takes_the_old_place(
    make, tmp_path, cells, said
):
    target = tmp_path / "out" / "small.ipynb"
    target.parent.mkdir()
    target.write_text("old")
    with pytest.raises(InputError, match=f"small.ipynb failed: .*{said}.*small.failed.ipynb"):
        notebooks.execute(make(*cells), target)
    assert target.read_text() == "old"


def test_a_cell_that_never_ends_is_stopped(make, tmp_path):
    source = make("seed = 0", "import time; time.sleep(60)")
    with pytest.raises(InputError, match="a cell ran longer than 2 s"):
        notebooks.execute(source, tmp_path / "out.ipynb", timeout=2)
    assert not (tmp_path / "out.ipynb").exists()


def test_a_killed_kernel_is_an_error_within_ten_seconds_and_nothing_goes_on(make, tmp_path):
    kill = "import os, pathlib, signal, time\npathlib.Path(stamp).write_text(f'{time.time()} "
    kill += "{os.getpid()}')\nos.kill(os.getpid(), signal.SIGKILL)"
    source = make(f"stamp = {str(tmp_path / 'stamp')!r}", kill, "after = 1")
    with pytest.raises(InputError, match="the kernel died"):
        notebooks.execute(source, tmp_path / "out.ipynb")
    killed, process = (tmp_path / "stamp").read_text().split()
    assert time.time() - float(killed) < 10
    assert not Path("/proc", process).exists()


def test_a_kernel_that_does_not_start_is_one_line(make, tmp_path, monkeypatch):
    (tmp_path / "ipykernel_launcher.py").write_text("raise SystemExit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(InputError, match="small.ipynb failed: the kernel did not start: Kernel"):
        notebooks.execute(make("seed = 0"), tmp_path / "out.ipynb")


@pytest.mark.parametrize("tag", ["skip-execution", "raises-exception"])
def test_a_tag_cannot_hide_a_cell(make, tmp_path, tag):
    source = make("seed = 0", "1 / 0")
    book = notebooks.read(source)
    book.cells[2].metadata["tags"] = [tag]
    nbformat.write(book, source)
    with pytest.raises(InputError, match="code cell 2(: ZeroDivisionError| was not executed)"):
        notebooks.execute(source, tmp_path / "out.ipynb")


@pytest.mark.parametrize(
    ("counts", "said"),
    [((1, 2), ""), ((1, None), "cell 2 was not executed"), ((1, 1), "executed as number 1")],
    ids=["all", "skipped", "restarted"],
)
def test_executed_cells_are_counted(counts, said):
    cells = [new_code_cell("x = 1", execution_count=count) for count in counts]
    assert said in notebooks.unfinished(new_notebook(cells=cells))
    assert bool(said) == bool(notebooks.unfinished(new_notebook(cells=cells)))
