"""What a motion depends on, read in little time, and its fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from types import NoneType
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..scene import shot_lookup
from ..scene.dependencies import sources_of
from ..scene.scene_time import NeedsStepping, frames_of, without_stepping

if TYPE_CHECKING:
    from ..controls.known_ground import KnownGround
    from ..generation.order_builder import KnownRig
    from ..session.generation_worker import GenerationJobInput

NOT_OF_THE_MOTION = frozenset({"skeleton", "euler", "body", "warnings", "scene", "key_tolerance", "report"})
"""Fields of a job input that do not change while the character stays the same, or do not change the motion."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One state of the scene.

    fingerprint: equal for states that give the same motion. order: of a preview, with a key on every frame and one
    take. known: the character. shot: identity of the shot that the motion is for, or empty.
    """

    fingerprint: str
    order: GenerationJobInput
    known: KnownRig
    shot: str


class SceneReader:
    """Reads the scene for previews. Character and surface of the ground are read once, and again after `forget`."""

    def __init__(self) -> None:
        self._known: dict[int, KnownRig] = {}
        self._ground: KnownGround | None = None
        self._place: tuple[bytes, ...] = ()

    def forget(self, ground: bool = False) -> None:
        """Read the character again the next time. ground: the ground as well."""
        self._known.clear()
        self._ground = None if ground else self._ground

    def check(self, character: bpy.types.Object, still: bool) -> None:
        """Read the character again the next time, because Blender reported a change of it.

        Blender reports one for our own previews too. During a change of something else it therefore counts only if the
        character stands elsewhere or has another rest pose. still: nothing else is being changed.
        """
        known = self._known.get(character.session_uid)
        if known is not None and (still or _place_of(character, known) != self._place):
            self.forget()

    def reshaped(self, ids: Collection[int]) -> None:
        """Take in the session ids of data-blocks whose shape changed."""
        if self._ground is not None:
            self._ground.reshaped(ids)

    def known(self, character: bpy.types.Object) -> KnownRig:
        """The character as it was read last."""
        from ..controls.known_ground import KnownGround
        from ..generation.order_builder import read_rig_of

        uid = character.session_uid
        if uid not in self._known:
            self._known.clear()
            self._ground = self._ground or KnownGround()
            self._known[uid] = replace(read_rig_of(character), ground=self._ground)
            self._place = _place_of(character, self._known[uid])
        return self._known[uid]

    def read(
        self, context: bpy.types.Context, character: bpy.types.Object, shot: str, begin: int | None = None
    ) -> Reading:
        """Read the present state. shot: identity of a shot, or empty for the panel. begin: first frame of the motion;
        None: by the settings.

        Raises InvalidRequest with one sentence, also if Blender must show other frames to find an animated object.
        """
        from ...motionlcm_blender.errors import InvalidRequest

        known = self.known(character)
        try:
            with without_stepping():
                order = _order(context, character, shot, known, begin)
        except NeedsStepping as error:
            raise InvalidRequest(
                f'Live cannot follow "{error}": constraints, parents, drivers, NLA strips or physics move it. Press '
                "Generate."
            ) from error
        settings = context.scene.motionlcm
        keys = (settings.key_mode, settings.key_tolerance)
        return Reading(fingerprint(order, keys), order, known, shot)


def _place_of(character: bpy.types.Object, known: KnownRig) -> tuple[bytes, ...]:
    """Place of a character, pose of the bone above its hips, and its rest pose, to compare."""
    from ..rigs.apply_motion import pose_above

    hips, bones = known.rig.bones[0], character.data.bones
    above = pose_above(character, hips) if hips is not None and hips in character.pose.bones else np.zeros(0)
    rests = np.empty(16 * len(bones), np.float32)
    bones.foreach_get("matrix_local", rests)
    return np.array(character.matrix_world).tobytes(), above.tobytes(), rests.tobytes()


def _order(
    context: bpy.types.Context, character: bpy.types.Object, shot: str, known: KnownRig, begin: int | None
) -> GenerationJobInput:
    from ..generation.order_builder import SceneOrderBuilder
    from ..shots.shot_order_builder import ShotOrderBuilder

    if shot:
        of = character.motionlcm.shots[shot_lookup.index_of(character, shot)]
        order = ShotOrderBuilder(context, character, of, known).build()
    else:
        frames = frames_of(context.scene.motionlcm.length)
        order = SceneOrderBuilder(context, character, frames, known, begin).build()
    return replace(order, request=replace(order.request, takes=1))


def fingerprint(*values: Any) -> str:
    """A text that is equal for equal values: dataclasses, arrays and plain values."""
    parts: list[bytes] = []
    _add_parts(values, parts)
    return hashlib.sha1(b"\n".join(parts), usedforsecurity=False).hexdigest()


PLAIN = frozenset({str, int, float, bool, NoneType})
_fields: dict[type, tuple[str, ...]] = {}
"""Names of the fields of each dataclass that change its motion."""


def _add_parts(value: Any, parts: list[bytes]) -> None:
    kind = type(value)
    if kind in PLAIN:
        parts.append(repr(value).encode())
    elif kind in (tuple, list):
        parts.append(b"(%d" % len(value))
        for each in value:
            _add_parts(each, parts)
    elif kind.__name__ == "Hints":  # of a minute of motion 700 kB, most of it zeros
        given = np.flatnonzero(value.mask)
        parts += [b"%d" % len(value.mask), given.tobytes(), value.positions.ravel()[given].tobytes()]
    elif kind in _fields or is_dataclass(kind):
        if kind not in _fields:
            _fields[kind] = tuple(field.name for field in fields(kind) if field.name not in NOT_OF_THE_MOTION)
        parts.append(kind.__name__.encode())
        for name in _fields[kind]:
            _add_parts(getattr(value, name), parts)
    elif hasattr(value, "tobytes"):
        parts += [repr((value.shape, value.dtype.str)).encode(), value.tobytes()]
    else:
        parts.append(repr(value.value if isinstance(value, Enum) else value).encode())


NOT_A_SETTING = frozenset({
    "rna_type", "live", "history", "take_sort", "edited_prompt", "generate_at_once", "takes", "pins", "name", "state",
    "stale", "entry", "action", "takes_made", "laid_first", "laid_last", "uid",
})  # fmt: skip
"""Properties that the digest of settings leaves out: state, and lists that are digested item by item."""
_names: dict[type, tuple[str, ...]] = {}


def settings_digest(scene: bpy.types.Scene) -> tuple[Any, ...]:
    """The values of all settings, markers and the frame rate, in less time than a reading takes.

    Blender reports a change of settings by handlers in some versions and some ways of changing them only.
    """
    settings, render = scene.motionlcm, scene.render
    markers = tuple((marker.name, marker.frame) for marker in scene.timeline_markers)
    time = (render.fps, render.fps_base, render.frame_map_old, render.frame_map_new, scene.frame_start)
    character = settings.character
    listed = character.motionlcm if character is not None else None
    shots = () if listed is None else tuple((_values(each), _pins(each)) for each in listed.shots)
    return _values(settings), _pins(settings), markers, time, shots, -1 if listed is None else listed.shot_index


def _pins(group: Any) -> tuple[Any, ...]:
    return tuple(_values(pin) for pin in group.pins)


def _values(group: Any) -> tuple[Any, ...]:
    kind = type(group)
    if kind not in _names:
        _names[kind] = tuple(name for name in group.bl_rna.properties.keys() if name not in NOT_A_SETTING)  # noqa: SIM118
    values = (getattr(group, name) for name in _names[kind])
    return tuple(value.session_uid if isinstance(value, bpy.types.ID) else value for value in values)


def watched_ids() -> frozenset[int]:
    """The session ids of all data-blocks that motions depend on, beside the characters, in all scenes that windows
    show."""
    manager = bpy.context.window_manager
    scenes = {bpy.context.scene, *(window.scene for window in (manager.windows if manager is not None else ()))}
    found: list[bpy.types.Object | None] = []
    blocks: list[Any] = []
    for settings in (scene.motionlcm for scene in scenes):
        found += [settings.path, settings.facing_object, settings.ground, *(pin.target for pin in settings.pins)]
        for shot in settings.character.motionlcm.shots if settings.character is not None else ():
            found += [shot.path, *(pin.target for pin in shot.pins)]
            blocks += [shot.start_pose, shot.end_pose]
    characters = {scene.motionlcm.character for scene in scenes}
    for obj in _with_sources(each for each in found if each is not None and each not in characters):
        blocks += [obj, obj.data]
        blocks += [getattr(obj.data, "shape_keys", None)] if obj.data is not None else []
    actions = [data.action for data in (getattr(each, "animation_data", None) for each in blocks) if data is not None]
    return frozenset(each.session_uid for each in (*blocks, *actions) if each is not None)


def _with_sources(objects: Iterable[bpy.types.Object]) -> list[bpy.types.Object]:
    found: list[bpy.types.Object] = []
    waiting = list(objects)
    while waiting:
        obj = waiting.pop()
        if obj not in found:
            found.append(obj)
            waiting += [source.obj for source in sources_of(obj, True)]
    return found
