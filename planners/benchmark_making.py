"""A benchmark of prompts that a language model writes (appendix C.1, Tables XI and XII).

Subjects and motions are drawn by seed, unreasonable pairs left out (`moving_emoji.cast.can`). The
model describes each scene four times; of the four, in an order drawn by seed, the first is taken in
which every subject does its own motion and nobody else does anything.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import islice

from pydantic import TypeAdapter
from tqdm import tqdm

from planners import gbnf
from planners.benchmarks import BenchmarkPrompt, BenchmarkSubject
from planners.engines.base import Engine, Message, Request, checked
from planners.language import lexicon, reading, text
from planners.language.reading import Part
from planners.templates import PROMPTS, data
from planners.wire import json_schema as schema
from planners.wire.reply import END, Strict, compact, parsed, validated
from starvid_core.errors import InputError
from starvid_core.moving_emoji import cast

DESCRIPTIONS = 4
LONGEST = 200  # characters of a description
SIZES = (2,) * 24 + (3,) * 11 + (4,) * 5  # subjects of a scene, as often as in the shipped 200
ATTEMPTS = 3  # times that a scene is described
MOST_SCENES = 3  # scenes that are tried for every prompt that is wanted
TEMPERATURE = 0.7
PLACES = {
    "grass": ("grass", "lawn", "park", "meadow", "field", "garden"),
    "snow": ("snow", "snowy"),
    "beach": ("beach", "shore", "sand"),
    "street": ("street", "road", "sidewalk", "city"),
    "desert": ("desert", "dunes"),
    "night": ("night", "moonlight", "stars"),
}
_CHARACTER = "[ !',-;?A-Za-z]"

Act = tuple[str, str]
Scene = tuple[Act, ...]


class Descriptions(Strict):
    """A reply."""

    descriptions: list[str]


_REPLY = TypeAdapter(Descriptions)


@dataclass
class Making:
    """A benchmark, how many scenes were tried for it, and why descriptions were left out."""

    prompts: list[BenchmarkPrompt] = field(default_factory=list)
    scenes: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def lines(self) -> str:
        """The benchmark as its file."""
        return "".join(f"{json.dumps(asdict(prompt))}\n" for prompt in self.prompts)

    @property
    def told(self) -> str:
        """Why descriptions were left out, the most frequent reason first."""
        return ", ".join(f"{count} {reason}" for reason, count in self.refused.most_common())


def make(engine: Engine, count: int, seed: int = 0) -> Making:
    """Ask for descriptions of scenes until there are `count` prompts.

    Raises InputError when three times as many scenes are not enough.
    """
    if count < 1:
        raise InputError(f"{count} prompts cannot be made; give 1 or more")
    made, drawn = Making(), scenes(seed)
    with (
        ThreadPoolExecutor(max(engine.concurrency, 1)) as pool,
        tqdm(total=count, unit="prompt", disable=None) as bar,
    ):
        while missing := count - len(made.prompts):
            if made.scenes >= MOST_SCENES * count:
                raise InputError(
                    f"{engine.model} gave {len(made.prompts)} of {count} prompts for "
                    f"{made.scenes} scenes; take a larger model ({made.told})"
                )
            tried = list(islice(drawn, missing))
            for prompt, refused in pool.map(lambda scene: _asked(engine, scene, seed), tried):
                made.scenes += 1
                made.refused += refused
                made.prompts += [prompt] if prompt else []
                bar.update(bool(prompt))
    return made


def scenes(seed: int) -> Iterator[Scene]:
    """Scenes without end, none twice: subjects in turn, each with the motion that came least."""
    rng = random.Random(seed)
    sizes, waiting = list[int](), list[str]()
    used, seen = Counter[str](), set[frozenset[Act]]()
    while True:
        sizes = sizes or rng.sample(SIZES, len(SIZES))
        scene, size = list[Act](), sizes.pop()
        while len(scene) < size:
            if not any(_acts(subject, scene) for subject in waiting):
                waiting = rng.sample(cast.SUBJECTS, len(cast.SUBJECTS)) + waiting
            subject = next(s for s in reversed(waiting) if _acts(s, scene))
            waiting.remove(subject)
            scene.append(min(_acts(subject, scene), key=lambda act: (used[act[1]], rng.random())))
            used[scene[-1][1]] += 1
        if frozenset(scene) not in seen:
            seen.add(frozenset(scene))
            yield tuple(scene)


def _acts(subject: str, scene: list[Act]) -> list[Act]:
    """What the subject can reasonably do (`cast.can`) beside the others.

    Nobody and no motion comes twice, nor as a word of another's ("riding horse").
    """
    taken = {word for act in scene for part in act for word in part.split()}
    acts = [(subject, motion) for motion in cast.MOTIONS if cast.can(subject, motion)]
    return [act for act in acts if not taken & {word for part in act for word in part.split()}]


def described(description: str, scene: Scene) -> BenchmarkPrompt:
    """The description as a prompt with its subjects, or InputError that says what is wrong."""
    parts = reading.read(text.checked(description)).parts
    found = {_who(part): part for part in parts}
    subjects = []
    for subject, motion in scene:
        if subject not in found:
            raise InputError(f"without {subject}")
        part = found[subject].subject
        if part.number != 1 or part.motion != motion:
            raise InputError(f"{subject} is not {motion}")
        subjects.append(BenchmarkSubject(part.noun, subject, part.verb, motion))
    if len(parts) > len(scene):
        raise InputError("with others in it")
    return BenchmarkPrompt(description, tuple(subjects), _place(description))


def request(scene: Scene, seed: int) -> Request:
    """Table XI with the five examples of Table XII as turns of a chat."""
    messages = [Message("system", (PROMPTS / "benchmark.md").read_text(encoding="utf-8").strip())]
    for example in json.loads((PROMPTS / "benchmark_examples.json").read_text(encoding="utf-8")):
        messages.append(Message("user", data([_theme(*act) for act in example["theme"]])))
        messages.append(Message("assistant", compact({"descriptions": example["descriptions"]})))
    messages.append(Message("user", data([_theme(*act) for act in scene])))
    quote = gbnf.literal('"')
    one = f"{quote} {_CHARACTER}{{1,{LONGEST}}} {quote}"
    four = gbnf.sequence("text", *(f"{gbnf.literal(',')} text",) * (DESCRIPTIONS - 1))
    root = gbnf.sequence(gbnf.literal('{"descriptions":['), four, gbnf.literal("]}"))
    grammar = f"root ::= {root}\ntext ::= {one}\n"
    listed = schema.listed(schema.text(LONGEST), DESCRIPTIONS, DESCRIPTIONS)
    most = DESCRIPTIONS * (LONGEST + 3) + 20 + END
    shape = schema.closed({"descriptions": listed})
    return Request(tuple(messages), grammar, shape, most, TEMPERATURE, seed)


def _asked(engine: Engine, scene: Scene, seed: int) -> tuple[BenchmarkPrompt | None, Counter[str]]:
    """The first description that is right, in an order drawn by seed, and what was not."""
    refused: Counter[str] = Counter()
    for attempt in range(ATTEMPTS):
        asked = request(scene, seed * ATTEMPTS + attempt)
        reply = checked(engine.complete(asked), asked, f"the model {engine.model}")
        try:
            texts = validated(_REPLY, parsed(reply.text), "reply").descriptions
        except InputError as error:
            refused[str(error)] += 1
            continue
        random.Random(f"{seed} {attempt} {scene}").shuffle(texts)
        for description in texts:
            try:
                return described(description.strip(), scene), refused
            except InputError as error:
                refused[_reason(error)] += 1
    return None, refused


def _reason(error: InputError) -> str:
    """A few words: prompts that cannot be read say so at length."""
    said = str(error)
    return said if len(said) < 40 else "that the rules planner cannot read"


def _theme(subject: str, motion: str) -> dict[str, str]:
    """A pair as the model is told it: the paper's "sitting" is also what vehicles do that stop."""
    stops = motion == "sitting" and cast.ROLES[subject].kind in ("vehicle", "boat")
    return {"object": subject, "motion": "stopping" if stops else motion}


def _who(part: Part) -> str:
    noun = lexicon.noun(part.subject.noun.lower())
    return noun.lemma if noun else part.subject.noun


def _place(description: str) -> str:
    """The one background that the words name, or ""."""
    words = {token.word for token in text.tokens(description)}
    named = [place for place, known in PLACES.items() if words & set(known)]
    return named[0] if len(named) == 1 else ""
