"""For which shot Live makes the motion: the active one, or the one whose part of a shared path is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..armature.take_properties import FIRST_FRAME, LIVE_PREVIEW, SHOT
from ..scene.scene_time import playhead
from ..scene.shot_lookup import active_shot

if TYPE_CHECKING:
    from ...motionlcm_blender.live.gesture import Gesture
    from .reading import Reading, SceneReader


class ShotChoice:
    """The target of the present change.

    shot: identity of the shot, or empty for the panel's motion. begin: frame of keys on which a motion starts that
    starts at the current frame: it stays during a change, while the timeline plays.
    """

    def __init__(self) -> None:
        self.shot = ""
        self.begin: int | None = None
        self._rested: dict[str, Reading] = {}
        """By shot, the states before the change."""

    def forget(self) -> None:
        """Forget the states before the change."""
        self._rested.clear()

    def remember(self, reading: Reading) -> None:
        """Take a state as the one before the next change."""
        self._rested[reading.shot] = reading

    def choose(
        self,
        context: bpy.types.Context,
        character: bpy.types.Object,
        reader: SceneReader,
        session: str,
        gesture: Gesture,
    ) -> None:
        """Choose at the beginning of a change, and set its base.

        Raises InvalidRequest if the chosen shot is locked.
        """
        begin = _begin(context.scene, character, session)
        if begin is None or self.begin is None or gesture.base is None:
            self.begin = begin
        chosen = _shot_to_make(character)
        if self.shot != chosen:
            self.shot = chosen
            self._set_base(gesture)
        others = _with_same_path(character, chosen)
        if not others:
            return
        moved: dict[str, float] = {}
        for uid in (chosen, *others):
            reading = reader.read(context, character, uid, self.begin)
            if uid in self._rested:
                moved[uid] = _moved(self._rested[uid], reading)
            else:
                self.remember(reading)
        if moved and max(moved.values()) > max(moved.get(chosen, 0.0), 1e-4):
            self.shot = max(moved, key=lambda uid: moved[uid])
            self._set_base(gesture)

    def begin_now(self, scene: bpy.types.Scene, character: bpy.types.Object, session: str) -> bool:
        """Let a change that begins now start at the present frame, if the setting is on. Returns whether it differs."""
        before, self.begin = self.begin, _begin(scene, character, session)
        return before != self.begin

    def _set_base(self, gesture: Gesture) -> None:
        rested = self._rested.get(self.shot)
        gesture.rest_at(None if rested is None else rested.fingerprint)


def _begin(scene: bpy.types.Scene, character: bpy.types.Object, session: str) -> int | None:
    """The first frame of a motion that starts at the current frame: that of the motion which Live made before."""
    from .finishing import is_own

    if scene.motionlcm.start != "CURRENT_FRAME":
        return None
    data = character.animation_data
    action = data.action if data is not None else None
    return FIRST_FRAME.read(action) if action is not None and is_own(action, session) else playhead(scene)


def _shot_to_make(character: bpy.types.Object) -> str:
    """Identity of the active shot; empty if the character has no shots, or an Action of its own plays over them.

    Raises InvalidRequest if the shot is locked.
    """
    from ...motionlcm_blender.errors import InvalidRequest

    shot, data = active_shot(character), character.animation_data
    action = data.action if data is not None else None
    if shot is None or (action is not None and not SHOT.is_on(action) and not LIVE_PREVIEW.is_on(action)):
        return ""
    if shot.locked and shot.action is not None:
        raise InvalidRequest(f'"{shot.name}" is locked, so Live does not change it: unlock it first.')
    uid: str = shot.uid
    return uid


def _with_same_path(character: bpy.types.Object, chosen: str) -> list[str]:
    """Other shots of the path of a shot that may change."""
    shots = {shot.uid: shot for shot in character.motionlcm.shots}
    if chosen not in shots or shots[chosen].path is None or shots[chosen].path.type != "CURVE":
        return []
    return [
        uid
        for uid, shot in shots.items()
        if uid != chosen and shot.path == shots[chosen].path and not (shot.locked and shot.action is not None)
    ]


def _moved(before: Reading, now: Reading) -> float:
    """Metres by which the path of a shot moved at most."""
    one, two = before.order.path_xz, now.order.path_xz
    if one is None or two is None or before.fingerprint == now.fingerprint:
        return 0.0
    if one.shape != two.shape:
        return float("inf")
    return float(np.linalg.norm(one - two, axis=-1).max())
