"""What a reply may name: the prompt's own words and numbers, or one line that says why not."""

import json
from pathlib import Path

import pytest

from planners import rules
from planners.wire.vocabulary import Place, vocabulary
from starvid_core.errors import InputError

HERE = Path(__file__).parents[1]
TABLE = json.loads((HERE / "prompts.json").read_text(encoding="utf-8"))
NASTY = json.loads((HERE / "nasty.json").read_text(encoding="utf-8"))
SEVERAL = (2, 3, 4, 5, 6, 7, 8)
ANY = (1, *SEVERAL)


@pytest.mark.parametrize(("prompt", "subjects"), TABLE, ids=[row[0][:60] for row in TABLE])
def test_all_that_the_rules_read_can_be_named(prompt: str, subjects: list) -> None:
    words = vocabulary(prompt)
    for noun, verb, number, motion in subjects:
        assert any(p.noun == noun and number in p.numbers for p in words.places)
        assert words.motion(noun, verb) == motion
    assert rules.plan(prompt).plan.camera in words.cameras


@pytest.mark.parametrize("prompt", NASTY)
def test_words_stand_in_the_prompt_as_they_are_written(prompt: str) -> None:
    words = vocabulary(prompt)
    assert all(word in prompt for word in (*words.nouns, *words.verbs))


@pytest.mark.parametrize(
    ("prompt", "nouns", "verbs"),
    [
        ("On the grass, a man is playing-golf and a boy rides a bicycle",
         ["man", "boy"], ["playing-golf", "rides a bicycle"]),
        ("A kite flies in the bright sky", ["kite"], ["flies"]),
        ("A small brown dog runs quickly", ["dog"], ["runs"]),
        ("The camera pans left as a dog runs", ["dog"], ["runs"]),
        ("A zorblax is glorping", ["zorblax"], ["glorping"]),
        ("A man plays the guitar, and a woman is weight lifting",
         ["man", "woman"], ["plays the guitar", "weight lifting"]),
        ("Emily is happy", ["Emily"], ["is happy"]),
        ("Emily is happy and a fly buzzes", ["Emily", "fly"], ["buzzes"]),
        ("A dog is running. The dog is white.", ["dog"], ["running", "is white"]),
    ],
)  # fmt: skip
def test_candidates_are_no_scenery_no_objects_and_no_function_words(
    prompt: str, nouns: list[str], verbs: list[str]
) -> None:
    words = vocabulary(prompt)
    assert set(nouns) <= set(words.nouns) and set(verbs) <= set(words.verbs)
    assert not set(words.nouns) & {"the", "is", "sky", "grass", "camera", "bicycle", "guitar"}
    assert len(words.nouns) <= len(nouns) + 1 and len(words.verbs) <= len(verbs) + 1


@pytest.mark.parametrize(
    ("prompt", "numbers"),
    [
        ("a dog is running", (1,)),
        ("two dogs are running", (2,)),
        ("3 dogs are running", (3,)),
        ("a group of five dogs is running", (5,)),
        ("dogs are running", SEVERAL),
        ("several dogs are running", SEVERAL),
        ("a flock of birds is flying", SEVERAL),
        ("a sheep is running", (1,)),
        ("the sheep are running", SEVERAL),
        ("the sheep is running", ANY),
        ("a zorblax is running", (1,)),
        ("zorblaxes are running", ANY),
        ("seven zibs wuzzled", (7,)),
        ("eight women are dancing", (8,)),
    ],
)
def test_numbers_are_those_that_the_prompt_allows(prompt: str, numbers: tuple[int, ...]) -> None:
    assert vocabulary(prompt).places[0].numbers == numbers


def test_one_noun_in_two_places_is_two_subjects() -> None:
    words = vocabulary("A fish swims and three fish jump")
    assert words.places == (Place("fish", (1,)), Place("fish", (3,)))
    assert words.nouns == ("fish",)


@pytest.mark.parametrize(
    ("prompt", "cameras"),
    [
        ("A dog runs", 1),
        ("A man walks towards the camera", 1),
        ("A dog runs, zoom out", 1),
        ("The camera circles a dog that runs", 7),
    ],
)
def test_the_camera_is_free_only_where_the_prompt_speaks_of_it_unclearly(
    prompt: str, cameras: int
) -> None:
    assert len(vocabulary(prompt).cameras) == cameras


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("twelve dogs are running", "the prompt asks for 12 subjects; 8 at most fit in a frame"),
        ("twelve dogs run while a cat sits", "the prompt asks for 13 subjects"),
        ("twelve dogs near a man walking", "the prompt asks for 13 subjects"),
        ("12 zorblaxes are glorping", "the prompt asks for 12 subjects"),
        ("five dogs run and four cats sit", "the prompt asks for 9 subjects"),
        ("a dozen dogs run", "the prompt asks for 12 subjects"),
        ("thousands of birds fly", "the prompt asks for 100 subjects"),
        ("99999999 dogs run", "the prompt asks for very many subjects"),
        ("The sky is", "no subject with a motion in"),
        ("a dog", "no subject with a motion in"),
        ("...", "no subject with a motion in"),
        ("of the and", "no subject with a motion in"),
        ("no dogs are running", "no subject with a motion in"),
        ("", "the prompt is empty"),
        ("dog " * 2500, "shorten it to 1000"),
        ("a dog\x00runs", "control character U+0000"),
        ("a dog\nruns", "control character U+000A"),
        ("a \u202edog runs", "control character U+202E"),
        ("a \ud800dog runs", "control character U+D800"),
        ("q" * 300 + " runs", "no subject with a motion in"),
        ("zib " * 80 + "runs", "80 words of the prompt could be subjects; keep it to 64"),
        (["a dog runs"], "a prompt is text, got list"),
    ],
    ids=lambda value: str(value)[:40].encode("unicode_escape").decode(),
)  # fmt: skip
def test_other_prompts_are_refused_in_one_line(prompt: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        vocabulary(prompt)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_a_crowd_of_scenery_is_no_crowd() -> None:
    assert vocabulary("A dog runs past twelve houses").nouns == ("dog",)
