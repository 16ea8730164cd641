"""What Live does while it is on: reads changes, requests motions, and shows them.

A timer on the main thread (`tick`) reads the scene if the handlers noted a change, hands the newest state to a worker
thread, and shows the newest motion that the worker has. `Gesture` decides when a change is complete. Without a window
Blender fires no timers; tests call `tick`.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy

from ...motionlcm_blender.live.gesture import Gesture, Next, Phase
from ...motionlcm_blender.live.newest_request import Answer, NewestRequest
from ..armature.character_lookup import check_writable
from ..scene import messages, playback
from ..scene.handles import find, find_both
from ..scene.main_thread_timer import MainThreadTimer
from ..scene.viewports import redraw_viewports
from ..session import idle_unload, job_queue
from . import watching
from .short_pauses import ShortPauses
from .shot_choice import ShotChoice
from .spent_time import Spent, timed
from .watching import watch

if TYPE_CHECKING:
    from ..session.generation_worker import GenerationJobInput, GenerationOutput
    from .path_drawing import PathDrawing
    from .reading import Reading, SceneReader

log = logging.getLogger(__name__)

BUSY, IDLE, RENDERING = 0.008, 0.1, 0.5
"""Seconds between two ticks: during a change, without one, and while Blender renders."""
UNREPORTED = 0.03
"""Seconds between two readings during a drag while the timeline plays, where Blender may report no change."""
REST = 4.0
"""Time between two readings during a drag, as a multiple of the processor time of a reading. This leaves most of
the main thread to Blender where a large ground has to be read anew for each change."""
PATIENCE = 10.0
"""Seconds to wait for the worker thread when the extension is disabled."""


@dataclass(frozen=True, eq=False)
class LiveRequest:
    """A request to the worker. reading: the state. order: of the preview, or of the finished motion."""

    reading: Reading
    order: GenerationJobInput
    finished: bool


class Live:
    """Live of this Blender. Used on the main thread only."""

    def __init__(self) -> None:
        self.on = False
        self.gesture = Gesture()
        self.worker: NewestRequest[LiveRequest, GenerationOutput] = NewestRequest(self._work, "MotionLCM Live")
        self.spent: deque[Spent] = deque(maxlen=4096)
        """The latest pieces of work, for tests and measurements."""
        self._reader: SceneReader | None = None
        self._drawing: PathDrawing | None = None
        self._reading: Reading | None = None
        self._choice, self._pauses = ShotChoice(), ShortPauses()
        self._session = ""
        self._digest: tuple[Any, ...] = ()
        self._target = 0, 0
        self._read_at = self._read_next = 0.0
        self._must_read = False
        self._problem = ""
        self._timer = MainThreadTimer(self.tick, BUSY)

    def switch(self, on: bool) -> None:
        """Switch Live on or off. A change that is being followed is completed first."""
        if on == self.on:
            return
        self.on = on
        playback.start_by_itself(not on)
        if on:
            from .path_drawing import PathDrawing
            from .reading import SceneReader

            self._session = uuid.uuid4().hex[:12]
            self._reader, self._drawing = self._reader or SceneReader(), self._drawing or PathDrawing()
            watch.before_history, watch.before_load, watch.before_save = self.step_aside, self._file_goes, self._save
            watching.start()
            watch.on = True
            self._rest()
            job_queue.get().warm_up()
        self._timer.start()

    def close(self) -> None:
        """End at once: put back what was before an unfinished change, and stop the thread. For unregistering."""
        self.on = False
        self.step_aside()
        self._end()
        self.worker.stop(PATIENCE)

    def step_aside(self) -> None:
        """Put back what was before an unfinished change, and forget the change."""
        self.worker.cancel()
        if self.gesture.phase is not Phase.STILL:
            self._restore()
        self._rest()

    def tick(self) -> float | None:
        """Do what is to be done now; returns the seconds to the next call, None if Live is off."""
        if job_queue.is_rendering():
            return RENDERING
        try:
            if self._after_file_or_history():
                return BUSY
            if not self.on and self.gesture.phase is Phase.STILL:
                self._end()
                return None
            if job_queue.get().current is not None:
                return IDLE
            with self._pauses.held(), _in_scene():
                self._advance(time.monotonic())
        except Exception as error:  # noqa: BLE001  each exception becomes a sentence
            self._fail(error)
        changing = self.gesture.phase is not Phase.STILL
        self._pauses.switch(changing)
        return BUSY if self._must_read or watch.changed or changing else IDLE

    def _work(self, request: LiveRequest, cancelled: Callable[[], bool]) -> GenerationOutput:
        """Make a motion, in the worker thread."""
        from ..session.generation_worker import make

        with timed(self.spent, "make"):
            return make(request.order, lambda _fraction, _stage: None, cancelled)

    def _advance(self, now: float) -> None:
        """One tick: show an answer, read a change, decide whether the change is complete."""
        from .reading import settings_digest

        digest = settings_digest(bpy.context.scene)
        dragging = watching.dragging()
        unreported = dragging and now - self._read_at > UNREPORTED and watching.is_playing()
        watch.changed |= digest != self._digest or unreported
        self._digest = digest
        answer = self.worker.take()
        if answer is not None:
            self._take(answer)
        # Showing and reading in one tick would keep the main thread for the sum of both.
        wait = dragging and (answer is not None or now < self._read_next)
        if self._must_read or (watch.changed and not wait):
            with timed(self.spent, "read"):
                self._read(now)
            pause = REST * 0.001 * self.spent[-1].processor if dragging else 0.0
            self._read_next = time.monotonic() + pause
        following = self.gesture.step(now, dragging)
        if following is Next.RESTORE:
            self.worker.cancel()
            self._restore()
        elif following is Next.FINISH:
            self._request_finished()

    def _read(self, now: float) -> None:
        """Read the present state, and request its motion if the state is new."""
        from ...motionlcm_blender.errors import InvalidRequest
        from .reading import watched_ids

        scene, still = bpy.context.scene, self.gesture.phase is Phase.STILL
        character, reader = scene.motionlcm.character, self._reader
        assert reader is not None  # since Live was switched on
        self._must_read = watch.changed = False
        self._read_at = now
        if character is None:
            raise InvalidRequest("Live needs a character: choose the armature of a person, or press Add Character.")
        if watch.character_changed and (still or scene.motionlcm.travel != "root"):
            reader.check(character, still)
        watch.character_changed = False
        reader.reshaped(watch.reshaped)
        watch.reshaped.clear()
        watch.ids = watched_ids()
        watch.character = character.session_uid, character.data.session_uid
        check_writable(character)
        if still:
            self._aim(scene, character)
            self._choice.choose(bpy.context, character, reader, self._session, self.gesture)
        reading = reader.read(bpy.context, character, self._choice.shot, self._choice.begin)
        begins = still and self.gesture.base not in (None, reading.fingerprint)
        if begins and self._choice.begin_now(scene, character, self._session):
            reading = reader.read(bpy.context, character, self._choice.shot, self._choice.begin)
        self._solved()
        if self.gesture.saw(reading.fingerprint, now):
            self._reading = reading
            self.worker.offer(LiveRequest(reading, reading.order, False))
            assert self._drawing is not None
            self._drawing.show(reading.order)
        elif self.gesture.phase is Phase.STILL:
            self._choice.remember(reading)

    def _aim(self, scene: bpy.types.Scene, character: bpy.types.Object) -> None:
        """Take the state of another scene or character as it is; choosing one is no change."""
        target = scene.session_uid, character.session_uid
        if target != self._target:
            self._target = target
            self.gesture.rest_at(None)
            self._choice.forget()

    def _request_finished(self) -> None:
        from .finishing import finished_order

        assert self._reading is not None
        _, character = find_both(self._reading.order.scene, self._reading.order.character)
        order = finished_order(bpy.context, character, self._choice.shot, self._choice.begin)
        self.worker.offer(LiveRequest(self._reading, order, True), at_once=True)

    def _take(self, answer: Answer[LiveRequest, GenerationOutput]) -> None:
        """Show a motion, or write the finished one."""
        from ...motionlcm_blender.errors import Cancelled
        from . import preview

        request, outcome = answer.request, answer.outcome
        if isinstance(outcome, Cancelled) or not self.gesture.accepts(request.reading.fingerprint, request.finished):
            return
        if isinstance(outcome, BaseException):
            raise outcome
        if request.finished:
            with timed(self.spent, "finish"):
                self._write(request.order, outcome)
            return
        _, character = find_both(request.order.scene, request.order.character)
        with timed(self.spent, "show"):
            preview.show(character, request.order, outcome, request.reading.known)
        redraw_viewports()

    def _write(self, order: GenerationJobInput, result: GenerationOutput) -> None:
        """Write the finished motion. Later states are compared with the state as it is after writing, so that nothing
        that was written counts as a change."""
        from . import finishing, preview

        changed = watch.changed
        sentence = finishing.write(order, result, self._session)
        messages.show_message(sentence, warnings=(*order.warnings, *result.warnings))
        self.gesture.finished()
        if not changed:
            self._rest()
        self._hide_path()
        preview.sweep()
        idle_unload.watch()

    def _after_file_or_history(self) -> bool:
        """Repair what undo, redo or another file brought. Returns whether a further undo step follows.

        An undo step that Blender stored during a change holds the preview. A person never saw it as a state, so one
        more step is taken in the same direction, and curve and motion change together.
        """
        from . import preview

        if (watch.loaded or watch.history) and self._reader is not None:
            self._reader.forget(ground=True)
        if watch.loaded:
            watch.loaded = False
            for obj in list(preview.previews()):
                preview.restore(obj)
            preview.sweep()
            self._rest()
        if not watch.history:
            return False
        direction, watch.history = watch.history, ""
        held = list(preview.previews())
        if held and self.worker.wait(PATIENCE) and _step_in_history(direction):
            return True
        for obj in list(preview.previews()) if held else ():
            preview.restore(obj)
        preview.sweep()
        self._rest(bpy.context.mode.startswith("EDIT_"))
        return False

    def _rest(self, motion_is_known: bool = False) -> None:
        """Take the present state as the one that the character shows, at the next tick.

        motion_is_known: keep the state of the shown motion, since an undo in Edit Mode changes the shape alone.
        """
        base = self.gesture.base if motion_is_known else None
        self.gesture.rest_at(base)
        self._must_read = self.on
        if self._reader is not None:
            self._reader.forget()
        if not motion_is_known:
            self._choice.forget()

    def _restore(self) -> None:
        """Show what was there before the change."""
        from . import preview

        for obj in list(preview.previews()):
            preview.restore(obj)
        preview.sweep()
        self._hide_path()

    def _fail(self, error: Exception) -> None:
        """Show an error once. A change that cannot be finished ends."""
        if self.gesture.phase is Phase.FINISHING:
            self.step_aside()
            self._must_read = False
        sentence = messages.sentence_for(error)
        if sentence != self._problem:
            self._problem = sentence
            messages.show_message(sentence, error=True)

    def _solved(self) -> None:
        """Take the sentence of an earlier problem away."""
        if self._problem and messages.status.message == self._problem:
            messages.set_status(message="", error=False, warnings=())
        self._problem = ""

    def _file_goes(self) -> None:
        self.worker.cancel()
        self._hide_path()
        self.gesture.rest_at(None)

    def _save(self) -> None:
        """Finish a change before the file is saved, so that the file holds no preview."""
        from ..session.generation_worker import make
        from .finishing import finished_order

        if self.gesture.phase is Phase.STILL or self._reading is None:
            return
        self.worker.cancel()
        try:
            with _in_scene():
                _, character = find_both(self._reading.order.scene, self._reading.order.character)
                order = finished_order(bpy.context, character, self._choice.shot, self._choice.begin)
                self._write(order, make(order, lambda _fraction, _stage: None, lambda: False))
        except Exception as error:  # noqa: BLE001  saving goes on
            self.step_aside()
            self._fail(error)

    def _hide_path(self) -> None:
        if self._drawing is not None:
            self._drawing.hide()
        redraw_viewports()

    def _end(self) -> None:
        """Stop what runs while Live is on."""
        watch.on = watch.changed = False
        watching.stop()
        self._timer.stop()
        self._pauses.switch(False)
        self._hide_path()
        if self._reader is not None:
            self._reader.forget(ground=True)


@contextmanager
def _in_scene() -> Iterator[None]:
    """Context of the scene that changed last, in a window that shows it."""
    found = find(bpy.data.scenes, watch.scene) if watch.scene is not None else None
    scene: Any = found or bpy.context.scene
    manager = bpy.context.window_manager
    windows = [] if manager is None or bpy.app.background else list(manager.windows)
    shows = [window for window in windows if window.scene == scene] or windows[:1]
    if scene == bpy.context.scene and (bpy.context.window is not None or not shows):
        yield
        return
    # Within an override no operator may run beside the worker thread: see `evaluation.evaluated_depsgraph`.
    override: dict[str, Any] = {"window": shows[0]} if shows else {"scene": scene, "view_layer": scene.view_layers[0]}
    with bpy.context.temp_override(**override):
        yield


def _step_in_history(direction: str) -> bool:
    """Take one more step of undo or redo. Returns whether there was one."""
    step = bpy.ops.ed.undo if direction == "UNDO" else bpy.ops.ed.redo
    with _in_scene():
        try:
            return bool(step() == {"FINISHED"})
        except RuntimeError as error:
            log.info("No further step: %s", error)
            return False
