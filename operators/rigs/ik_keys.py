"""Key IK Controls: the motion of a control rig on its IK controls instead of the FK controls of its limbs.

The rig is evaluated: first with its FK controls, then with IK, where each control gets the place that it needs under
its parent as that is evaluated. The result is measured on the deforming bones.
"""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy

from ..armature import take_properties
from ..scene import messages
from ..scene.evaluation import evaluated_depsgraph
from ..scene.operator_base import MotionLCMOperator

if TYPE_CHECKING:
    import numpy as np

    from ...motionlcm_blender.rigs.description import IkLimb
    from .recognised import BodyRig

MOST_FRAMES = 5000
"""Largest number of frames that are evaluated."""
SAMPLED = 12
"""Frames on which the place of elbows and knees is compared with the wanted one."""
JOINTS_ABOVE = {"wrist": ("shoulder", "elbow"), "ankle": ("hip", "knee")}
"""The joint at the end of a limb -> the two joints above it."""


@dataclass(frozen=True, eq=False)
class IkResult:
    """action: the new Action. mean_mm, most_mm: distances of the deforming bones from the motion with FK controls,
    millimetres of the body. keys: number of keys of the IK controls; dense: with a key on every frame."""

    action: bpy.types.Action
    mean_mm: float
    most_mm: float
    keys: int
    dense: int


def _stepped(context: bpy.types.Context, frames: range) -> Iterator[bpy.types.Depsgraph]:
    for frame in frames:
        context.scene.frame_set(frame)
        yield evaluated_depsgraph(context)


def _poses(context: bpy.types.Context, obj: bpy.types.Object, frames: range, names: list[str]) -> "np.ndarray":
    """(T, B, 4, 4) poses of bones in armature space."""
    import numpy as np

    found = []
    for depsgraph in _stepped(context, frames):
        bones = obj.evaluated_get(depsgraph).pose.bones
        found.append(np.array([bones[name].matrix for name in names], np.float64))  # the next frame changes a matrix
    return np.array(found)


def _locals(
    context: bpy.types.Context, obj: bpy.types.Object, frames: range, wanted: "dict[str, np.ndarray]"
) -> "dict[str, tuple[np.ndarray, np.ndarray]]":
    """Control -> locations (T, 3) and quaternions (T, 4) with which it has its wanted poses (T, 4, 4)."""
    import numpy as np
    from mathutils import Matrix

    from ...motionlcm_blender.motion.rotations import continuous

    places: dict[str, list] = {name: [] for name in wanted}
    turns: dict[str, list] = {name: [] for name in wanted}
    for number, depsgraph in enumerate(_stepped(context, frames)):
        shown = obj.evaluated_get(depsgraph)
        for name, poses in wanted.items():
            bone = shown.pose.bones[name]
            local = shown.convert_space(
                pose_bone=bone, matrix=Matrix(poses[number]), from_space="POSE", to_space="LOCAL"
            )
            place, turn, _ = local.decompose()
            places[name].append(place)
            turns[name].append(turn)
    return {
        name: (np.array(places[name], np.float64), continuous(np.array(turns[name], np.float64))) for name in wanted
    }


def key_ik_controls(context: bpy.types.Context, obj: bpy.types.Object, tolerance: float) -> IkResult:
    """Write the active Action of a control rig anew with keys of its IK controls.

    tolerance: millimetres of the body; 0: a key on every frame. Raises InvalidRequest if the rig has no known IK
    controls, or the Action is none of ours with FK controls.
    """
    from ...motionlcm_blender.rigs.pose_reading import showing_body
    from ..armature.actions import assign

    rig, action = _checked(obj)
    first, last = (round(frame) for frame in action.frame_range)
    frames, before = range(first, last + 1), context.scene.frame_current
    names = [rig.body.description.bones[each.bone].name for each in showing_body(rig.body).bones]
    new = action.copy()
    try:
        wanted, limbs = _wanted_poses(context, obj, rig, frames)
        shown = _poses(context, obj, frames, names)
        _without_limbs(new, obj, {name for limb in limbs for name in limb.bones if name not in limb.limb.kept})
        assign(obj, new)
        _switch(obj, rig, new)
        ends = {limb.control: wanted[limb.control] for limb in rig.body.mapping.ik}
        units = rig.body.alignment.size
        done = _placed(context, obj, new, frames, ends, units)
        rest = {name: poses for name, poses in wanted.items() if name not in ends}
        done |= _placed(context, obj, new, frames, rest, units)
        corrected = _corrected_poles(context, obj, rig, frames, limbs, wanted)
        done |= _placed(context, obj, new, frames, corrected, units)
        feet = {limb.control for limb in rig.body.mapping.ik if limb.end.endswith("ankle")}
        keys = _write(new, obj, frames, done, units, tolerance, feet)
        off = _poses(context, obj, frames, names)[..., :3, 3] - shown[..., :3, 3]
    except BaseException:
        assign(obj, action)
        bpy.data.actions.remove(new)
        raise
    finally:
        context.scene.frame_set(before)
    import numpy as np

    far = 1000.0 * np.linalg.norm(off, axis=-1) / units
    return IkResult(new, float(far.mean()), float(far.max()), keys, 2 * len(frames) * len(done))


def _placed(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    action: bpy.types.Action,
    frames: range,
    wanted: "dict[str, np.ndarray]",
    units: float,
) -> "dict[str, tuple[np.ndarray, np.ndarray]]":
    """As `_locals`, written into an Action with a key on every frame.

    Where a constraint carries a control, such as one that chooses its parent, the control is not where its channels put
    it. Its channels are then found anew, for the pose that the constraint carries to the wanted one.
    """
    import numpy as np

    if not wanted:
        return {}
    done = _locals(context, obj, frames, wanted)
    _write(action, obj, frames, done, units, 0.0)
    constrained = [name for name in wanted if any(not one.mute for one in obj.pose.bones[name].constraints)]
    if not constrained:
        return done
    shown = dict(zip(constrained, np.swapaxes(_poses(context, obj, frames, constrained), 0, 1), strict=True))
    carried = {name: wanted[name] @ np.linalg.inv(shown[name]) @ wanted[name] for name in constrained}
    done |= _locals(context, obj, frames, carried)
    _write(action, obj, frames, done, units, 0.0)
    return done


def _checked(obj: bpy.types.Object) -> "tuple[BodyRig, bpy.types.Action]":
    from ...motionlcm_blender.errors import InvalidRequest
    from .recognised import BodyRig, read_character

    rig = read_character(obj)
    if not isinstance(rig, BodyRig) or not rig.body.mapping.ik:
        raise InvalidRequest(f'The IK controls of "{obj.name}" are not known: its FK controls have the keys.')
    action = obj.animation_data.action if obj.animation_data is not None else None
    if action is None or not take_properties.SWITCHED.is_on(action):
        raise InvalidRequest(f'"{obj.name}" has no active Action with a generated motion: generate one first.')
    if take_properties.IK_CONTROLS.read(action):
        raise InvalidRequest(f'The Action "{action.name}" has keys of the IK controls already.')
    if action.frame_range[1] - action.frame_range[0] >= MOST_FRAMES:
        raise InvalidRequest(f"A motion of more than {MOST_FRAMES} frames cannot be evaluated at once.")
    return rig, action


@dataclass(frozen=True, eq=False)
class PosedLimb:
    """A limb as its FK controls hold it.

    bones: the FK controls: upper, lower, end and toes ("" for none). places: (T, 3) of the first three, armature space.
    length: of the straight limb.
    """

    limb: "IkLimb"
    bones: tuple[str, str, str, str]
    places: "tuple[np.ndarray, np.ndarray, np.ndarray]"
    length: float


def _wanted_poses(
    context: bpy.types.Context, obj: bpy.types.Object, rig: "BodyRig", frames: range
) -> "tuple[dict[str, np.ndarray], list[PosedLimb]]":
    """(T, 4, 4) pose of each IK control with which it holds the limb as the FK controls do now, and the limbs."""
    import numpy as np

    from ...motionlcm_blender.rigs.bone_channels import rotation_of
    from ...motionlcm_blender.rigs.ik_controls import RestLimb, pole_places

    joints, bones = rig.body.mapping.joints, obj.data.bones
    limbs = [(limb, _limb_bones(limb, joints)) for limb in rig.body.mapping.ik]
    names = list(dict.fromkeys(name for _, parts in limbs for name in parts if name))
    poses = dict(zip(names, np.swapaxes(_poses(context, obj, frames, names), 0, 1), strict=True))
    rests = {name: np.array(bones[name].matrix_local, np.float64) for name in names}
    wanted, posed = {}, []
    for limb, (root, middle, end, toe) in limbs:
        held = {limb.control: end} | ({limb.toe: toe} if limb.toe and toe else {})
        for control, fk in held.items():
            wanted[control] = poses[fk] @ np.linalg.inv(rests[fk]) @ np.array(bones[control].matrix_local, np.float64)
        if limb.aim:  # an IK constraint brings the end of the bone to its target
            aimed = np.array(bones[limb.aim].matrix_local, np.float64)
            aimed[:3, 3] = bones[end].tail_local
            wanted[limb.aim] = poses[end] @ np.linalg.inv(rests[end]) @ aimed
        places = (poses[root][:, :3, 3], poses[middle][:, :3, 3], poses[end][:, :3, 3])
        straight = sum(np.linalg.norm(rests[b][:3, 3] - rests[a][:3, 3]) for a, b in ((root, middle), (middle, end)))
        posed.append(PosedLimb(limb, (root, middle, end, toe), places, float(straight)))
        if not limb.pole:
            continue
        turned = poses[root] @ np.linalg.inv(rests[root])
        turns = np.array([rotation_of(matrix[:3, :3]) for matrix in turned])
        pole = np.array(bones[limb.pole].matrix_local, np.float64)
        rest = RestLimb(rests[root][:3, 3], rests[middle][:3, 3], rests[end][:3, 3], pole[:3, 3])
        wanted[limb.pole] = np.tile(pole, (len(frames), 1, 1))
        wanted[limb.pole][:, :3, 3] = pole_places(*places, turns, rest)
    return wanted, posed


def _corrected_poles(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    rig: "BodyRig",
    frames: range,
    limbs: list[PosedLimb],
    wanted: "dict[str, np.ndarray]",
) -> "dict[str, np.ndarray]":
    """Poses of the poles of limbs that the rig turns beside them, by a look at some frames."""
    from ...motionlcm_blender.motion.skeleton import JOINTS
    from ...motionlcm_blender.rigs.ik_controls import pole_correction, turned_poles
    from ...motionlcm_blender.rigs.pose_reading import showing_body

    shown = {JOINTS[each.joint]: rig.body.description.bones[each.bone].name for each in showing_body(rig.body).bones}
    sampled = frames[:: max(1, len(frames) // SAMPLED)]
    found: dict[str, np.ndarray] = {}
    limbs = [one for one in limbs if one.limb.pole]
    if not limbs:
        return found
    middles = [one.limb.end[:2] + JOINTS_ABOVE[one.limb.end[2:]][1] for one in limbs]
    places = _poses(context, obj, sampled, [shown[joint] for joint in middles])[..., :3, 3]
    for number, one in enumerate(limbs):
        at = [frame - frames[0] for frame in sampled]
        roots, middle, ends = one.places
        angle = pole_correction(roots[at], ends[at], middle[at], places[:, number], one.length)
        if abs(angle) > 1e-3:
            poses = wanted[one.limb.pole].copy()
            poses[:, :3, 3] = turned_poles(roots, ends, poses[:, :3, 3], angle)
            found[one.limb.pole] = poses
    return found


def _limb_bones(limb: "IkLimb", joints: Mapping[str, tuple[str, ...]]) -> tuple[str, str, str, str]:
    """The FK controls of a limb: upper, lower, end and toes ("" for none)."""
    side, end = limb.end[:2], limb.end[2:]
    root, middle = (joints[side + name][0] for name in JOINTS_ABOVE[end])
    toes = joints[f"{side}foot"] if limb.toe else ()
    return root, middle, joints[limb.end][0], toes[0] if toes else ""


def _without_limbs(action: bpy.types.Action, obj: bpy.types.Object, hidden: set[str]) -> None:
    """Remove the keys of FK controls and of switches from an Action."""
    from ..armature.actions import bone_path, holder_of
    from .recognised import stored_switches

    holder = holder_of(action, obj)
    if holder is None:
        return
    gone = tuple(bone_path(name) for name in hidden)
    switches = set(stored_switches(obj))
    for curve in list(holder.fcurves):
        if curve.data_path.startswith(gone) or curve.data_path in switches:
            holder.fcurves.remove(curve)


def _switch(obj: bpy.types.Object, rig: "BodyRig", action: bpy.types.Action) -> None:
    """Set and key the switches of the IK controls; those from before the first motion are remembered."""
    import numpy as np

    from ..armature.actions import add_channels
    from .recognised import stored_switches
    from .switches import set_switches, switch_channels

    known = stored_switches(obj)
    report = set_switches(obj, rig.body.mapping.ik_switches)
    report = known | {path: (known.get(path, each)[0], each[1]) for path, each in report.items()}
    text = json.dumps(report)
    take_properties.SWITCHES.write(obj, text)
    take_properties.SWITCHED.write(action, text)
    take_properties.IK_CONTROLS.write(action, True)
    add_channels(action, obj, np.array([action.frame_range[0]]), switch_channels(report))


def _write(
    action: bpy.types.Action,
    obj: bpy.types.Object,
    frames: range,
    done: "dict[str, tuple[np.ndarray, np.ndarray]]",
    units: float,
    tolerance: float,
    feet: set[str] = frozenset(),  # type: ignore[assignment]
) -> int:
    """Write the channels of controls into an Action; returns the number of keys.

    tolerance: millimetres of the body, half of it for `feet`; 0: a key on every frame.
    """
    import numpy as np

    from ...motionlcm_blender.rigs.ik_controls import fit_control
    from ..armature.actions import Channel, add_channels, bone_path, rotation_channel
    from ..scene.scene_time import rate_of

    channels: list[Channel] = []
    count, fps = 0, rate_of(bpy.context.scene)
    for name, (places, turns) in done.items():
        mode, prefix = obj.pose.bones[name].rotation_mode, bone_path(name)
        location = rotation = None
        if tolerance > 0.0:
            within = tolerance * (0.5 if name in feet else 1.0)
            location, rotation = fit_control(places, turns, units, within, frames[0], mode, fps)
        channels.append(Channel(prefix + "location", places, name, location))
        channels.append(rotation_channel(prefix, turns, mode, name, rotation))
        count += (location.count if location else len(frames)) + (rotation.count if rotation else len(frames))
    add_channels(action, obj, np.array(frames, np.float64), channels)
    return count


class MOTIONLCM_OT_key_ik_controls(MotionLCMOperator, bpy.types.Operator):
    """Write the active motion anew with keys of the IK controls of hands and feet and of their poles, as a new Action. The switches of the rig are set to IK"""  # noqa: E501  a tooltip

    bl_idname = "motionlcm.key_ik_controls"
    bl_label = "Key IK Controls"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        character = context.scene.motionlcm.character
        return character is not None and take_properties.RIG_IK.read(character)

    def perform(self, context: bpy.types.Context) -> None:
        from ..armature.character_lookup import find_character

        chosen = context.scene.motionlcm
        character = find_character(context)
        made = key_ik_controls(context, character, chosen.key_tolerance if chosen.key_mode == "FITTED" else 0.0)
        share = 100.0 * made.keys / made.dense
        messages.show_message(
            f"IK controls have {share:.0f} % of a key on every frame. The deforming bones are {made.mean_mm:.1f} mm "
            f"off the motion on average, {made.most_mm:.0f} mm at most."
        )


CLASSES = (MOTIONLCM_OT_key_ik_controls,)
