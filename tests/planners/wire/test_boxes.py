"""Replies box by box: the text around each, and grammars of exactly the boxes that are offered."""

import random

import pytest

from planners import rules
from planners.wire import Wire
from starvid_core.errors import InputError
from starvid_core.scene import ScenePlan, Subject

SCENE = rules.plan("Two dogs are running while a cat sits", 3)
PLAN = ScenePlan(
    "a man runs and a dog sits", (Subject(0, "man", "runs"), Subject(1, "dog", "sits"))
)
WIRES = [Wire(unit, named) for unit in (1, 2, 4, 8, 16) for named in (True, False)]
COARSE = [Wire(16), Wire(16, named=False)]


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_reply_is_its_boxes_and_what_stands_between_them(wire: Wire) -> None:
    text = ""
    for frame in range(3):
        for n, row in enumerate(SCENE.boxes):
            cells = wire.cells(row[frame])
            box = wire.write_box(cells, SCENE.plan, n)
            assert wire.read_box(box, SCENE.plan, n) == cells
            assert len(box) < wire.box_tokens()
            text += wire.before(SCENE.plan, frame, n) + box
    assert text + wire.after() == wire.write_frames(SCENE)


@pytest.mark.parametrize("wire", COARSE, ids=str)
def test_a_box_grammar_takes_exactly_its_boxes(guide, wire: Wire) -> None:
    draw = random.Random(3)
    choices = {_cells(wire, draw) for _ in range(60)}
    grammar = guide(wire.box_grammar(choices, PLAN, 1))
    for cells in {*choices, *(_cells(wire, draw) for _ in range(200))}:
        assert grammar.accepts(wire.write_box(cells, PLAN, 1)) == (cells in choices)
    for seed in range(20):
        reply = grammar.walk(random.Random(seed), wire.box_tokens())
        assert wire.read_box(reply, PLAN, 1) in choices


def _cells(wire: Wire, draw: random.Random) -> tuple[int, int, int, int]:
    left, top = draw.randint(0, 3), draw.randint(0, 3)
    return left, draw.randint(left + wire.least, 8), top, draw.randint(top + wire.least, 8)


def test_a_grammar_of_a_thousand_boxes_is_short() -> None:
    choices = [(a, a + w, b, b + h) for a in range(10) for w in range(16, 26)
               for b in range(4) for h in (16, 20, 24)]  # fmt: skip
    assert len(choices) == 1200
    assert len(Wire().box_grammar(choices, PLAN, 0)) < 4000


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("", "reply: not JSON"),
        ('10,60],"y":[20,90', "reply: not JSON"),
        ('10,60],"y":[20,90]},{"x":[1,2]', "reply: not JSON"),
        ('10,60],"y":[20,90],"z":1', "box of instance 1.z: this key is unknown"),
        ('10,60],"y":[20,9]', "box of instance 1.y: top = 20, bottom = 9 are no side"),
        ('10,60.0],"y":[20,90]', "box of instance 1.x[1]: input should be a valid integer"),
    ],
)
def test_other_boxes_are_refused_with_the_field(reply: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Wire().read_box(reply, PLAN, 1)
    assert message in str(caught.value)


def test_a_box_needs_something_to_choose_from() -> None:
    with pytest.raises(InputError, match="there is none to choose from"):
        Wire().box_grammar([], PLAN, 0)
