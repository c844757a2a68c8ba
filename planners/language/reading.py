"""From a prompt to its subjects: who does what, how many, where to, and how the camera moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from planners.language import clauses, hints, lexicon, tags, text
from planners.language.clauses import Seat
from planners.language.hints import Hint
from planners.language.tags import Line
from starvid_core.errors import InputError
from starvid_core.scene import Subject

MOST_INSTANCES = 8
_EXAMPLE = 'write who does what, e.g. "A dog is running and a cat is sitting"'
_VEHICLE_MOTIONS = (
    *("running", "walking", "moving", "traveling", "cruising", "passing", "speeding", "rolling"),
    *("zooming", "crossing", "approaching", "drifting"),
)
_RIDING = frozenset({"ride", "gallop", "trot", "canter", "race", "pass"})
# A verb means another motion where the subject is of another kind.
_KIND_MOTIONS: dict[str, dict[str, str]] = {
    "vehicle": dict.fromkeys(_VEHICLE_MOTIONS, "driving"),
    "boat": dict.fromkeys((*_VEHICLE_MOTIONS, "flying"), "sailing"),
    "aircraft": dict.fromkeys((*_VEHICLE_MOTIONS, "floating", "hovering"), "flying"),
    "floater": dict.fromkeys(("floating", "drifting", "moving", "dancing", "sailing"), "flying"),
    "bird": {"hovering": "flying", "sailing": "flying"},
    "swimmer": dict.fromkeys(("floating", "moving", "flying", "traveling"), "swimming"),
}


@dataclass(frozen=True)
class Part:
    """A subject with what the prompt says of its place and way."""

    subject: Subject
    like: str  # a subject of the cast that it resembles, or "thing"
    heading: str = ""  # left | right | toward | away | apart | together
    side: str = ""  # left | right
    depth: str = ""  # far
    path: str = ""  # round
    target: int | None = None  # number of the part that it goes towards


@dataclass(frozen=True)
class Reading:
    """What a prompt asks for, and the nouns without a motion that it leaves to the scenery."""

    prompt: str
    parts: tuple[Part, ...]
    camera: str
    scenery: tuple[str, ...] = ()


def read(prompt: str) -> Reading:
    """Read a prompt, or say in one line why it cannot be planned."""
    text.checked(prompt)
    moves = hints.camera_moves(prompt)
    masked = _masked(prompt, moves)
    line = tags.read(prompt, text.tokens(masked))
    found = _without_repetition(line, clauses.seats(line))
    _refuse_pronouns(line, found)
    seats = _subjects(prompt, found)
    refuse_crowd(sum(seat.phrase.number for seat in seats))
    told = [(hint, _owner(line, seats, hint)) for hint in hints.hints(masked)]
    chosen = [_placed(part, seats[part.subject.id], told) for part in _parts(seats, found)]
    scenery = tuple(s.phrase.head.text for s in found if s.capable and s.verb is None)
    return Reading(prompt, tuple(chosen), hints.camera(moves), scenery)


def _masked(prompt: str, moves: Iterable[tuple[str, int, int]]) -> str:
    """The prompt with a comma in place of every camera move, all else where it was."""
    for _, start, end in moves:
        prompt = prompt[:start] + "," + " " * (end - start - 1) + prompt[end:]
    return prompt


def _without_repetition(line: Line, seats: list[Seat]) -> list[Seat]:
    """Leave out "the dog" where "a dog" has been introduced before."""
    kept: list[Seat] = []
    for seat in seats:
        words = [w.word for w in line.words[seat.phrase.start : seat.phrase.end]]
        again = words[0] == "the" and len(words) == 2 and seat.role == "subject"
        known = {s.phrase.noun.lemma for s in kept if line.word(s.phrase.start) != "the"}
        if not (again and seat.phrase.noun.lemma in known):
            kept.append(seat)
    return kept


def _refuse_pronouns(line: Line, seats: list[Seat]) -> None:
    """ "Two dogs, one running and one sitting": two motions for one noun have no words to hold."""
    taken = {i for seat in seats for i in range(seat.phrase.start, seat.phrase.end)}
    for i, word in enumerate(line.words):
        acts = line.tag(i + 1) in ("AUX", "VERB") or line.tag(i + 2) == "PRON"
        if word.word == "one" and i not in taken and acts:
            raise InputError(
                f'"one" in {text.quoted(line.prompt)} stands for a noun; name every subject, '
                'e.g. "one dog is running and one dog is sitting"'
            )


def _subjects(prompt: str, seats: list[Seat]) -> list[Seat]:
    """Seats that are subjects of the scene."""
    seats = [s for s in seats if s.phrase.number > 0]
    still = [s for s in seats if s.verb is None and s.role == "subject"]
    for seat in still:
        if seat.kind not in lexicon.NOT_SUBJECTS:
            noun = seat.phrase.head.text
            raise InputError(
                f"{text.quoted(noun)} in {text.quoted(prompt)} has no motion; give it a verb, "
                f'e.g. "{noun} sitting"'
            )
    acting = [s for s in seats if s.verb is not None]
    found = [s for s in acting if not _is_backdrop(s)]
    found = found or [s for s in acting if s.role == "subject" and s.kind != "part"]
    if not found:
        raise no_subject(prompt)
    return found


def _is_backdrop(seat: Seat) -> bool:
    """Scenery, things of which no motion is told ("is nice"), and props that go nowhere."""
    if seat.verb is None or seat.kind in ("scene", "part"):
        return True
    going = lexicon.planned(seat.verb.motion).family not in ("still", "stay")
    prop = seat.kind == "prop" and not (going and seat.role == "subject")
    return prop or (seat.kind == "thing" and seat.verb.weak)


def no_subject(prompt: str) -> InputError:
    """The error for a prompt in which nobody does anything."""
    return InputError(f"no subject with a motion in {text.quoted(prompt)}; {_EXAMPLE}")


def refuse_crowd(count: int) -> None:
    """Refuse more instances than a plan can hold."""
    if count > MOST_INSTANCES:
        shown = count if count < 10**6 else "very many"
        raise InputError(
            f"the prompt asks for {shown} subjects; {MOST_INSTANCES} at most fit in a frame, "
            "name fewer"
        )


def _parts(seats: list[Seat], found: list[Seat]) -> Iterable[Part]:
    for number, seat in enumerate(seats):
        verb, noun = seat.verb, seat.phrase.noun
        if verb is None:
            continue
        like = "thing" if noun.like in lexicon.NOT_SUBJECTS else noun.like
        motion = _mounted(seat, found) or _motion(seat.kind, verb.motion, verb.lemma)
        subject = Subject(number, seat.phrase.head.text, verb.text, seat.phrase.number, motion)
        yield Part(subject, like, target=_target(seats, number))


def _motion(kind: str, motion: str, lemma: str) -> str:
    if lemma == "bounce" and kind in ("ball", "floater", "thing"):
        return "bouncing"
    return _KIND_MOTIONS.get(kind, {}).get(motion, motion)


def _mounted(seat: Seat, found: list[Seat]) -> str | None:
    """ "A man on a horse rides past" rides that horse."""
    mount = found[found.index(seat) + 1] if seat is not found[-1] else None
    if mount is None or mount.preposition != "on" or mount.verb or seat.verb is None:
        return None
    rides = seat.verb.lemma in _RIDING and not seat.verb.phrase
    return lexicon.motion_with("ride", mount.phrase.noun.lemma) if rides else None


def _target(seats: list[Seat], number: int) -> int | None:
    """The subject that stands right behind "towards"."""
    after = seats[number + 1] if number + 1 < len(seats) else None
    goes = after is not None and after.preposition in ("towards", "toward")
    return number + 1 if goes else None


def _placed(part: Part, seat: Seat, told: list[tuple[Hint, Seat]]) -> Part:
    """The part with what the hints say of it; of two hints on one aspect the first."""
    found: dict[str, str] = {}
    for hint, owner in told:
        if seat is owner or (hint.aspect != "side" and seat.verb is owner.verb):
            found.setdefault(hint.aspect, hint.value)
    return replace(
        part,
        heading=found.get("heading", ""),
        side=found.get("side", ""),
        depth=found.get("depth", ""),
        path=found.get("path", ""),
    )


def _owner(line: Line, seats: list[Seat], hint: Hint) -> Seat:
    """The subject before the hint, or the next one where a new clause starts with the hint."""
    before = [s for s in seats if s.phrase.head.start <= hint.start]
    after = [s for s in seats if s.phrase.head.start > hint.start]
    if not before or not after:
        return (before or after)[-1 if before else 0]
    breaks = [
        w.token.start
        for w in line.words
        if w.tag in ("COMMA", "STOP", "SUB", "CONJ") and w.token.start < hint.start
    ]
    started = bool(breaks) and breaks[-1] > before[-1].phrase.head.start
    return after[0] if started else before[-1]
