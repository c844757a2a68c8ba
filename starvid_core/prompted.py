"""The model with the texts of one batch: VD of Algorithm 1, and what a pass of it takes."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from starvid_core.attention import record_attention
from starvid_core.backbones.base import Backbone
from starvid_core.bias import biased, halves
from starvid_core.config import SamplingConfig
from starvid_core.errors import InputError
from starvid_core.guidance import Reading, Refocused, Watch
from starvid_core.passes.memory import Memory
from starvid_core.passes.parts import replaced
from starvid_core.passes.prefix import State, attention_maps, prefix, resume
from starvid_core.passes.speed import TextOnce, compiled
from starvid_core.phases import Guide, View

Latents = Float[Tensor, "batch channel frame h w"]
Texts = Float[Tensor, "batch token dim"]
Maps = Float[Tensor, "batch token frame _h _w"]


class Prompted:
    """A backbone's network that knows the prompts of a batch, for all steps of a run."""

    def __init__(self, backbone: Backbone, prompts: Sequence[str], config: SamplingConfig) -> None:
        self.network, self.scale = backbone.network, config.guidance_scale
        self.memory = Memory(config.recompute, config.lean)
        self.forwards = compiled(self.network) if config.compiled else {}
        self.text_once = TextOnce(self.network) if config.cached_text else None
        self.text = backbone.encode_text(prompts)
        if self.scale != 1:
            negative = backbone.encode_text([config.negative_prompt] * len(prompts))
            self.text = torch.cat([negative, self.text])
        self.first = len(self.text) - len(prompts)
        self._chosen: dict[tuple[int, ...], Texts] = {}

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Inside, the network works as the sampling asks; it is as before between two steps."""
        with replaced(self.forwards), self.text_once.used() if self.text_once else nullcontext():
            yield

    def texts(self, negative: Collection[int], conditional: Collection[int]) -> Texts:
        """Of these videos; always the same tensor for the same rows."""
        rows = (*negative, *(self.first + row for row in conditional))
        if rows not in self._chosen:
            whole = rows == tuple(range(len(self.text)))
            self._chosen[rows] = self.text if whole else self.text[list(rows)]
        return self._chosen[rows]

    def watch(self, t: Tensor) -> Watch:
        """Line 3 at timestep t: only the conditional prompts, only as far as the maps."""

        def read(z: Tensor, rows: list[int], view: View) -> Reading:
            text = self.texts((), rows)
            memory = replace(self.memory, outputs=view.resumable)
            asked = (self.network, z, t, text, view.stages, view.layers, memory)
            recorder, state = prefix(*asked)
            maps = recorder.each(view.layers) if view.layers else (recorder.maps(),)
            return Reading(maps, state if view.resumable else None)

        return read

    def predict(
        self, turn: Refocused, t: Tensor, step: int, guides: Sequence[Guide], recording: bool
    ) -> tuple[Latents, Maps | None]:
        """Line 17: the guided noise prediction under the guides' biases, and every prompt's A.

        A halted pass goes on as its row's conditional half, and then the other half is predicted
        at its latents, too: a difference between the two would be amplified by the scale.
        """
        # A bias acts on denoising passes alone, which a halted one was not.
        halted = {r: s for r, s in turn.halted.items() if guides[r].bias is None}
        if not halted:
            return self._whole(turn.z, t, step, guides, recording)
        maps = self._maps(turn.z, t, guides) if recording else None
        return self._partly(turn.z, t, step, guides, halted), maps

    def _whole(
        self, z: Latents, t: Tensor, step: int, guides: Sequence[Guide], recording: bool
    ) -> tuple[Latents, Maps | None]:
        every = range(len(z))
        negative = every if self.scale != 1 else ()
        both = torch.cat([z, z]) if self.scale != 1 else z
        stages = [guide.stages for guide in guides] if recording else []
        rows = halves([guide.bias for guide in guides], self.scale != 1)
        with ExitStack() as stack:
            stack.enter_context(biased(self.network, rows, step, *z.shape[-2:]))
            recorders = {
                s: stack.enter_context(record_attention(self.network, s)) for s in set(stages)
            }
            noise = self.network.predict(both, t, self.texts(negative, every))
        A = {s: recorder.maps()[-len(z) :] for s, recorder in recorders.items()}
        maps = torch.stack([A[s][row] for row, s in enumerate(stages)]) if stages else None
        return self._guided(noise[: -len(z)], noise[-len(z) :]), maps

    def _partly(
        self,
        z: Latents,
        t: Tensor,
        step: int,
        guides: Sequence[Guide],
        halted: Mapping[int, State],
    ) -> Latents:
        """As `_whole`, but the conditional half of some rows is there in part."""
        every = range(len(z))
        negative = every if self.scale != 1 else ()
        rest = [row for row in every if row not in halted]
        at = torch.stack([halted[row].z[0] if row in halted else z[row] for row in every])
        biases = halves([guide.bias for guide in guides], self.scale != 1)
        rows = [biases[row] for row in negative] + [guides[row].bias for row in rest]
        conditional: dict[int, Tensor] = {}
        noise = at[:0]
        if rows:
            together = torch.cat([at[list(negative)], z[rest]])
            with biased(self.network, rows, step, *z.shape[-2:]):
                noise = self.network.predict(together, t, self.texts(negative, rest))
            conditional |= zip(rest, noise[len(negative) :], strict=True)
        for row, state in halted.items():
            conditional[row] = resume(replace(state, text=self.texts((), [row])))[0]
        return self._guided(
            noise[: len(negative)], torch.stack([conditional[row] for row in every])
        )

    def _maps(self, z: Latents, t: Tensor, guides: Sequence[Guide]) -> Maps:
        """A of the refocused latents, by a pass of its own."""
        rows = range(len(z))
        text = self.texts((), rows)
        each = {s: attention_maps(self.network, z, t, text, s) for s in {g.stages for g in guides}}
        return torch.stack([each[guides[row].stages][row] for row in rows])

    def _guided(self, negative: Tensor, conditional: Tensor) -> Latents:
        """Classifier-free guidance."""
        if self.scale == 1:
            return conditional
        return negative + self.scale * (conditional - negative)


def refuse_biases(guides: Sequence[Guide]) -> None:
    """A bias enters layers that compiled parts hold; raises InputError."""
    if any(guide.bias for guide in guides):
        raise InputError("this method changes attention inside the model; leave compiled at false")
