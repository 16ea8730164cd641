"""A clip as SMPL parameters for a body, and parameters as a shot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InvalidRequest
from ..motion.motion import Clip
from ..motion.resampling import resample
from ..motion.retarget import forward_kinematics
from ..motion.skeleton import JOINT_COUNT, SMPL
from ..smpl.body_model import KINDS, BodyKind, BodyModel
from ..smpl.body_model_file import read_body_model
from ..smpl.body_parameters import (
    LAYOUTS,
    BodyMotion,
    BodyParameters,
    body_motion,
    in_own_metres,
    parameters_of,
    resampled,
    rest_joints,
    skeleton_of,
    with_proportions,
)
from ..smpl.parameter_file import write_parameters
from .motion_files import Shot, check_fps


def body_for(layout: str, model_file: Path | None) -> BodyModel | None:
    """Check a layout by its name in options, and read the body model that will perform the motion, if one is given.

    Raises:
        InvalidRequest: There is no such layout, or the file is no body model of it.
    """
    if layout not in LAYOUTS:
        raise InvalidRequest(f"There is no layout {layout!r}: choose {', '.join(LAYOUTS)}.")
    if model_file is None:
        return None
    model = read_body_model(model_file)
    if model.kind is not LAYOUTS[layout]:
        wanted = LAYOUTS[layout].name
        raise InvalidRequest(f"{model_file.name} is a body model of {model.kind.name}, not of {wanted}.")
    return model


def save_parameters(
    motion: BodyMotion, file: Path, layout: str, model: BodyModel | None = None, prompt: str = "", up: str = "Z"
) -> BodyParameters:
    """Write a motion as SMPL parameters.

    Args:
        motion: The motion, engine axes, in the world.
        file: The .npz file.
        layout: A name in `LAYOUTS`.
        model: The body model that will perform the motion: its proportions and its pelvis are used; None: those of the
            motion's own skeleton, with the pelvis at the origin of the model.
        prompt: The prompt, or empty.
        up: The axis of the file that points up.

    Returns:
        What was written.

    Raises:
        MotionLCMError: The file cannot be written.
    """
    pelvis = None
    if model is not None:
        rest = rest_joints(model)
        motion = BodyMotion(with_proportions(motion.clip, skeleton_of(rest)), motion.extra)
        pelvis = rest[0]
    parameters = parameters_of(motion, LAYOUTS[layout], pelvis, up, prompt=prompt)
    write_parameters(parameters, file)
    return parameters


def in_layout(parameters: BodyParameters, layout: str, fps: float | None = None) -> BodyParameters:
    """The same motion of the same body in another layout, Z up. Joints that the layout lacks are left out.

    Args:
        parameters: The motion.
        layout: A name in `LAYOUTS`.
        fps: Frame rate of the result; None: as it is.

    Raises:
        InvalidRequest: The layout or the frame rate is not possible.
    """
    body_for(layout, None)
    if fps is not None:
        check_fps(fps)
    kind, rest = LAYOUTS[layout], parameters.rest
    motion = resampled(body_motion(parameters, on_floor=False), parameters.fps if fps is None else fps)
    betas = parameters.betas if same_shapes(kind, parameters.kind) else None
    pelvis = None if rest is None else rest[0]
    result = parameters_of(motion, kind, pelvis, "Z", betas, parameters.gender, parameters.prompt)
    return result if rest is not None else replace(result, rest=None)


def same_shapes(kind: BodyKind, other: BodyKind) -> bool:
    """Whether shape parameters of one kind are those of the other: SMPL-H has those of SMPL, SMPL-X its own."""
    return (kind is KINDS[55]) == (other is KINDS[55])


def shot_of_parameters(parameters: BodyParameters, fps: float | None = None) -> Shot:
    """A shot of the engine's own skeleton from SMPL parameters, for files of other formats.

    Args:
        parameters: The motion.
        fps: Frame rate of the shot; None: that of the parameters.

    Raises:
        InvalidRequest: The frame rate is not possible.
    """
    clip = own_clip(body_motion(parameters).clip)
    if fps is not None:
        check_fps(fps)
        clip = resample(clip, fps) if fps != clip.fps else clip
    joints = forward_kinematics(clip)[:, :JOINT_COUNT].astype(np.float32)
    return Shot(joints, clip, parameters.prompt, 0)


def own_clip(clip: Clip) -> Clip:
    """The clip on the engine's own skeleton, `SMPL`."""
    return with_proportions(in_own_metres(clip)[0], SMPL)


def with_model(parameters: BodyParameters, model: BodyModel | None) -> BodyParameters:
    """Parameters whose body is known from its model file.

    Raises:
        InvalidRequest: The body model is of another kind.
    """
    if model is None:
        return parameters
    if not same_shapes(model.kind, parameters.kind):
        raise InvalidRequest(f"The motion is one of {parameters.kind.name}, the body model one of {model.kind.name}.")
    return replace(parameters, rest=rest_joints(model, parameters.betas))
