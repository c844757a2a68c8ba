"""Words are known in all their forms."""

import pytest

from planners.language import lexicon
from starvid_core.moving_emoji import cast


@pytest.mark.parametrize(
    ("form", "motion"),
    [
        *[(w, "running") for w in ("run", "runs", "ran", "running", "chases", "sprinted", "fled")],
        *[(w, "swimming") for w in ("swims", "swam", "swum", "swimming")],
        *[(w, "flying") for w in ("flies", "flew", "flown", "soaring", "glided")],
        *[(w, "sitting") for w in ("sat", "stood", "stopped", "halts", "rests", "lying", "parked")],
        *[(w, "jumping") for w in ("hops", "hopping", "leapt", "jumped", "bouncing")],
        *[(w, "riding bicycle") for w in ("bikes", "cycling", "biked", "pedaling", "pedalling")],
        *[(w, "playing golf") for w in ("golfs", "golfing", "playing-golf", "plays-golf")],
        *[(w, "skateboarding") for w in ("skateboards", "skate-boarding", "skateboarded")],
        *[(w, "diving") for w in ("dives", "dove", "dived", "diving")],
        *[(w, "weightlifting") for w in ("weightlifting", "weightlifts", "lifting-weights")],
        ("floats", "floating"),
        ("roller-skating", "skating"),
        ("rode", "riding"),
        ("traveling", "traveling"),
        ("travelled", "traveling"),
        ("waltzes", "dancing"),
    ],
)
def test_every_form_of_a_verb_means_its_motion(form: str, motion: str) -> None:
    verb = lexicon.verb(form)
    assert verb is not None and verb.motion == motion


@pytest.mark.parametrize(
    ("form", "lemma", "plural"),
    [
        ("men", "man", True),
        ("women", "woman", True),
        ("policemen", "policeman", True),
        ("children", "child", True),
        ("people", "person", True),
        ("mice", "mouse", True),
        ("geese", "goose", True),
        ("wolves", "wolf", True),
        ("ponies", "pony", True),
        ("buses", "bus", True),
        ("sheep", "sheep", False),
        ("goldfish", "goldfish", False),
        ("snowman", "snowman", False),
    ],
)
def test_every_form_of_a_noun_is_known(form: str, lemma: str, plural: bool) -> None:
    noun = lexicon.noun(form)
    assert noun is not None and (noun.lemma, noun.plural) == (lemma, plural)


def test_the_cast_is_in_the_lexicon_under_its_own_names() -> None:
    for subject in cast.SUBJECTS:
        noun = lexicon.noun(subject)
        assert noun is not None and noun.like == subject
    assert set(cast.MOTIONS) <= set(lexicon.MOTIONS)


def test_every_noun_looks_like_a_member_of_the_cast_or_is_a_thing() -> None:
    likes = {noun.like for noun in lexicon.nouns().values()}
    assert likes <= {*cast.SUBJECTS, "thing", *lexicon.NOT_SUBJECTS}


def test_every_named_motion_has_a_law() -> None:
    for name in lexicon.read("verbs")["named"]:
        assert name in lexicon.MOTIONS
    for verb in lexicon.verbs().values():
        assert lexicon.motion(verb.motion) is not None, verb


@pytest.mark.parametrize(
    ("lemma", "thing", "motion"),
    [
        ("ride", "bikes", "riding bicycle"),
        ("ride", "horse", "riding horse"),
        ("ride", "skateboard", "skateboarding"),
        ("play", "guitars", "playing guitar"),
        ("kick", "football", "playing football"),
        ("lift", "weights", "weightlifting"),
        ("ride", "sofa", None),
    ],
)
def test_a_verb_and_its_object_make_one_motion(lemma: str, thing: str, motion: str | None) -> None:
    assert lexicon.motion_with(lemma, thing) == motion


def test_numbers_are_read_without_limits_on_digits() -> None:
    assert lexicon.count("3") == 3 and lexicon.count("eight") == 8
    assert lexicon.count("9" * 900) == 10**6
    assert lexicon.count("²") is None and lexicon.count("many") is None
