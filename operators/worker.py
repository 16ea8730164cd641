"""From an order to finished motion, away from the main thread. Nothing here touches bpy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..motionlcm_blender.errors import Cancelled
from ..motionlcm_blender.motion.clips import Clip, Motion
from ..motionlcm_blender.motion.continuation import begin_in_pose, end_in_pose
from ..motionlcm_blender.motion.ground import Ground, stand_on
from ..motionlcm_blender.motion.key_fitting import fit_keys
from ..motionlcm_blender.motion.keys import SparseKeys
from ..motionlcm_blender.motion.loops import Travel, looped, split_travel
from ..motionlcm_blender.motion.placement import Placement, place_clip, place_joints, unplace_joints
from ..motionlcm_blender.motion.resampling import resample
from ..motionlcm_blender.motion.retarget import retarget
from ..motionlcm_blender.motion.skeleton import Skeleton
from ..motionlcm_blender.request import Request
from . import engine

if TYPE_CHECKING:
    from .rig import EulerBones

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Handle:
    """How to find something of Blender's again after undo, redo or a change of name."""

    name: str
    session_uid: int


@dataclass(frozen=True)
class Seam:
    """Where a motion goes on from an earlier one.

    frame: the motion's frame (20 a second) from which it is written; those before it are the earlier one's.
    translation (3,), turns (J, 4): the pose of the character there, placed in the world, as a clip has it.
    """

    frame: int
    translation: np.ndarray
    turns: np.ndarray


@dataclass(frozen=True)
class Landing:
    """The pose in which a motion ends, where what is written of it ends.

    translation (3,), turns (J, 4): placed in the world, as a clip has them; without a translation only the limbs are
    asked for, wherever the hips are. of: the identity of the shot that begins so, or empty.
    """

    translation: np.ndarray | None
    turns: np.ndarray
    of: str = ""


@dataclass(frozen=True)
class Order:
    """Everything a generation needs, as plain values.

    skeleton: of the character. placement: of the motion in the world, engine axes, metres of the character.
    fps, first_frame: of the scene. path_xz: (frames, 2) the path in the world, or None.
    units_per_metre: scene units for each metre of the character, when the order was made.
    seconds: the length asked for. ground: heights above the motion's floor, by places in the world.
    standing: where the armature object stands, engine axes, metres of the character. travel: where the way over the
    floor goes. loop: whether the motion is to repeat. key_tolerance: millimetres; None: a key on every frame.
    euler: the bones that turn by Euler angles. seam: where it goes on from an earlier motion. landing: where it ends.
    scene_frames: how many frames are written at most. shot: the identity of the shot that it is for, or empty.
    """

    request: Request
    skeleton: Skeleton
    placement: Placement
    fps: float
    first_frame: int
    character: Handle
    scene: Handle
    choice: engine.Choice
    units_per_metre: float
    path_name: str = ""
    path_xz: np.ndarray | None = None
    seconds: float = 0.0
    ground: Ground | None = None
    ground_name: str = ""
    standing: Placement | None = None
    travel: Travel = Travel.HIPS
    loop: bool = False
    key_tolerance: float | None = None
    euler: EulerBones | None = None
    seam: Seam | None = None
    landing: Landing | None = None
    scene_frames: int | None = None
    shot: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What came of an order. clip: placed in the world, at the scene's frame rate. report: measured facts.

    carrier: the armature object's own way, if it carries the travel. Where the travel is not in the hips, the clip is
    over the origin and faces +Z, to be put where the object stands. keys: few keys of the clip, in its axes.
    request: of this take alone. others: the other takes of the order.
    """

    clip: Clip
    request: Request
    report: dict[str, float]
    model_name: str
    model_hash: str
    licence: str
    attribution: str
    warnings: tuple[str, ...] = ()
    carrier: Carrier | None = None
    keys: SparseKeys | None = None
    others: tuple[Result, ...] = ()


@dataclass(frozen=True)
class Carrier:
    """(T, 3) places on the floor and (T,) headings about +Y in the world, engine axes, metres of the character."""

    ground: np.ndarray
    heading: np.ndarray


def make(order: Order, progress: Callable[[float, str], None], cancel: Callable[[], bool]) -> Result:
    """Run the model and shape the result for the armature.

    progress: called with 0..1 and a word. cancel: asked between steps. Raises Cancelled and the other errors of
    the engine.
    """
    progress(0.0, "Waiting")
    with _one_at_a_time:
        started = time.perf_counter()
        if cancel():
            raise Cancelled
        progress(0.02, "Loading the model")
        model = engine.model(order.choice)
        folder = model.folder
        motions = model.generate(order.request, lambda share, what: progress(0.05 + 0.75 * share, what), cancel)
        config = folder.config if folder is not None else {}
        of_model = (
            model.name,
            folder.fingerprint if folder is not None else "",
            str(config.get("licence", "")),
            str(config.get("attribution", "")),
        )
        results = []
        for number, motion in enumerate(motions):
            if cancel():
                raise Cancelled
            share = number / len(motions)
            progress(0.82 + 0.16 * share, "Retargeting and fitting keys")
            results.append(_finished(motion, order, of_model, started))
        if cancel():
            raise Cancelled
        progress(0.98, "Writing keys")
        return replace(results[0], others=tuple(results[1:]))


def _finished(motion: Motion, order: Order, of_model: tuple[str, str, str, str], started: float) -> Result:
    """One take as keys of the character. of_model: name, hash, licence and attribution."""
    if order.ground is not None:
        motion = _on_ground(motion, order)
    clip = place_clip(_on_skeleton(motion, order), order.placement)
    report = dict(motion.report)
    if order.path_xz is not None:
        miss = np.linalg.norm(clip.translation[:, [0, 2]] - order.path_xz, axis=-1)
        report |= {"path_mean_cm": 100.0 * float(miss.mean()), "path_max_cm": 100.0 * float(miss.max())}
    clip = _written_part(clip, order)
    if order.loop:
        clip = looped(clip)
    clip, carrier = _carried(clip, order)
    keys = None if order.key_tolerance is None else fitted_keys(clip, order.key_tolerance, order)
    report["seconds"] = time.perf_counter() - started
    request = motion.request if motion.request is not None else order.request
    return Result(clip, request, report, *of_model, motion.warnings, carrier, keys)


def fitted_keys(clip: Clip, tolerance: float, order: Order) -> SparseKeys:
    """Few keys of a clip, in the rotation modes of the character's bones."""
    if order.euler is None:
        return fit_keys(clip, tolerance, order.first_frame, loops=order.loop)
    axes = order.euler.outer, order.euler.inner
    return fit_keys(clip, tolerance, order.first_frame, rotation_mode=order.euler.modes, axes=axes, loops=order.loop)


def _written_part(clip: Clip, order: Order) -> Clip:
    """The clip at the scene's frame rate, as much of it as the order wants written."""
    seam, landing = order.seam, order.landing
    clip = resample(clip, order.fps, begin=0 if seam is None else seam.frame)
    if order.scene_frames is not None:
        clip = replace(clip, translation=clip.translation[: order.scene_frames],
                       rotations=clip.rotations[: order.scene_frames])  # fmt: skip
    if seam is not None:
        clip = begin_in_pose(clip, seam.translation, seam.turns)
    if landing is not None:
        translation, turns = landing.translation, landing.turns.copy()
        if translation is None:
            translation, turns[0] = clip.translation[-1], clip.rotations[-1, 0]
        clip = end_in_pose(clip, translation, turns)
    return clip


def _carried(clip: Clip, order: Order) -> tuple[Clip, Carrier | None]:
    """The clip with its travel where the order wants it, and the way of the armature object or bone that carries it."""
    if order.travel is Travel.HIPS:
        return clip, None
    split = split_travel(clip, order.loop)
    return split.clip, None if order.travel is Travel.IN_PLACE else Carrier(split.ground, split.heading)


def _on_ground(motion: Motion, order: Order) -> Motion:
    """The motion set onto the ground, still in its own frame."""
    assert order.ground is not None
    placement = order.placement
    floor = np.array([0.0, placement.origin[1], 0.0])
    placed = stand_on(place_joints(motion.joints, placement) - floor, motion.contacts, order.ground)
    joints = unplace_joints(placed + floor, placement).astype(np.float32)
    return replace(motion, joints=joints)


def _on_skeleton(motion: Motion, order: Order) -> Clip:
    """The motion on the character's bones. On a path the pelvis keeps to it, whatever the length of the legs."""
    clip = retarget(motion, order.skeleton)
    if order.path_xz is None:
        return clip
    translation = np.array(clip.translation)
    translation[:, [0, 2]] = motion.joints[:, 0][:, [0, 2]]
    return replace(clip, translation=translation)
