"""Takes as moving points in the world: evaluates each Action's keys as Blender does, without stepping the scene."""

from __future__ import annotations

import zlib
from collections.abc import Sequence, Set
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix

from ...motionlcm_blender.motion import rotations
from ...motionlcm_blender.motion.skeleton import FPS, JOINT_COUNT
from ...motionlcm_blender.motion.world_transform import engine_to_blender
from ...motionlcm_blender.rigs.rig_retarget import positions, world_rotations
from ..armature.action_sampling import Curves, curves_in, turns, values
from ..armature.actions import bone_path
from ..armature.root_motion import deltas_of
from ..armature.smpl_rig import Rig
from ..rigs.body_reading import read_clip
from ..rigs.recognised import BodyRig, read_character
from ..scene.scene_time import stretch

MOST_SAMPLES = 2000
"""Largest number of samples of one take; a longer take is sampled more coarsely."""
KEPT = 64
"""Actions whose joints are kept in memory."""
GhostCache = dict[int, tuple[tuple[object, ...], np.ndarray, np.ndarray | None]]
"""Data of an Action by its session id: its fingerprint, heads of bones, transform of the object."""


@dataclass(frozen=True, eq=False)
class Ghost:
    """One take, performed.

    joints: (T, 22, 3) float32, the heads of the bones of the engine's joints, world space. first, step: frames of keys
    of the samples. floor: (T,) height of the floor, estimated from the feet.
    """

    joints: np.ndarray
    first: float
    step: float
    floor: np.ndarray

    def at(self, frame: float) -> np.ndarray:
        """(22, 3) on a frame of keys, interpolated between two samples; the nearest pose before and after the keys."""
        place = min(max((frame - self.first) / self.step, 0.0), len(self.joints) - 1.0)
        before = min(int(place), max(len(self.joints) - 2, 0))
        after = min(before + 1, len(self.joints) - 1)
        share = np.float32(place - before)
        result: np.ndarray = self.joints[before] + share * (self.joints[after] - self.joints[before])
        return result


def ghosts_of(
    actions: Sequence[bpy.types.Action],
    obj: bpy.types.Object,
    scene: bpy.types.Scene,
    cache: GhostCache,
    edited: Set[int] | None = None,
) -> list[Ghost]:
    """Each of our Actions as a ghost of the character at its current place.

    cache: data of earlier calls; this call updates it. edited: session ids of the Actions whose keys may have changed
    after they were read, None for all: checking an Action takes some milliseconds. Constraints and NLA strips are
    ignored. Raises InvalidRequest if the object is no character.
    """
    bones = _performer(obj)
    found = []
    for action in actions:
        curves = curves_in(action)
        at = _moments(action, curves, scene)
        known = cache.pop(action.session_uid, None)
        look = edited is None or action.session_uid in edited
        keys = _fingerprint(curves) if known is None or look else known[0][0]
        depends = (keys, at.tobytes(), bones.fingerprint, obj.rotation_mode, tuple(obj.scale))
        if known is None or known[0] != depends:
            known = (depends, *bones.perform(action, curves, at, obj))
        cache[action.session_uid] = known  # moved to the end: the oldest entry is dropped first
        _, heads, way = known
        world = np.array(obj.matrix_world if way is None else _above(obj), np.float64)
        matrices = world[None] if way is None else world @ way
        turned = matrices[:, :3, :3].transpose(0, 2, 1).astype(np.float32)
        joints = heads @ turned + matrices[:, None, :3, 3].astype(np.float32)
        found.append(Ghost(joints, float(at[0]), float(at[1] - at[0]), _floor(joints[..., 2], len(at))))
    while len(cache) > max(KEPT, len(actions)):
        del cache[next(iter(cache))]
    return found


def _performer(obj: bpy.types.Object) -> _Bones | _Body:
    """What shows the takes of a character. Raises InvalidRequest if the object is no character."""
    rig = read_character(obj)
    return _Body(rig) if isinstance(rig, BodyRig) else _Bones.read(obj, rig)


@dataclass(frozen=True, eq=False)
class _Body:
    """An armature of any family: its joints as its Actions are read back."""

    rig: BodyRig

    @property
    def fingerprint(self) -> tuple[object, ...]:
        body = self.rig.body
        rests = np.array([body.description.bones[each.bone].matrix for each in body.bones])
        return tuple(body.mapping.joints.items()), rests.tobytes(), self.rig.above.round(5).tobytes()

    def perform(
        self, action: bpy.types.Action, curves: Curves, at: np.ndarray, obj: bpy.types.Object
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """As `_Bones.perform`, with all 22 joints of the body."""
        body = self.rig.body
        clip = read_clip(action, at, obj, self.rig, body.units_per_metre)
        joints = positions(clip.translation, world_rotations(clip), clip.skeleton)[:, :JOINT_COUNT]
        back = np.linalg.inv(body.description.world)
        places = engine_to_blender(joints) * body.units_per_metre
        heads = (places @ back[:3, :3].T + back[:3, 3]).astype(np.float32)
        return heads, _carried(curves, at, obj)


@dataclass(frozen=True, eq=False)
class _Bones:
    """The bones of the joints and all their ancestors, parents first.

    parents: index of each bone's parent, -1 for a root bone. rests: (B, 4, 4) rest pose relative to the parent. joints:
    the bone of each of the engine's joints.
    """

    names: tuple[str, ...]
    modes: tuple[str, ...]
    parents: tuple[int, ...]
    rests: np.ndarray
    joints: tuple[int, ...]

    @classmethod
    def read(cls, obj: bpy.types.Object, rig: Rig) -> _Bones:
        wanted = [name for name in rig.bones[:JOINT_COUNT] if name is not None]
        names: list[str] = []
        for joint in wanted:
            bone = obj.data.bones[joint]
            names += [b.name for b in (*reversed(bone.parent_recursive), bone) if b.name not in names]
        bones = [obj.data.bones[name] for name in names]
        parents = [names.index(bone.parent.name) if bone.parent is not None else -1 for bone in bones]
        rest = np.array([bone.matrix_local for bone in bones], np.float64)
        seen = np.array([r if p < 0 else np.linalg.inv(rest[p]) @ r for r, p in zip(rest, parents, strict=True)])
        modes = [obj.pose.bones[name].rotation_mode for name in names]
        return cls(tuple(names), tuple(modes), tuple(parents), seen, tuple(names.index(name) for name in wanted))

    @property
    def fingerprint(self) -> tuple[object, ...]:
        return self.names, self.modes, self.parents, self.rests.tobytes()

    def perform(
        self, _action: bpy.types.Action, curves: Curves, at: np.ndarray, obj: bpy.types.Object
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """(T, 22, 3) float32 heads of the joints' bones in armature space, and (T, 4, 4) the object's transform by the
        Action; None if the Action has no object channels."""
        poses = np.empty((len(self.names), len(at), 4, 4))
        for number, (name, mode, parent) in enumerate(zip(self.names, self.modes, self.parents, strict=True)):
            local = self.rests[number] @ _basis(curves, bone_path(name), mode, at, None)
            poses[number] = local if parent < 0 else poses[parent] @ local
        heads = poses[list(self.joints), :, :3, 3].transpose(1, 0, 2).astype(np.float32)
        return heads, _carried(curves, at, obj)


def _fingerprint(curves: Curves) -> int:
    """A value that changes with any key or handle."""
    number = 0
    for (path, index), curve in curves.items():
        points = curve.keyframe_points
        flat = np.empty(2 * len(points), np.float32)
        number = zlib.crc32(f"{path}{index}{len(curve.modifiers)}".encode(), number)
        for name in ("co", "handle_left", "handle_right"):
            points.foreach_get(name, flat)
            number = zlib.crc32(flat.data, number)
    return number


def _moments(action: bpy.types.Action, curves: Curves, scene: bpy.types.Scene) -> np.ndarray:
    """(T,) frames of keys to read, at least at the model's rate; repeated motion is read to the end of the scene."""
    first, last = (float(frame) for frame in action.frame_range)
    if any(len(curve.modifiers) for curve in curves.values()):
        first, last = min(first, scene.frame_start / stretch(scene)), max(last, scene.frame_end / stretch(scene))
    step = max(1.0, float(np.floor(scene.render.fps / scene.render.fps_base / FPS)))
    step = max(step, float(np.ceil((last - first) / MOST_SAMPLES)))
    at = np.arange(first, last + 0.5 * step, step)
    return at if len(at) > 1 else np.array([first, first + step])


def _above(obj: bpy.types.Object) -> Matrix:
    """The transform of the object without its own channels."""
    return obj.matrix_world @ obj.matrix_basis.inverted_safe()


def _carried(curves: Curves, at: np.ndarray, obj: bpy.types.Object) -> np.ndarray | None:
    """(T, 4, 4) the object's transform by an Action; None if the Action has no object channels."""
    if all(path.startswith("pose.") for path, _ in curves):
        return None
    way, deltas = _basis(curves, "", obj.rotation_mode, at, obj), deltas_of(obj)
    way[:, :3, :3] = np.array(deltas.rotation.to_matrix()) @ way[:, :3, :3] * np.array(obj.delta_scale)
    way[:, :3, 3] += np.array(deltas.location)
    return way


def _basis(curves: Curves, prefix: str, mode: str, at: np.ndarray, unset: bpy.types.Object | None) -> np.ndarray:
    """(T, 4, 4) transform of the channels of a bone or of the object; a bone without keys rests, an object keeps
    `unset`."""

    result = np.broadcast_to(np.eye(4), (len(at), 4, 4)).copy()
    result[:, :3, :3] = rotations.to_matrix(turns(curves, prefix, mode, at, unset))
    scale = values(curves, prefix + "scale", (1.0, 1.0, 1.0) if unset is None else unset.scale, at)
    if np.abs(scale - 1.0).max() > 1e-6:
        result[:, :3, :3] *= scale[:, None, :]
    result[:, :3, 3] = values(curves, prefix + "location", (0.0, 0.0, 0.0) if unset is None else unset.location, at)
    return result


def _floor(heights: np.ndarray, count: int) -> np.ndarray:
    """(T,) the lowest joint (T, J) within the surrounding frames, because a jump leaves the floor only for a moment."""
    lowest = heights.min(axis=1)
    reach = int(min(FPS, count - 1))
    padded = np.pad(lowest, reach, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1).astype(np.float32)
