"""Words of a prompt and their tokens, read back through the tokenizer."""

import random

import pytest
from transformers import PreTrainedTokenizer

from starvid_core.errors import InputError
from starvid_core.scene import Subject
from starvid_core.tokens import Words, align, prompt_tokens

NOUNS = (
    "man",
    "woman",
    "dog",
    "cat",
    "polar bear",
    "T-rex",
    "robot",
    "airplane",
    "hot-air balloon",
)
VERBS = (
    "runs",
    "is skateboarding",
    "rides a bicycle",
    "playing-golf",
    "jumps",
    "lifts the weights",
    "wind-surfs",
)
PLACES = ("", " on the grass", " in the snow, at night", " (slowly)")
JOINS = (" and ", ", while ", "; ", " as ")


def subjects(*pairs: tuple[str, str]) -> list[Subject]:
    return [Subject(n, noun, verb) for n, (noun, verb) in enumerate(pairs)]


def characters(prompt: str, positions: tuple[int, ...], tokenizer) -> str:
    """The prompt's characters under these tokens, one blank for every gap between them."""
    offsets = tokenizer(prompt, return_offsets_mapping=True).offset_mapping
    covered = {c for p in positions for c in range(*offsets[p])}
    text = "".join(c if n in covered else " " for n, c in enumerate(prompt))
    return " ".join(text.split())


def read(prompt: str, words: Words, tokenizer) -> list[tuple[str, str]]:
    return [
        (characters(prompt, p.noun, tokenizer), characters(prompt, p.verb, tokenizer))
        for p in words.pairs
    ]


def starts(prompt: str, words: Words, tokenizer) -> list[tuple[int, int]]:
    """Where in the prompt every noun and every verb begins."""
    offsets = tokenizer(prompt, return_offsets_mapping=True).offset_mapping
    return [(offsets[p.noun[0]][0], offsets[p.verb[0]][0]) for p in words.pairs]


def without_articles(phrase: str) -> str:
    return " ".join(w for w in phrase.split() if w.lower() not in ("a", "an", "the"))


def test_500_generated_prompts_read_back_as_they_were_written(tokenizer) -> None:
    draw = random.Random(0)
    for _ in range(500):
        pairs = [(draw.choice(NOUNS), draw.choice(VERBS)) for _ in range(2)]
        clauses = [f"{draw.choice(['a', 'the'])} {noun} {verb}" for noun, verb in pairs]
        prompt = draw.choice(JOINS).join(clauses) + draw.choice(PLACES)
        prompt = draw.choice([str, str.capitalize, str.upper])(prompt)
        words = align(prompt, subjects(*pairs), tokenizer)
        ids = tokenizer(prompt).input_ids
        places, start = starts(prompt, words, tokenizer), 0
        for pair, (noun, verb), place in zip(words.pairs, pairs, places, strict=True):
            for positions, phrase in ((pair.noun, noun), (pair.verb, verb)):
                decoded = tokenizer.decode([ids[p] for p in positions])
                written = without_articles(phrase).lower()
                assert decoded.replace(" ", "") == written.replace(" ", "")
            lowered = prompt.lower()
            expected = lowered.index(f" {noun.lower()} {verb.lower()}", start) + 1
            assert place[0] == expected
            assert place[1] == lowered.index(without_articles(verb).lower().split()[0], expected)
            start = expected


@pytest.mark.parametrize(
    ("prompt", "pairs", "expected"),
    [
        ("a woman and a man walk", [("man", "walk")], [(14, 18)]),
        ("a dog runs and a cat runs", [("dog", "runs"), ("cat", "runs")], [(2, 6), (17, 21)]),
        ("a dog runs and a cat runs", [("cat", "runs"), ("dog", "runs")], [(17, 21), (2, 6)]),
        ("a dog and a cat run", [("dog", "run"), ("cat", "run")], [(2, 16), (12, 16)]),
        (
            "a running dog, a running cat",
            [("dog", "running"), ("cat", "running")],
            [(10, 2), (25, 17)],
        ),
        ("a dog runs, a dog jumps", [("dog", "runs"), ("dog", "jumps")], [(2, 6), (14, 18)]),
        (
            "dogs, then a dog sits, a dog eats",
            [("dog", "eats"), ("dog", "sits")],
            [(13, 29), (25, 17)],
        ),
        ("two dogs run", [("dogs", "run"), ("dogs", "run")], [(4, 9), (4, 9)]),
        (
            "a man rides a horse and a horse runs",
            [("man", "rides a horse"), ("horse", "runs")],
            [(2, 6), (26, 32)],
        ),
        (
            "a dog and a cat are running, a bird is running",
            [("dog", "running"), ("cat", "running"), ("bird", "running")],
            [(2, 20), (12, 20), (31, 39)],
        ),
        ("a fly and a bird fly", [("fly", "fly"), ("bird", "fly")], [(2, 17), (12, 17)]),
    ],
)
def test_each_subject_gets_its_own_words(prompt, pairs, expected, tokenizer) -> None:
    words = align(prompt, subjects(*pairs), tokenizer)
    assert starts(prompt, words, tokenizer) == expected


@pytest.mark.parametrize(
    ("prompt", "pair", "expected"),
    [
        ("The MAN rides a bicycle.", ("man", "rides a bicycle"), ("MAN", "rides bicycle")),
        ("a man rides bicycle", ("a man", "rides a bicycle"), ("man", "rides bicycle")),
        ("a man playing-golf", ("man", "playing golf"), ("man", "playing-golf")),
        ("a man playing golf", ("man", "playing-golf"), ("man", "playing golf")),
        ("a dog-walker and a dog sit", ("dog", "sit"), ("dog", "sit")),
        ("a fast-running dog", ("dog", "running"), ("dog", "running")),
        ("a man's kite flies", ("man", "flies"), ("man", "flies")),
        ("a cafe\u0301 robot \u2019jumps\u2019!", ("caf\u00e9", "jumps"), ("cafe", "jumps")),
        ("\U0001f436 dog_runs \U0001f431", ("dog", "runs"), ("dog", "runs")),
        ("a\u00a0dog\n\truns", ("dog", "runs"), ("dog", "runs")),
    ],
)
def test_case_punctuation_and_hyphens_do_not_matter(prompt, pair, expected, tokenizer) -> None:
    words = align(prompt, subjects(pair), tokenizer)
    assert read(prompt, words, tokenizer) == [expected]


def test_man_is_not_found_inside_woman(tokenizer) -> None:
    with pytest.raises(InputError, match="the noun 'man' is not in the prompt"):
        align("a woman walks", subjects(("man", "walks")), tokenizer)


def test_the_other_words_are_all_words_outside_the_pair(tokenizer) -> None:
    prompt = "A man rides a bicycle, while the T-shirt-clad dog sits!"
    words = align(prompt, subjects(("man", "rides a bicycle"), ("dog", "sits")), tokenizer)
    others = [[characters(prompt, w, tokenizer) for w in words.others[i]] for i in range(2)]
    assert others[0] == ["A", "while", "the", "T-shirt-clad", "dog", "sits"]
    assert others[1] == ["A", "man", "rides", "a", "bicycle", "while", "the", "T-shirt-clad"]


def test_start_end_and_punctuation_belong_to_no_word(tokenizer) -> None:
    prompt = "a dog, runs!"
    words = align(prompt, subjects(("dog", "runs")), tokenizer)
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(prompt).input_ids)
    used = {p for word in (*words.pairs[0].__dict__.values(), *words.others[0]) for p in word}
    left = [token for n, token in enumerate(tokens) if n not in used]
    assert left == ["<|startoftext|>", ",</w>", "!</w>", "<|endoftext|>"]


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (("kite", "runs"), "the noun 'kite' is not in the prompt 'a dog runs'; use a word"),
        (("dog", "sails"), "the verb 'sails' is not in the prompt"),
        (("dog", ""), "the verb '' has no word"),
        (("the", "runs"), "the noun 'the' has no word"),
    ],
)
def test_a_word_that_is_not_in_the_prompt_is_refused(pair, message: str, tokenizer) -> None:
    with pytest.raises(InputError, match=message):
        align("a dog runs", subjects(pair), tokenizer)


def test_a_word_beyond_the_limit_is_refused_by_name(tokenizer) -> None:
    prompt = "a dog runs " + "on the grass " * 24 + "and a cat jumps"
    with pytest.raises(InputError, match=r"'cat' is cut off: .* reads 77 tokens .* shorten"):
        align(prompt, subjects(("cat", "jumps")), tokenizer)
    with pytest.raises(InputError, match="is cut off"):
        align(prompt, subjects(("dog", "runs")), tokenizer)


def test_the_longest_prompt_that_fits_is_read_to_its_last_word(tokenizer) -> None:
    words = align("a " * 73 + "dog runs", subjects(("dog", "runs")), tokenizer)
    assert words.pairs[0].verb == (75,)
    with pytest.raises(InputError, match="'runs' is cut off"):
        align("a " * 74 + "dog runs", subjects(("dog", "runs")), tokenizer)


def test_the_prompts_tokens_are_all_between_start_and_end(tokenizer) -> None:
    prompt = "A dog, runs."
    positions = prompt_tokens(prompt, tokenizer)
    assert positions == tuple(range(1, len(tokenizer(prompt).input_ids) - 1))
    assert characters(prompt, positions, tokenizer) == prompt


def test_a_tokenizer_without_offsets_is_refused() -> None:
    class Slow(PreTrainedTokenizer):
        vocab_size = 0

        def get_vocab(self) -> dict[str, int]:
            return {}

    with pytest.raises(InputError, match="load its fast version"):
        align("a dog runs", subjects(("dog", "runs")), Slow())
