"""Making clips beside the notebook: one at a time, told step by step, stopped between two steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

from starvid_core import experiment
from starvid_core.backbones.base import Backbone
from starvid_core.sampling import Clip, Step
from starvid_core.specs import RunSpec

Told = Callable[[str, Step, int], None]


class Stopped(Exception):
    """The user asked for no more steps."""


class Maker:
    """Makes named clips in a thread; `told(name, step, steps)` hears of every step in it.

    A plain clip depends on no box and is kept until another one is asked for.
    """

    def __init__(self, backbone: Backbone, told: Told) -> None:
        self.backbone, self.told = backbone, told
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="explorer")
        self._stop = Event()
        self._kept: dict[tuple[object, ...], Clip] = {}

    def start(self, wanted: Mapping[str, RunSpec]) -> Future[dict[str, Clip]]:
        """The clips, sooner or later; `Stopped` if it was stopped."""
        self._stop.clear()
        return self._thread.submit(self._make, dict(wanted))

    def stop(self) -> None:
        """End what is being made after its current step."""
        self._stop.set()

    def close(self) -> None:
        self.stop()
        self._thread.shutdown(wait=True)

    def _make(self, wanted: dict[str, RunSpec]) -> dict[str, Clip]:
        return {name: self._clip(name, one) for name, one in wanted.items()}

    def _clip(self, name: str, one: RunSpec) -> Clip:
        if one.method != "none":
            return self._fresh(name, one)
        place = (one.prompt, one.seed, one.sampling, one.record)
        if place not in self._kept:
            self._kept = {place: self._fresh(name, one)}
        return self._kept[place]

    def _fresh(self, name: str, one: RunSpec) -> Clip:
        def watch(steps: Iterable[Step]) -> Iterator[Step]:
            for step in steps:
                if self._stop.is_set():
                    raise Stopped
                self.told(name, step, one.sampling.steps)
                yield step

        return experiment.generate(one, self.backbone, watch)
