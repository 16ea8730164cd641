"""A character's visible motion as SMPL parameters, and SMPL parameters as a take of a character."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import bpy
import numpy as np

from ...motionlcm_blender.export.parameter_output import body_for, same_shapes, with_model
from ...motionlcm_blender.keyframes.fitting import fit_keys
from ...motionlcm_blender.motion import rotations as rot
from ...motionlcm_blender.motion.motion import Clip
from ...motionlcm_blender.motion.skeleton import JOINT_COUNT, SMPL
from ...motionlcm_blender.motion.world_transform import Placement, blender_to_engine, place_clip
from ...motionlcm_blender.rigs.clip_retarget import retarget_clip_to_body
from ...motionlcm_blender.smpl.body_model import KINDS, BodyKind
from ...motionlcm_blender.smpl.body_model_file import read_body_model
from ...motionlcm_blender.smpl.body_parameters import (
    LAYOUTS,
    BodyMotion,
    BodyParameters,
    body_motion,
    in_own_metres,
    in_true_metres,
    parameters_of,
    resampled,
    rest_joints,
    skeleton_of,
    with_proportions,
)
from ..armature import actions, pose_keys, smpl_rig, take_properties
from ..armature.actions import Channel
from ..armature.character_lookup import identity
from ..armature.smpl_rig import Rig
from ..characters.smpl_mesh import betas_of, body_of, is_shaped, stored_joints
from ..generation.action_recipes import key_numbers
from ..rigs import job_keys
from ..rigs.recognised import BodyRig, current_placement, read_and_note, units_per_metre
from ..rigs.visible_motion import further_channels, visible_motion
from ..scene import scene_time
from ..scene.dependencies import is_carried
from ..takes import active_take

LONGEST_FITTED = 60.0
"""Seconds of motion up to which few keys are fitted; longer motions get a key on every frame."""


@dataclass(frozen=True, eq=False)
class OwnBody:
    """The SMPL body of a character, as far as the scene stores it.

    kind: its joints. rest: (J, 3) metres, joints of the mean shape from the origin of the model, engine axes; None if
    the origin is not stored. directions: (S, J, 3) how shapes move them. betas: (S,) the present shape.
    """

    kind: BodyKind
    rest: np.ndarray | None
    directions: np.ndarray
    betas: np.ndarray
    gender: str

    def rest_of(self, betas: np.ndarray) -> np.ndarray | None:
        """(24, 3) metres: the joints of SMPL in a shape, from the origin of the model."""
        if self.rest is None:
            return None
        count = min(len(betas), len(self.directions))
        joints = self.rest + np.einsum("s,sjc->jc", betas[:count], self.directions[:count])
        if len(joints) == len(SMPL):
            return np.asarray(joints)
        return np.concatenate([joints[:JOINT_COUNT], joints[[20, 21]] + SMPL.offsets[JOINT_COUNT:]])


def own_body(character: bpy.types.Object) -> OwnBody | None:
    """The body of a character that was made of a body model file; None for others."""
    if not is_shaped(character):
        return None
    names, rest, directions = stored_joints(character)
    kind = KINDS.get(len(names))
    if kind is None:
        return None
    mesh = body_of(character)
    betas = np.zeros(len(directions)) if mesh is None else betas_of(mesh, len(directions))
    raised = take_properties.BODY_RAISED
    joints = rest - [0.0, 0.0, raised.read(character)] if raised.is_on(character) else None
    return OwnBody(
        kind,
        None if joints is None else blender_to_engine(joints),
        np.stack([blender_to_engine(each) for each in directions]),
        betas,
        take_properties.BODY_GENDER.read(character) or "neutral",
    )


def range_of(context: bpy.types.Context, character: bpy.types.Object, whole_scene: bool) -> tuple[float, float]:
    """First and last frame of keys to export: of the active Action, else of the shots, else of the scene."""
    scene, data = context.scene, character.animation_data
    if not whole_scene and data is not None and data.action is not None:
        first, last = data.action.frame_range
        return float(first), float(last)
    shots = [shot for shot in character.motionlcm.shots if shot.action is not None]
    if not whole_scene and shots:
        return float(min(shot.first for shot in shots)), float(max(shot.last for shot in shots))
    each = scene_time.stretch(scene)
    return scene.frame_start / each, scene.frame_end / each


def parameters_of_character(
    context: bpy.types.Context,
    character: bpy.types.Object,
    layout: str,
    *,
    whole_scene: bool = False,
    fps: float = 0.0,
    up: str = "Z",
    gender: str = "",
    model_file: Path | None = None,
) -> BodyParameters:
    """What a character shows, as SMPL parameters.

    layout: a name in `LAYOUTS`. fps: 0: the scene's. gender: empty: that of the character's own body, else neutral.
    model_file: the body model that will perform the motion; None: the character's own body if it is one of the layout,
    else its own proportions with the pelvis at the origin of the model.

    Raises InvalidRequest if the character cannot be read, or the model file is not one of the layout.
    """
    model = body_for(layout, model_file)
    rate = scene_time.rate_of(context.scene)
    fps = fps if fps > 0.0 else rate
    rig = read_and_note(character)
    first, last = range_of(context, character, whole_scene)
    step = rate / fps / scene_time.stretch(context.scene)
    at = first + step * np.arange(math.floor((last - first) / step + 1e-6) + 1)
    motion = visible_motion(context, character, rig, at, fps)
    kind, body = LAYOUTS[layout], own_body(character)
    action = character.animation_data.action if character.animation_data is not None else None
    prompt = take_properties.PROMPT.read(action) if action is not None else ""
    if model is not None:
        rest, betas = rest_joints(model), None
        clip = with_proportions(motion.clip, skeleton_of(rest))
    elif body is not None and body.kind is kind:
        betas = body.betas
        shaped = body.rest_of(betas)
        clip = in_true_metres(motion.clip, rig.size if isinstance(rig, Rig) else 1.0)
        rest = shaped if shaped is not None else clip.skeleton.rest
        clip = with_proportions(clip, skeleton_of(rest)) if shaped is not None else clip
    else:
        rest, betas, clip = np.zeros((1, 3)), None, motion.clip
    chosen_gender = gender or (body.gender if body is not None else "neutral")
    return parameters_of(BodyMotion(clip, motion.extra), kind, rest[0], up, betas, chosen_gender, prompt)


@dataclass(frozen=True)
class ImportedTake:
    """action: the character's new Action. frames: their number. warnings: sentences about the file."""

    action: bpy.types.Action
    frames: int
    warnings: tuple[str, ...]


def import_parameters(
    context: bpy.types.Context,
    character: bpy.types.Object,
    parameters: BodyParameters,
    source: str,
    *,
    first_frame: int,
    at_character: bool = False,
    model_file: Path | None = None,
) -> ImportedTake:
    """Write SMPL parameters as a take of a character of any rig family.

    source: name of the file. at_character: whether the motion starts where the character's rest pose stands; otherwise
    where the file has it. model_file: body model of the motion, for its true proportions; None: those in the file, of
    the character's own body, or estimated.

    Raises InvalidRequest if the character cannot perform it; nothing is changed then.
    """
    scene = context.scene
    if model_file is not None:
        parameters = with_model(parameters, read_body_model(model_file))
    elif parameters.rest is None:
        parameters = replace(parameters, rest=_own_rest(character, parameters))
    motion = resampled(body_motion(parameters), scene_time.rate_of(scene) / scene_time.stretch(scene))
    with scene_time.at_frame(scene, first_frame, is_carried(character)):
        rig = read_and_note(character)
        units = units_per_metre(character, rig)
        clip = _performed(motion.clip, rig)
        if at_character:
            clip = _placed_at(clip, current_placement(character, rig, units))
        facts = _facts(character, parameters, source) | {"first_frame": first_frame}
        if isinstance(rig, BodyRig):
            facts |= job_keys.activate_fk_controls(character, rig)
        tolerance = _tolerance(scene, clip)
        channels, numbers = _channels(character, rig, clip, units, tolerance, first_frame)
        if isinstance(rig, Rig):
            channels += further_channels(character, rig, motion)
    times = first_frame + np.arange(clip.frames, dtype=np.float64)
    facts |= numbers | {"key_tolerance": tolerance}
    action = actions.new_action(character, f"MotionLCM {Path(source).stem[:40]}", times, channels, facts)
    character.data.pose_position = "POSE"
    scene_time.make_room(scene, times[0], times[-1])
    scene_time.show_within(scene, times[0], times[-1])
    return ImportedTake(action, clip.frames, parameters.warnings)


def _tolerance(scene: bpy.types.Scene, clip: Clip) -> float:
    """Millimetres for fitted keys; 0 for a key on every frame."""
    chosen = scene.motionlcm
    short = clip.frames / clip.fps <= LONGEST_FITTED
    return float(chosen.key_tolerance) if chosen.key_mode == "FITTED" and short else 0.0


def _own_rest(character: bpy.types.Object, parameters: BodyParameters) -> np.ndarray | None:
    """The joints of the file's shape, if the character's own body has the same shape space."""
    body = own_body(character)
    if body is None or not same_shapes(body.kind, parameters.kind):
        return None
    return body.rest_of(parameters.betas)


def _performed(clip: Clip, rig: Rig | BodyRig) -> Clip:
    """The clip on the proportions of a rig. A clip of the same proportions is unchanged."""
    own, ratio = in_own_metres(clip)
    if np.abs(own.skeleton.offsets - rig.skeleton.offsets)[:JOINT_COUNT].max() > 1e-4 and ratio != 1.0:
        own, _ = in_own_metres(clip, about_start=True)
    if isinstance(rig, BodyRig):
        return retarget_clip_to_body(own, rig.body)
    return with_proportions(own, rig.skeleton)


def _placed_at(clip: Clip, place: Placement) -> Clip:
    """The clip moved so that it starts at a placement and faces its heading."""
    ahead = rot.rotate(clip.rotations[0, 0], np.array([0.0, 0.0, 1.0]))
    heading = float(np.arctan2(ahead[0], ahead[2]))
    start = clip.translation[0] * [1.0, 0.0, 1.0]
    centred = replace(clip, translation=clip.translation - start)
    return place_clip(centred, Placement(place.origin, place.heading - heading))


def _channels(
    character: bpy.types.Object, rig: Rig | BodyRig, clip: Clip, units: float, tolerance: float, first_frame: int
) -> tuple[list[Channel], dict[str, object]]:
    """The channels of a clip in the world, and the numbers of its keys."""
    if isinstance(rig, BodyRig):
        few = job_keys.fitted(clip, rig, tolerance, first_frame, units, False) if tolerance else None
        times = first_frame + np.arange(clip.frames, dtype=np.float64)
        return job_keys.channels_of_body(character, rig, clip, units, few, None, times), key_numbers(few)
    pose = smpl_rig.pose_channels(clip, character, rig, units)
    if not tolerance:
        return actions.channels_of(character, pose), key_numbers(None)
    euler = pose_keys.euler_bones(character, rig, units)
    if euler is None:
        keys = fit_keys(clip, tolerance, first_frame)
    else:
        axes = euler.outer, euler.inner
        keys = fit_keys(clip, tolerance, first_frame, rotation_mode=euler.modes, axes=axes)
    location, turned, played = pose_keys.pose_keys(keys, character, rig, units, euler)
    pose = replace(pose, rotations=pose.rotations | played)
    return actions.channels_of(character, pose, (location, turned)), key_numbers(keys)


def _facts(character: bpy.types.Object, parameters: BodyParameters, source: str) -> dict[str, object]:
    """What is stored on the Action. It joins the list of takes of the active Action, if there is one outside shots."""
    stored = take_properties
    present = active_take.present_take(character)
    beside = present is not None and not stored.SHOT.is_on(present)
    return {
        stored.PROMPT.name: parameters.prompt or Path(source).stem,
        stored.IMPORTED.name: source,
        stored.MADE.name: datetime.now(UTC).isoformat(timespec="milliseconds"),
        stored.CHARACTER.name: identity(character),
        stored.BATCH.name: stored.BATCH.read(present) if present is not None and beside else uuid4().hex[:12],
    }
