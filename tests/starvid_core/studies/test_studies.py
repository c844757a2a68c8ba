"""Study files: each loads, its variants exist, its numbers of the paper too, its cost is stated."""

import json
from functools import cache

import pytest
from transformers import CLIPTokenizer

from planners import benchmarks, rules
from starvid_core import paths, specs, studies, tokens
from starvid_core.errors import InputError
from starvid_core.studies import results, tables
from starvid_core.studies.selection import choose
from starvid_core.workflow import notebooks

NAMES = studies.names()
WAITED = [n for n in NAMES if studies.declaration(n).made_by == studies.STUDY]
MINUTE = 1 / 60


@cache
def study(name, quick=False):
    return studies.load(name, quick)


@pytest.mark.parametrize("quick", [False, True], ids=["full", "quick"])
@pytest.mark.parametrize("name", NAMES)
def test_every_study_loads_and_its_variants_are_what_methods_offer(name, quick):
    one = study(name, quick)
    first = {v: c for c in reversed(one.cells) for v in [c.variant]}
    made = {v: specs.attempted(c.prompt, seed=c.seed, **one.variants[v]) for v, c in first.items()}
    planned = [v for v, options in one.variants.items() if "planner" in options]
    keys = {spec.key for variant, spec in made.items() if variant not in planned}
    assert len(keys) == len(one.variants) - len(planned)
    assert one.reference in study(name).variants
    assert set(one.shown.variants) <= set(study(name).variants)


@pytest.mark.parametrize("name", NAMES)
def test_every_notebook_of_a_study_is_there(name):
    for notebook, beside in studies.drawings(name).items():
        source = notebooks.find(notebook).read_text()
        assert all(stem in source for stem in [notebook, *beside])
        if studies.declaration(name).made_by == studies.STUDY:
            assert "results.load(" in source and "`starvid study" in source
        else:
            assert f'studies.load(\\"{name}\\"' in source or "studies.load(name" in source


@pytest.mark.parametrize("notebook", notebooks.figures())
def test_every_figure_says_in_its_study_whether_reproduce_makes_its_clips(notebook):
    makers = {studies.declaration(name).made_by for name in studies.of(notebook)}
    assert len(makers) <= 1  # none for a figure of boxes and curves alone


@pytest.mark.parametrize("name", [n for n in NAMES if study(n).paper])
def test_the_rows_of_the_paper_are_in_its_table(name):
    one = study(name)
    said = tables.paper(results.Results(one, {}, None, paths.RESULTS))
    assert set(said) == set(one.paper["rows"]) <= set(one.variants)
    assert one.reference in said
    assert all(0 < row["numeracy"] < 1 < row["pick_score"] for row in said.values())


def test_the_papers_studies_take_two_hours_at_most_and_all_of_them_eight():
    hours = {name: studies.declaration(name).hours for name in WAITED}
    assert all(hours.values()), hours
    paper = [value for name, value in hours.items() if name.startswith("tab")]
    assert max(paper) <= 2 and sum(paper) <= 8


@pytest.mark.parametrize("name", [n for n in WAITED if results.exists(n)])
def test_a_study_that_was_run_took_what_it_states(name):
    facts = json.loads((paths.RESULTS / f"{name}.json").read_text())
    assert facts.get("hours", 0) <= 1.5 * studies.declaration(name).hours


def test_reproduce_takes_a_quarter_of_an_hour_at_most():
    """As stated: the clips of its own studies, and eight seconds for every notebook."""
    live = [studies.declaration(name).hours for name in NAMES if name not in WAITED]
    assert all(live) and sum(live) + 8 / 3600 * len(notebooks.figures()) <= 15 * MINUTE


def test_numbers_are_tuned_on_prompts_that_no_other_table_reports():
    reported = {p for n in NAMES if n.startswith("tab01") for p in study(n).prompts}
    varied = {
        p
        for n in WAITED
        if n[:5] in ("tab03", "tab04", "tab05", "tab06", "tab13")
        for p in study(n).prompts
    }
    assert varied and not varied & reported


def test_ablations_share_the_clips_of_their_reference():
    shared = study("tab03_constraints")
    keys = {spec.key for cell, spec in shared.specs.items() if cell.variant == "StarVid"}
    for name in ("tab04_neighbours", "tab05_spatial", "tab06_distance_and_form", "tab13_layers"):
        one = study(name)
        own = {spec.key for cell, spec in one.specs.items() if cell.variant == "StarVid"}
        assert own <= keys


def test_every_prompt_of_a_study_can_be_asked_as_it_stands():
    """Planned by rules, read by the tokenizer, its nouns and verbs found."""
    tokenizer = CLIPTokenizer.from_pretrained(paths.CHECKPOINTS / "emoji" / "tokenizer")
    for prompt in {prompt for name in NAMES for prompt in study(name).prompts}:
        plan = rules.plan(prompt).plan
        assert len(tokenizer(prompt).input_ids) <= tokenizer.model_max_length
        assert len(tokens.align(prompt, plan.subjects, tokenizer).pairs) == len(plan.subjects)


def test_prompts_that_the_model_does_not_know_are_left_out_and_counted(tmp_path, monkeypatch):
    whole = choose([{"benchmark": "action_binding"}])
    known, unknown = len(whole.prompts), whole.left_out["action_binding"]
    assert known + unknown == 100
    monkeypatch.setattr(paths, "CHECKPOINTS", tmp_path)
    assert choose([{"benchmark": "action_binding"}]).left_out == {"action_binding": 0}
    (tmp_path / "emoji").mkdir()
    world = {"subjects": ["man", "woman"], "motions": ["running", "sitting"]}
    (tmp_path / "emoji" / "world.json").write_text(json.dumps(world))
    few = choose([{"benchmark": "action_binding"}, "A dog is running."])
    assert len(few.prompts) - 1 + few.left_out["action_binding"] == 100
    assert len(few.prompts) < known and few.prompts[-1] == "A dog is running."


def test_parts_of_a_benchmark_never_meet_and_make_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "CHECKPOINTS", tmp_path)
    parts = [choose([{"benchmark": "llm_benchmark", "every": 5, "first": k}]) for k in range(5)]
    prompts = [prompt for part in parts for prompt in part.prompts]
    assert sorted(prompts) == sorted(p.prompt for p in benchmarks.load("llm_benchmark"))


def test_every_prompt_of_a_benchmark_starts_from_noise_of_its_own():
    one = study("tab03_constraints")
    seeds = [c.seed for c in one.cells if c.variant == "plain"]
    assert seeds == [one.chosen.places[p][1] for p in one.prompts]
    assert len(set(seeds)) > len(seeds) / 2
    again = [one.chosen.noise(p, 1) for p in one.prompts]
    assert not set(again) & set(seeds)
    assert [c.seed for c in study("fig02_attention_maps").cells[:6]] == [0, 1, 2, 3, 4, 5]


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "STUDIES", tmp_path)

    def written(**declared):
        base = {"prompts": ["A dog is running."], "variants": {"StarVid": {}}}
        (tmp_path / "fig99.json").write_text(json.dumps(base | declared))
        return studies.load("fig99")

    return written


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"prompt": []}, "needs prompts and variants, and may have"),
        ({"made_by": "hand"}, "unknown maker of fig99 'hand', expected reproduce, study"),
        ({"variants": {"a": {"spatial_weight": 1}}}, "unknown part of 'a' in fig99 'spatial_we"),
        ({"prompts": [{"bench": "x"}]}, "prompts are texts or"),
        ({"prompts": [{"benchmark": "llm"}]}, 'benchmark "llm" is unknown'),
        ({"prompts": [{"benchmark": "llm_benchmark", "evry": 2}]}, "did you mean every"),
        ({"prompts": [{"benchmark": "llm_benchmark", "first": 2}]}, "0 <= first < every"),
        ({"prompts": []}, "knows no prompt of the study fig99"),
        ({"like": "fig98"}, "unknown study 'fig98', expected fig99; did you mean fig99"),
    ],
    ids=str,
)
def test_a_wrong_study_file_is_one_line(write, declared, said):
    with pytest.raises(InputError, match=said) as caught:
        write(**declared)
    assert "\n" not in str(caught.value)


def test_a_study_like_another_takes_over_what_it_does_not_say(write, tmp_path):
    write(seeds=[3], hours=0.5)
    like = {"like": "fig99", "prompts": ["A cat is jumping."]}
    (tmp_path / "fig98.json").write_text(json.dumps(like))
    one = studies.load("fig98")
    assert (one.prompts, one.seeds, one.hours) == (("A cat is jumping.",), (3,), 0.5)


def test_quick_takes_few_prompts_steps_and_variants(write):
    few = {"prompts": 1, "seeds": 1, "steps": 3, "variants": ["b"]}
    write(
        prompts=["x", "y"],
        seeds=[4, 5],
        quick=few,
        variants={"a": {}, "b": {"options": {"steps": 9}}},
    )
    one = studies.load("fig99", quick=True)
    assert one.cells == [("b", "x", 4)] and one.variants == {"b": {"steps": 3}}
