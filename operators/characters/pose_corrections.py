"""Bake Pose Corrections: the pose-dependent shapes of an SMPL body as shape keys with keyed values.

The skin of a body model is corrected by one shape for each of nine numbers of each joint's rotation (207 for SMPL, 486
for SMPL-X). Shape keys act before the armature, as these shapes do. Only shapes that move a vertex of this body in this
motion become shape keys.
"""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..armature.take_properties import BODY_RAISED, JOINT_NAMES, POSE_KEY
from ..scene import messages, scene_time
from ..scene.operator_base import MotionLCMOperator
from .add_smpl_body import LICENCE

if TYPE_CHECKING:
    from ...motionlcm_blender.smpl.body_model import BodyModel

LEFT_OUT = 1e-4
"""Metres by which all shapes that are left out together move a vertex at most."""
SAME = 1e-3
"""Metres by which a vertex of the mesh may be off that of the file."""
SLIDER = 2.0
"""Limit of the values: elements of a rotation matrix minus those of the identity are -2 to 1."""


class MOTIONLCM_OT_bake_pose_corrections(MotionLCMOperator, bpy.types.Operator):
    """Write the pose-dependent shapes of a body model file as shape keys, keyed on the frames of the visible motion"""

    bl_idname = "motionlcm.bake_pose_corrections"
    bl_label = "Bake Pose Corrections"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(
        name="File", description="Body model file that the body was made from", subtype="FILE_PATH"
    )
    filter_glob: bpy.props.StringProperty(default="*.pkl;*.npz", options={"HIDDEN"})
    what: bpy.props.EnumProperty(
        name="Frames",
        description="Frames to bake",
        items=(
            ("TAKE", "Active Action", "Bake the frames of the active Action, or the scene range without one"),
            ("SCENE", "Scene Range", "Bake the frames of the scene"),
        ),
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.prop(self, "what")
        column = self.layout.column(align=True)
        for sentence in LICENCE:
            column.label(text=sentence)

    def perform(self, context: bpy.types.Context) -> None:
        from ...motionlcm_blender.errors import InvalidRequest
        from ..armature.character_lookup import find_character

        if not self.filepath:
            raise InvalidRequest("Choose the .pkl or .npz file that the body was made from.")
        character = find_character(context)
        frames = _frames(context, character, self.what == "SCENE")
        count = bake(context, character, Path(bpy.path.abspath(self.filepath)), frames)
        messages.show_message(f"{count} pose corrections are keyed on {len(frames)} frames.")


def bake(context: bpy.types.Context, character: bpy.types.Object, file: Path, frames: np.ndarray) -> int:
    """Write the corrections of a body on frames of keys (N,); returns the number of shape keys.

    Corrections of an earlier bake are replaced. Raises InvalidRequest if the character has no body of this file;
    nothing is changed then.
    """
    from ...motionlcm_blender.errors import InvalidRequest
    from ...motionlcm_blender.motion.world_transform import engine_to_blender
    from ...motionlcm_blender.smpl.body_model import pose_features
    from ...motionlcm_blender.smpl.body_model_file import read_body_model
    from .smpl_mesh import body_of, is_shaped

    body = body_of(character) if is_shaped(character) else None
    if body is None:
        raise InvalidRequest(f'"{character.name}" has no body with a shape: add one with Add SMPL Body.')
    if body.library is not None or body.data.library is not None:
        raise InvalidRequest(f'"{body.name}" is linked from another file: make it local first.')
    model = read_body_model(file, with_corrections=True)
    _check_same(body, character, model, file.name)
    assert model.pose_directions is not None
    features = pose_features(joint_rotations(context, character, model.kind.names, model.kind.parents, frames))
    chosen = features_that_matter(features, model.pose_directions)
    _remove_earlier(body)
    keys = body.data.shape_keys
    basis = _coordinates(keys.reference_key)
    for number in chosen.tolist():
        key = body.shape_key_add(name=f"{POSE_KEY}{number}", from_mix=False)
        moved = basis + engine_to_blender(model.pose_directions[..., number].astype(np.float64))
        key.data.foreach_set("co", moved.astype(np.float32).ravel())
        key.slider_min, key.slider_max, key.value = -SLIDER, SLIDER, 0.0
    _write_curves(keys, chosen, features, frames)
    context.view_layer.update()
    return len(chosen)


def joint_rotations(
    context: bpy.types.Context,
    character: bpy.types.Object,
    names: "tuple[str, ...]",
    parents: "tuple[int, ...]",
    frames: np.ndarray,
) -> np.ndarray:
    """(N, J, 4) visible rotations of the joints of a body, local to their parents, engine axes."""
    from ...motionlcm_blender.errors import InvalidRequest
    from ...motionlcm_blender.motion import rotations as rot
    from ..armature.smpl_rig import ENGINE_TO_WORLD
    from ..armature.visible_pose import visible_poses

    missing = next((name for name in names if name not in character.data.bones), None)
    if missing is not None:
        raise InvalidRequest(f'The bone "{missing}" of "{character.name}" was removed or renamed.')
    if character.data.pose_position == "REST":
        raise InvalidRequest(f'"{character.name}" is in Rest Position: switch to Pose Position first.')
    turns = visible_poses(context, character, names, frames).turns
    axes = rot.from_matrix(ENGINE_TO_WORLD)
    world = rot.multiply(rot.multiply(rot.inverse(axes), turns), axes)
    local = world.copy()
    local[:, 1:] = rot.multiply(rot.inverse(world[:, list(parents[1:])]), world[:, 1:])
    return local


def features_that_matter(features: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Numbers of the pose features (N, F) to keep, with shapes (V, 3, F): those left out together move no vertex by
    more than `LEFT_OUT`."""
    reach = np.abs(features).max(0) * np.sqrt((directions.astype(np.float64) ** 2).sum(1).max(0))
    order = np.argsort(reach)
    dropped = order[np.cumsum(reach[order]) <= LEFT_OUT]
    return np.setdiff1d(np.arange(features.shape[1]), dropped)


def _frames(context: bpy.types.Context, character: bpy.types.Object, whole_scene: bool) -> np.ndarray:
    """Frames of keys to bake."""
    data, scene = character.animation_data, context.scene
    if not whole_scene and data is not None and data.action is not None:
        first, last = data.action.frame_range
    else:
        first, last = (frame / scene_time.stretch(scene) for frame in (scene.frame_start, scene.frame_end))
    return np.arange(np.floor(first), np.ceil(last) + 1.0)


def _check_same(body: bpy.types.Object, character: bpy.types.Object, model: "BodyModel", name: str) -> None:
    """Raises InvalidRequest if the body was made from another body model."""
    from ...motionlcm_blender.errors import InvalidRequest
    from ...motionlcm_blender.motion.world_transform import engine_to_blender
    from .smpl_mesh import raised

    expected = engine_to_blender(model.template) + [0.0, 0.0, raised(model)]
    basis = _coordinates(body.data.shape_keys.reference_key)
    same = JOINT_NAMES.read(character).split("\n") == list(model.kind.names) and basis.shape == expected.shape
    if not same or np.abs(basis - expected).max() > SAME:
        raise InvalidRequest(f'{name} is another body model than the one that "{character.name}" was made from.')
    if not BODY_RAISED.is_on(character) and character.library is None:  # a file of an earlier version
        BODY_RAISED.write(character, raised(model))


def _coordinates(key: bpy.types.ShapeKey) -> np.ndarray:
    points = np.empty(3 * len(key.data), np.float32)
    key.data.foreach_get("co", points)
    return points.reshape(-1, 3).astype(np.float64)


def _is_correction(name: str) -> bool:
    return name.startswith(POSE_KEY) and name.removeprefix(POSE_KEY).isdigit()


def _path(name: str) -> str:
    return f'key_blocks["{bpy.utils.escape_identifier(name)}"].value'


def _remove_earlier(body: bpy.types.Object) -> None:
    """Remove the shape keys of an earlier bake and their curves."""
    keys = body.data.shape_keys
    names = [key.name for key in keys.key_blocks if _is_correction(key.name)]
    paths = {_path(name) for name in names}
    holder = _holder(keys, create=False)
    for curve in [curve for curve in holder.fcurves if curve.data_path in paths] if holder is not None else ():
        holder.fcurves.remove(curve)
    for name in names:
        body.shape_key_remove(keys.key_blocks[name])


def _holder(keys: bpy.types.Key, create: bool) -> Any:
    """The owner of the curves that animate shape keys: their Action or, from Blender 4.4 on, its slot's channelbag."""
    data = keys.animation_data_create() if create else keys.animation_data
    if data is None or (data.action is None and not create):
        return None
    if data.action is None:
        data.action = bpy.data.actions.new(f"{keys.user.name} Pose Corrections")
    action = data.action
    if not hasattr(action, "slots"):
        return action
    if data.action_slot is None:
        if not create:
            return None
        data.action_slot = action.slots.new(id_type="KEY", name=keys.name)
    layer = action.layers[0] if len(action.layers) else action.layers.new("Layer")
    strip = layer.strips[0] if len(layer.strips) else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(data.action_slot, ensure=create)


def _write_curves(keys: bpy.types.Key, chosen: np.ndarray, features: np.ndarray, frames: np.ndarray) -> None:
    """One curve for each shape key, with a key on every frame; a single key where the value stays."""
    if not len(chosen):
        return
    holder = _holder(keys, create=True)
    linear = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value
    for number in chosen.tolist():
        values = features[:, number]
        count = 1 if np.ptp(values) < 1e-7 else len(values)
        curve = holder.fcurves.new(_path(f"{POSE_KEY}{number}"))
        curve.keyframe_points.add(count)
        places = np.stack([frames[:count], values[:count]], axis=1).astype(np.float32)
        curve.keyframe_points.foreach_set("co", places.ravel())
        curve.keyframe_points.foreach_set("interpolation", np.full(count, linear, np.int32))
        curve.update()


CLASSES = (MOTIONLCM_OT_bake_pose_corrections,)
