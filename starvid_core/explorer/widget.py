"""The widget: what the buttons of its page do, and what the page is then shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import fields
from math import ceil
from pathlib import Path
from typing import Any, cast

from matplotlib.figure import Figure

from planners import physics, schema
from planners.planner import Planner
from starvid_core import backbones, methods, options, paths, plotting, specs
from starvid_core.artifacts import check_writable, write_text
from starvid_core.backbones.base import Backbone
from starvid_core.errors import InputError
from starvid_core.explorer import layouts, pictures
from starvid_core.explorer.making import Maker, Stopped
from starvid_core.explorer.page import Page
from starvid_core.methods.base import Chooser
from starvid_core.sampling import Clip, Step
from starvid_core.scene import Trajectory
from starvid_core.specs import RunSpec

PLAIN, GUIDED = "plain", "guided"
BUSY = ("running", "stopping")
RECORDED = 25  # steps at most whose maps are kept
NOTES = 6  # broken rules that are shown


class Explorer(Page):
    """Lay out a scene, guide a video by it, look at the attention; needs nothing but this machine.

    `planners` are more planners by name, as `planners.planner.load` gives them.
    """

    def __init__(
        self,
        prompt: str = "A dog is running and a cat is jumping.",
        backbone: str | Backbone = "emoji",
        planners: Mapping[str, Planner] | None = None,
        preview_every: int = 1,
        **traits: Any,
    ) -> None:
        self.backbone = backbones.load(backbone) if isinstance(backbone, str) else backbone
        self.clips: dict[str, Clip] = {}
        self.preview_every = preview_every
        self._planners = layouts.offered(planners)
        self._maker = Maker(self.backbone, self._told)
        self._job: Future[dict[str, Clip]] | None = None
        self._trajectory: Trajectory | None = None
        self._made: RunSpec | None = None
        folder = paths.BUILD / "explorer"
        given = {
            "prompt": prompt,
            "planners": list(self._planners),
            "published": _published(),
            "steps": self.backbone.sampling.steps,
            "aspect": self.backbone.height / self.backbone.width,
            "plan_file": str(folder / "plan.json"),
            "figure_file": str(folder / "explorer.png"),
        }
        super().__init__(**(given | traits))
        self.on_msg(self._asked)
        self.observe(self._moved, "boxes")
        self.plan()

    @property
    def trajectory(self) -> Trajectory:
        """The boxes as they are now."""
        if self._trajectory is None:
            raise InputError("there is no plan yet; press Plan")
        return layouts.trajectory(self._trajectory.plan, self.boxes)

    def plan(self) -> None:
        """Ask the planner where everybody is; replaces the boxes."""
        asked = self._planners[options.known("planner", self.planner, list(self._planners))]
        self._show(asked(self.prompt).trajectory)

    def save(self, path: str | Path) -> Path:
        """Write the boxes as a plan file."""
        target = Path(path)
        check_writable(target)
        write_text(target, schema.dumps(self._current(), "explorer"))
        return target

    def load(self, path: str | Path) -> None:
        """Take prompt and boxes from a plan file."""
        self._show(schema.load(path))

    def generate(self) -> None:
        """Begin to make the plain and the guided clip from the same noise; `wait` for them."""
        if self.state in BUSY:
            raise InputError("a clip is being made; stop it first, or wait for it")
        wanted = self._wanted()
        self._made = wanted[GUIDED]
        self.state, self.message, self.progress = "running", "", {}
        self._job = self._maker.start(wanted)
        self._job.add_done_callback(self._done)

    def stop(self) -> None:
        """End the making after its current step."""
        if self.state == "running":
            self.state = "stopping"
            self._maker.stop()

    def wait(self, seconds: float | None = None) -> dict[str, Clip]:
        """The clips, when they are made."""
        if self._job is None:
            raise InputError("nothing is being made; call generate() first")
        return self._job.result(seconds)

    def figure(self) -> Figure:
        """Both clips as rows of frames, the boxes in the guided one."""
        if self._made is None or not self.clips:
            raise InputError("there are no clips yet; press Generate")
        plain, guided = (self.clips[name].video for name in (PLAIN, GUIDED))
        planned = self._made.trajectory
        boxes = planned.resample(len(guided)).boxes
        rows = plotting.Strip(PLAIN, plain), plotting.Strip(self._made.method, guided, boxes=boxes)
        nouns = tuple(one.noun for one in planned.plan.instances)
        return plotting.plot_study([plotting.Group(planned.plan.prompt, nouns, rows)], {})

    def export(self, path: str | Path) -> Path:
        """Write the figure as .png and .pdf."""
        stem = Path(path).with_suffix("")
        check_writable(stem.with_suffix(".png"))
        return plotting.save(self.figure(), stem)

    def close(self) -> None:
        if hasattr(self, "_maker"):
            self._maker.close()
        super().close()

    def _current(self) -> Trajectory:
        if self.trajectory.plan.prompt != self.prompt:
            raise InputError("the boxes are of another prompt; press Plan first")
        return self.trajectory

    def _show(self, found: Trajectory) -> None:
        self._trajectory = found
        # Together, so that the page never sees the boxes of other subjects.
        with self.hold_sync():
            self.prompt = found.plan.prompt
            self.subjects = layouts.instances(found.plan)
            self.boxes = layouts.rows(found)
            self.message = found.plan.reasoning
        self._moved()

    def _moved(self, *_: object) -> None:
        """Tell which rules the boxes break; boxes that are none are refused."""
        try:
            self.notes = [str(broken) for broken in physics.check(self.trajectory)][:NOTES]
        except InputError as error:
            self.notes = [str(error)]

    def _wanted(self) -> dict[str, RunSpec]:
        every = range(0, self.steps, ceil(self.steps / RECORDED) or 1)
        shared: dict[str, Any] = {"seed": self.seed, "backbone": self.backbone}
        shared |= {"plan": self._current(), "steps": self.steps, "record": tuple(every)}
        own = self.numbers.get(self.method, {})
        return {
            PLAIN: specs.spec(self.prompt, "none", **shared),
            GUIDED: specs.spec(self.prompt, self.method, **shared, **own),
        }

    def _told(self, name: str, step: Step, steps: int) -> None:
        losses = {value.name: round(value.value, 4) for value in step.losses[0]}
        self.progress = {"clip": name, "step": step.index + 1, "steps": steps, "losses": losses}
        if step.index % self.preview_every == 0:
            latest = self.backbone.decode(step.z)[0]
            self.preview = {"clip": name, **pictures.video(latest)}

    def _done(self, job: Future[dict[str, Clip]]) -> None:
        """In the thread of the maker: show what it made, or why it did not."""
        problem = job.exception()
        if problem is None:
            self._finish(job.result(), cast(RunSpec, self._made))
        elif isinstance(problem, Stopped):
            self.state, self.message, self.preview = "idle", "stopped", {}
        else:
            self.state, self.message, self.preview = "failed", f"{problem}", {}

    def _finish(self, clips: dict[str, Clip], made: RunSpec) -> None:
        self.clips = clips
        boxes = layouts.rows(made.trajectory.resample(len(clips[PLAIN].video)))
        about = {"rate": self.backbone.rate, "boxes": boxes, "method": made.method}
        shown = {name: pictures.video(clip.video) for name, clip in clips.items()}
        self.videos = {**about, **shown}
        seen = pictures.words(made.trajectory, self.backbone)
        self.maps = pictures.maps(clips, seen, made.sampling.steps)
        warnings = [warning for clip in clips.values() for warning in clip.warnings]
        self.state, self.message, self.preview = "done", "; ".join(warnings), {}

    def _asked(self, _: object, content: Any, __: object) -> None:
        """A button of the page."""
        buttons: dict[str, Callable[[], object]] = {
            "plan": self.plan,
            "generate": self.generate,
            "stop": self.stop,
            "save": lambda: self.save(self.plan_file),
            "load": lambda: self.load(self.plan_file),
            "export": lambda: self.export(self.figure_file),
        }
        try:
            done = buttons[options.known("button", str(content.get("do")), list(buttons))]()
        except InputError as error:
            self.message = str(error)
        else:
            self.message = f"wrote {done}" if isinstance(done, Path) else self.message


def _published() -> dict[str, dict[str, float]]:
    """The numbers of every method that guides, as its file has them."""
    found = {}
    for name in options.choices("methods"):
        if not isinstance(methods.load(name), Chooser):
            config = specs.defaults(name)
            values = {field.name: getattr(config, field.name) for field in fields(config)}
            found[name] = {k: v for k, v in values.items() if type(v) in (int, float)}
    return found
