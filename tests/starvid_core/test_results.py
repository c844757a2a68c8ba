"""Results: read as they were written, by prompts and seeds, and missed with their command."""

import numpy as np
import pandas
import pytest

from starvid_core import paths, results
from starvid_core.errors import InputError

ROWS = [
    {"variant": v, "prompt": p, "seed": s, "dsr": np.nan if s else 0.5}
    for v in ("base", "aligned")
    for p in ("a", "b", "c")
    for s in (0, 1)
]


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(paths, "BUILD", tmp_path / "build")
    (tmp_path / "results").mkdir()
    pandas.DataFrame(ROWS).to_csv(tmp_path / "results" / "one.csv", index=False)


def test_a_table_is_arrays_of_prompts_and_seeds_in_the_order_of_its_variants() -> None:
    found = results.by_prompt(results.read("one"), "dsr")
    assert list(found) == ["base", "aligned"]
    assert found["base"].shape == (3, 2)
    assert (found["base"][:, 0] == 0.5).all() and np.isnan(found["base"][:, 1]).all()


def test_results_that_are_not_there_say_which_command_makes_them() -> None:
    with pytest.raises(InputError, match="no results in .*two.csv; make them with `starvid stu"):
        results.read("two")
    with pytest.raises(InputError, match="make them with `starvid study one --quick`"):
        results.read("one", quick=True)
