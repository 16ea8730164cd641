"""From a job input to a finished motion, in a worker thread. This module never uses bpy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...motionlcm_blender.errors import Cancelled
from ...motionlcm_blender.export.clip_output import EndPose, StartPose, on_ground, on_skeleton, written_part
from ...motionlcm_blender.generation.generated_motion import GeneratedMotion
from ...motionlcm_blender.generation.request import Request
from ...motionlcm_blender.keyframes.fitting import fit_keys
from ...motionlcm_blender.keyframes.keys import SparseKeys
from ...motionlcm_blender.motion.loops import Travel, looped, split_travel
from ...motionlcm_blender.motion.motion import Clip
from ...motionlcm_blender.motion.resampling import resample
from ...motionlcm_blender.motion.skeleton import Skeleton
from ...motionlcm_blender.motion.world_transform import Placement, place_clip
from ...motionlcm_blender.postprocess.foot_lock import FootLock
from ...motionlcm_blender.postprocess.loop_feet import hold_loop_feet
from ...motionlcm_blender.postprocess.terrain import Ground
from ...motionlcm_blender.rigs.bone_keys import BoneKeys
from ..armature.root_motion import RootMotion
from ..rigs import job_keys
from ..rigs.recognised import BodyRig
from ..scene.handles import Handle
from . import model_choice, model_library, model_session

if TYPE_CHECKING:
    from ..armature.pose_keys import EulerBones

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class GenerationJobInput:
    """The input of one generation, as plain values.

    skeleton: of the character. placement: of the motion in the world, engine axes, metres of the character.
    fps, first_frame: of the scene. path_xz: (frames, 2) the path in the world, or None.
    units_per_metre: scene units per metre of the character, at the time of the request.
    seconds: the requested length. ground: heights above the motion's floor, by places in the world.
    rest_placement: place of the armature object, engine axes, metres of the character. travel: the target of the root
        motion.
    loop: whether the motion must repeat. key_tolerance: millimetres; None: a key on every frame.
    euler: the bones in Euler modes. seam: continuation of an earlier motion. landing: the end pose.
    scene_frames: largest number of frames to write. shot: identity of the target shot, or empty.
    expected_model: hash of the model that generated the motion before, for a repeated generation.
    body: the armature, if it is recognised by other things than SMPL's bone names.
    """

    request: Request
    skeleton: Skeleton
    placement: Placement
    fps: float
    first_frame: int
    character: Handle
    scene: Handle
    choice: model_choice.Choice
    units_per_metre: float
    path_name: str = ""
    path_xz: np.ndarray | None = None
    seconds: float = 0.0
    ground: Ground | None = None
    ground_name: str = ""
    rest_placement: Placement | None = None
    travel: Travel = Travel.HIPS
    loop: bool = False
    key_tolerance: float | None = None
    euler: EulerBones | None = None
    seam: StartPose | None = None
    landing: EndPose | None = None
    scene_frames: int | None = None
    shot: str = ""
    expected_model: str = ""
    body: BodyRig | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class GenerationOutput:
    """The output of a job. clip: placed in the world, at the scene's frame rate. report: measurements.

    root_motion: of the armature object or root bone, if either carries it. A clip without root motion in the hips is
    over the origin and faces +Z, relative to the object's place. keys: sparse keys of the clip, in its axes. request:
    of this take alone. others: the other takes of the job.
    """

    clip: Clip
    request: Request
    report: dict[str, float]
    model_name: str
    model_hash: str
    licence: str
    attribution: str
    warnings: tuple[str, ...] = ()
    root_motion: RootMotion | None = None
    keys: SparseKeys | BoneKeys | None = None
    others: tuple[GenerationOutput, ...] = ()


def make(
    order: GenerationJobInput, progress: Callable[[float, str], None], cancel: Callable[[], bool]
) -> GenerationOutput:
    """Run the model and convert the result for the armature.

    progress: called with 0..1 and the name of a stage. cancel: called between steps. Raises Cancelled and the other
    errors of the engine.
    """
    progress(0.0, "Waiting")
    with _one_at_a_time:
        started = time.perf_counter()
        if cancel():
            raise Cancelled
        progress(0.02, "Loading the model")
        model, motions, warnings = model_session.get().generate(
            order.choice, order.request, lambda fraction, what: progress(0.05 + 0.75 * fraction, what), cancel
        )
        encode = partial(model_session.get().sentence_vector, model)
        model_library.note_answer(order.choice, order.request.prompt, encode)
        folder = model.folder
        config = folder.config if folder is not None else {}
        of_model = (
            model.name,
            folder.fingerprint if folder is not None else "",
            str(config.get("licence", "")),
            str(config.get("attribution", "")),
        )
        if order.expected_model and of_model[1] and order.expected_model != of_model[1]:
            warnings += (f"Another model generated this motion before; {model.name} gives another motion.",)
        results = []
        for number, motion in enumerate(motions):
            if cancel():
                raise Cancelled
            fraction = number / len(motions)
            progress(0.82 + 0.16 * fraction, "Retargeting and fitting keys")
            results.append(_finished(motion, order, of_model, started))
        if cancel():
            raise Cancelled
        progress(0.98, "Writing keys")
        return replace(results[0], others=tuple(results[1:]), warnings=results[0].warnings + warnings)


def _finished(
    motion: GeneratedMotion, order: GenerationJobInput, of_model: tuple[str, str, str, str], started: float
) -> GenerationOutput:
    """One take as keys of the character. of_model: name, hash, licence and attribution."""
    walked = motion if order.ground is None else on_ground(motion, order.placement, order.ground)
    request = motion.request if motion.request is not None else order.request
    on_path = order.path_xz is not None
    if order.body is None:
        clip = on_skeleton(walked, order.skeleton, on_path)
    else:
        clip = job_keys.retargeted(walked, order.body, request, on_path, order.ground is None)
    clip = place_clip(clip, order.placement)
    report = dict(motion.report)
    if order.path_xz is not None:
        miss = np.linalg.norm(clip.translation[:, [0, 2]] - order.path_xz, axis=-1)
        report |= {"path_mean_cm": 100.0 * float(miss.mean()), "path_max_cm": 100.0 * float(miss.max())}
    sampled = resample if order.body is None else job_keys.sampling_on_feet(walked, request, order.ground is None)
    clip = written_part(clip, order.fps, order.seam, order.scene_frames, order.landing, sampled)
    if order.loop:
        clip = looped(clip)
        if order.ground is None and order.request.feet is not FootLock.OFF:
            clip = hold_loop_feet(clip)
    clip, root_motion = _carried(clip, order)
    keys = None if order.key_tolerance is None else fitted_keys(clip, order.key_tolerance, order)
    report["seconds"] = time.perf_counter() - started
    return GenerationOutput(clip, request, report, *of_model, motion.warnings, root_motion, keys)


def fitted_keys(clip: Clip, tolerance: float, order: GenerationJobInput) -> SparseKeys | BoneKeys | None:
    """Sparse keys of a clip, in the rotation modes of the character's bones; None if they need a key on every frame."""
    if order.body is not None:
        here = job_keys.placed(clip, order.body, order.travel is not Travel.HIPS)
        return job_keys.fitted(here, order.body, tolerance, order.first_frame, order.units_per_metre, order.loop)
    if order.euler is None:
        return fit_keys(clip, tolerance, order.first_frame, loops=order.loop)
    axes = order.euler.outer, order.euler.inner
    return fit_keys(clip, tolerance, order.first_frame, rotation_mode=order.euler.modes, axes=axes, loops=order.loop)


def _carried(clip: Clip, order: GenerationJobInput) -> tuple[Clip, RootMotion | None]:
    """The clip with its root motion in the target of the job input, and the root motion of the armature object or root
    bone."""
    if order.travel is Travel.HIPS:
        return clip, None
    split = split_travel(clip, order.loop)
    return split.clip, None if order.travel is Travel.IN_PLACE else RootMotion(split.ground, split.heading)
