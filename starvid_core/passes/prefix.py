"""A forward pass only as far as the attention maps need it, which can be gone on with later.

What is behind the last recorded layer cannot reach the maps. The pass halts in front of it and
keeps what the modules before it returned; to go on is to call the model once more, with these
modules giving what they gave.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from starvid_core.attention import Recorder, chosen, record_attention
from starvid_core.network import Network
from starvid_core.passes.memory import Memory, sparing
from starvid_core.passes.parts import Forward, around, frozen, replaced

Latents = Float[Tensor, "batch channel frame h w"]

EVERYTHING = Memory()
MAPS = Memory(outputs=False)


@dataclass(frozen=True)
class State:
    """A pass at `z` that halted; `outputs` are those of each finished module, call by call."""

    network: Network
    z: Latents
    timestep: Tensor | int
    text: Float[Tensor, "batch token dim"]
    outputs: Mapping[str, Sequence[Any]] = field(repr=False)

    def rows(self, rows: Sequence[int]) -> "State":
        """The same pass of some of its rows alone."""
        batch = len(self.z)
        if list(rows) == list(range(batch)):
            return self
        own = {name: [_rows(v, rows, batch) for v in vs] for name, vs in self.outputs.items()}
        where = list(rows)
        return replace(self, z=self.z[where], text=self.text[where], outputs=own)


def prefix(
    network: Network,
    z: Latents,
    timestep: Tensor | int,
    text: Float[Tensor, "batch token dim"],
    stages: tuple[str, ...] = ("down", "up"),
    layers: tuple[str, ...] = (),
    memory: Memory = EVERYTHING,
) -> tuple[Recorder, State]:
    """The recorded maps, on the graph of `z` and of no weight, and the halted pass, on none."""
    sites = chosen(network, stages, layers)
    last = list(sites)[-1]
    finished = around(network.module, [last]) if memory.outputs else ()
    with (
        frozen(network.module),
        sparing(network, list(sites), memory),
        record_attention(network, stages, layers) as recorder,
        _outputs(network.module, finished) as outputs,
        _halting_at(sites[last].layer),
    ):
        network.predict(z, timestep, text)
    return recorder, State(network, z.detach(), timestep, text, outputs)


@torch.no_grad()
def resume(state: State) -> Latents:
    """The prediction of a halted pass: bit for bit what the model, frozen, says of its latents."""
    model = state.network.module
    parts = {name: model.get_submodule(name) for name in state.outputs}
    forwards = {
        module: _replay(state.outputs[name], module.forward) for name, module in parts.items()
    }
    with frozen(model), replaced(forwards):
        return state.network.predict(state.z, state.timestep, state.text)


def attention_maps(
    network: Network,
    z: Latents,
    timestep: Tensor | int,
    text: Float[Tensor, "batch token dim"],
    stages: tuple[str, ...] = ("down", "up"),
) -> Float[Tensor, "batch token frame _h _w"]:
    """Algorithm 1, line 3: A_t of the latents, on the graph of `z` and of no weight."""
    return prefix(network, z, timestep, text, stages, memory=MAPS)[0].maps()


def layer_maps(
    network: Network,
    z: Latents,
    timestep: Tensor | int,
    text: Float[Tensor, "batch token dim"],
    layers: tuple[str, ...],
) -> tuple[Float[Tensor, "batch _head token frame _h _w"], ...]:
    """As `attention_maps`, but of every layer by itself, with its heads and on its own grid."""
    return prefix(network, z, timestep, text, (), layers, MAPS)[0].each(layers)


class _Seen(BaseException):
    """Ends a forward pass; not an error, so no handler of errors may catch it."""


@contextmanager
def _halting_at(layer: nn.Module) -> Iterator[None]:
    def end(*_: object) -> None:
        raise _Seen

    hook = layer.register_forward_pre_hook(end)
    try:
        with suppress(_Seen):
            yield
    finally:
        hook.remove()


@contextmanager
def _outputs(model: nn.Module, names: Sequence[str]) -> Iterator[dict[str, list[Any]]]:
    """Collects what these modules return while inside."""
    found: dict[str, list[Any]] = {}

    def keeper(name: str) -> Callable[[nn.Module, tuple, Any], None]:
        def keep(module: nn.Module, args: tuple, output: Any) -> None:
            found.setdefault(name, []).append(_detached(output))

        return keep

    with ExitStack() as hooks:
        for name in names:
            hook = model.get_submodule(name).register_forward_hook(keeper(name))
            hooks.callback(hook.remove)
        yield found


def _replay(outputs: Sequence[Any], forward: Forward) -> Forward:
    """Give what was given, one call after the other, and then work again."""
    left = iter(outputs)

    def call(*args: Any, **kwargs: Any) -> Any:
        for output in left:
            return output
        return forward(*args, **kwargs)

    return call


def _detached(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach()
    return type(value)(map(_detached, value)) if isinstance(value, tuple | list) else value


def _rows(value: Any, rows: Sequence[int], batch: int) -> Any:
    """Some videos of what a module returned; frames are folded in behind the batch, if at all."""
    if isinstance(value, tuple | list):
        return type(value)(_rows(one, rows, batch) for one in value)
    if not isinstance(value, Tensor) or len(value) % batch:
        return value
    return value.unflatten(0, (batch, -1))[list(rows)].flatten(0, 1)
