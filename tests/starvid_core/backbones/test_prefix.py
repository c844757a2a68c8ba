"""The truncated pass on every backbone: what it computes, how it goes on, what it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from starvid_core.attention import record_attention
from starvid_core.backbones import cogvideox, wan
from starvid_core.backbones.base import Backbone
from starvid_core.errors import InputError
from starvid_core.network import Network
from starvid_core.passes.memory import Memory
from starvid_core.passes.parts import around, replaced
from starvid_core.passes.prefix import attention_maps, prefix, resume

PROMPTS = ("a dog runs and a cat jumps", "a bird flies")
SIZE = {"height": 64, "width": 96, "frames": 9, "blocks": (0, 1)}
FILES = {"wan": wan, "cogvideox": cogvideox}
MODES = (Memory(1), Memory(2), Memory(9), Memory(0, True), Memory(9, True))


@dataclass(frozen=True)
class Case:
    """A backbone, its texts and latents; `finer` is a layer on another grid, where there is one."""

    network: Network
    z: Tensor
    text: Tensor
    finer: str


@pytest.fixture(scope="module", params=["unet", "wan", "cogvideox"])
def case(request, tiny_backbone: Backbone) -> Case:
    b = tiny_backbone
    if request.param != "unet":
        folders: dict[str, Path] = request.getfixturevalue("folders")
        b = FILES[request.param].load(folders[request.param], device="cpu", **SIZE)
    sites = [name for name, site in b.network.sites().items() if site.kind == "text"]
    return Case(b.network, b.initial_noise([1, 2]), b.encode_text(PROMPTS), sites[0])


def gradient(maps: Tensor, z: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(maps[:, 1].square().sum(), z)
    return found


def full_graph(case: Case) -> tuple[Tensor, Tensor, Tensor]:
    """Maps, gradient and prediction of a whole forward pass that autograd follows.

    Its weights are frozen as in a guidance pass: on a CPU that alone changes the last bits.
    """
    z = case.z.clone().requires_grad_()
    case.network.module.requires_grad_(False)
    with record_attention(case.network) as recorder:
        prediction = case.network.predict(z, 500, case.text)
    case.network.module.requires_grad_(True)
    return recorder.maps().detach(), gradient(recorder.maps(), z), prediction.detach()


def test_to_go_on_gives_the_models_own_prediction_bit_for_bit(case) -> None:
    maps, _, prediction = full_graph(case)
    for layers in ((), (case.finer,)):
        recorder, state = prefix(case.network, case.z, 500, case.text, layers=layers)
        assert resume(state).equal(prediction)
        assert layers or recorder.maps().equal(maps)
        assert resume(state).equal(prediction)


def test_to_go_on_computes_no_finished_part_again(case) -> None:
    _, state = prefix(case.network, case.z, 500, case.text)
    model, ran = case.network.module, []
    inner = [name for name, m in model.named_modules() if not [*m.children()] and name]
    done = [name for name in inner if any(name.startswith(f"{part}.") for part in state.outputs)]
    hooks = [
        model.get_submodule(name).register_forward_hook(lambda *_, n=name: ran.append(n))
        for name in inner
    ]
    resume(state)
    for hook in hooks:
        hook.remove()
    assert done and ran
    assert not set(done) & set(ran)


def test_the_gradient_is_that_of_the_full_graph(case) -> None:
    _, expected, _ = full_graph(case)
    z = case.z.clone().requires_grad_()
    torch.testing.assert_close(
        gradient(attention_maps(case.network, z, 500, case.text), z), expected, rtol=1e-6, atol=0
    )


@pytest.mark.parametrize("memory", MODES, ids=str)
def test_to_keep_less_gives_the_same_gradient(case, memory) -> None:
    maps, expected, prediction = full_graph(case)
    z = case.z.clone().requires_grad_()
    recorder, state = prefix(case.network, z, 500, case.text, memory=memory)
    assert recorder.maps().equal(maps)
    torch.testing.assert_close(gradient(recorder.maps(), z), expected, rtol=1e-6, atol=1e-12)
    assert resume(state).equal(prediction)


def kept(case: Case, memory: Memory) -> int:
    """Bytes that a pass saves for the way back, each storage once."""
    seen = {}

    def pack(value: Tensor) -> Tensor:
        seen[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        return value

    weights = {p.untyped_storage().data_ptr() for p in case.network.module.parameters()}
    z = case.z.clone().requires_grad_()
    case.network.module.requires_grad_(False)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
        recorder, _ = prefix(case.network, z, 500, case.text, memory=memory)
        recorder.maps()
    case.network.module.requires_grad_(True)
    return sum(size for place, size in seen.items() if place not in weights)


def test_every_mode_keeps_less(case) -> None:
    everything = kept(case, Memory())
    assert kept(case, Memory(9)) < everything
    if len({*case.network.units().values()}) > 1:
        assert kept(case, Memory(9)) < kept(case, Memory(1)) < everything
        assert kept(case, Memory(0, True)) < everything


def test_rows_of_a_halted_pass_go_on_alone(case) -> None:
    _, _, prediction = full_graph(case)
    _, state = prefix(case.network, case.z, 500, case.text)
    for rows in ([1], [0], [1, 0], [0, 1]):
        torch.testing.assert_close(resume(state.rows(rows)), prediction[rows], rtol=1e-5, atol=1e-5)


def test_a_state_is_off_the_graph(case) -> None:
    z = case.z.clone().requires_grad_()
    _, state = prefix(case.network, z, 500, case.text)
    flat = [t for values in state.outputs.values() for v in values for t in leaves(v)]
    assert flat and not any(t.requires_grad for t in [*flat, state.z, resume(state)])


def leaves(value) -> list[Tensor]:
    if isinstance(value, tuple | list):
        return [t for one in value for t in leaves(one)]
    return [value] if isinstance(value, Tensor) else []


def changed(module: nn.Module) -> list[str]:
    """Modules with a hook or with another forward than their class's."""
    return [
        name
        for name, m in module.named_modules()
        if m._forward_hooks or m._forward_pre_hooks or "forward" in vars(m)
    ]


def test_the_model_is_as_before_after_a_pass_and_after_an_error(case) -> None:
    z = case.z.clone().requires_grad_()
    _, state = prefix(case.network, z, 500, case.text, memory=Memory(9, True))
    resume(state)
    assert not changed(case.network.module)
    with pytest.raises(RuntimeError):
        prefix(case.network, z, 500, case.text[..., :3], memory=Memory(9, True))
    assert not changed(case.network.module)
    assert all(p.requires_grad for p in case.network.module.parameters())


def test_an_unknown_layer_is_refused(case) -> None:
    with pytest.raises(InputError, match="no layer 'nowhere' reads the text"):
        prefix(case.network, case.z, 500, case.text, layers=("nowhere",))


def test_parts_around_layers_are_disjoint_and_leave_out_no_weight(case) -> None:
    model, sites = case.network.module, case.network.select(("down", "up"))
    names = around(model, sites)
    assert set(sites) <= set(names)
    assert not any(a.startswith(f"{b}.") for a in names for b in names)
    inside = {id(p) for name in names for p in model.get_submodule(name).parameters()}
    direct = {id(p) for m in model.modules() for p in m.parameters(recurse=False)} - inside
    owners = [n for n, p in model.named_parameters() if id(p) in direct]
    assert all(owner.endswith("scale_shift_table") for owner in owners)


def test_another_forward_is_undone_and_nests() -> None:
    layer = nn.Identity()
    with replaced({layer: lambda x: x + 1}):
        with pytest.raises(ZeroDivisionError), replaced({layer: lambda x: x / 0}):
            layer(1)
        assert layer(1) == 2
    assert layer(1) == 1 and "forward" not in vars(layer)
