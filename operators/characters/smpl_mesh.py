"""A body model as an armature and a mesh: bones at its joints, its weights as vertex groups, its shapes as shape keys.

Built in armature space: metres, Z up, facing -Y, the body's lowest vertex on z = 0.
"""

from __future__ import annotations

import bpy
import numpy as np

from ...motionlcm_blender.errors import InvalidRequest
from ...motionlcm_blender.motion.world_transform import engine_to_blender
from ...motionlcm_blender.smpl.body_model import BodyModel, joint_directions, joint_positions
from ..armature.take_properties import BODY_RAISED, JOINT_DIRECTIONS, JOINT_NAMES, JOINTS, SHAPE_KEY
from ..scene.linking import put_into_scene, scene_units_per_metre, show_in_local_view

FARTHEST = 5.0
"""Limit of the shape sliders, -5 to 5. The unit is a standard deviation of the measured people."""
LEAST_WEIGHT = 1e-6
NEXT = {"pelvis": "spine1", "spine3": "neck", "l_wrist": "left_middle1", "r_wrist": "right_middle1"}
"""The joint that a bone with several children points at."""
HEAD_TAIL, LEAF = (0.0, 0.0, 0.18), 0.6
"""Length of the head bone in metres; length of other leaf bones as a fraction of their parent's length."""
SHORTEST = 0.01
"""Metres. Blender removes bones without length."""


def build_body(context: bpy.types.Context, model: BodyModel, name: str) -> bpy.types.Object:
    """Create the armature and the mesh at the 3D cursor, select the armature and return it.

    On an error all created objects are removed, and the error is raised.
    """
    vertices = engine_to_blender(model.template)
    up = np.array([0.0, 0.0, raised(model)])
    vertices = vertices + up
    joints = engine_to_blender(joint_positions(model, model.template)) + up
    directions = np.stack([engine_to_blender(d) for d in np.moveaxis(joint_directions(model), 2, 0)])
    made: list[bpy.types.ID] = []
    try:
        data = bpy.data.armatures.new(name)
        made.append(data)
        armature = bpy.data.objects.new(name, data)
        made.append(armature)
        collection = put_into_scene(context, armature)
        _add_bones(armature, model, joints)
        JOINT_NAMES.write(armature, "\n".join(model.kind.names))
        JOINTS.write(armature, tuple(joints.ravel().tolist()))
        JOINT_DIRECTIONS.write(armature, tuple(directions.ravel().tolist()))
        BODY_RAISED.write(armature, float(up[2]))

        mesh = bpy.data.meshes.new(f"{name} Mesh")
        made.append(mesh)
        body = bpy.data.objects.new(f"{name} Mesh", mesh)
        made.append(body)
        collection.objects.link(body)
        show_in_local_view(context, body)
        _fill_mesh(body, model, vertices)
        body.parent = armature
        body.motionlcm.armature = armature
        body.modifiers.new("Armature", "ARMATURE").object = armature

        armature.location = context.scene.cursor.location
        armature.scale = (scene_units_per_metre(context.scene),) * 3
        context.view_layer.update()
    except Exception:
        if context.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        bpy.data.batch_remove(made)
        raise
    return armature


def raised(model: BodyModel) -> float:
    """Metres by which a body is above the origin of its model, so that its lowest vertex is at height 0."""
    return -float(model.template[:, 1].min())


def is_shaped(armature: bpy.types.Object | None) -> bool:
    """Whether the armature stores how its shapes move its joints."""
    return armature is not None and armature.type == "ARMATURE" and JOINT_DIRECTIONS.is_on(armature)


def fit_joints(context: bpy.types.Context, armature: bpy.types.Object) -> None:
    """Move the bones to the joints of the current shape. Bones keep their directions, so Actions stay valid.

    Raises InvalidRequest if the armature has no body with a shape, or cannot be edited.
    """
    if not is_shaped(armature):
        raise InvalidRequest(f'"{armature.name}" has no body with a shape: add one with Add SMPL Body.')
    body = body_of(armature)
    if body is None:
        raise InvalidRequest(f'The body of "{armature.name}" was deleted, so its shape is unknown.')
    if armature.library is not None or armature.data.library is not None:
        raise InvalidRequest(f'"{armature.name}" is linked from another file: make a library override of it first.')
    if not armature.visible_get(view_layer=context.view_layer):
        raise InvalidRequest(f'"{armature.name}" is hidden: show it first.')
    names, rest, directions = stored_joints(armature)
    heads = rest + np.einsum("s,sjc->jc", betas_of(body, len(directions)), directions)

    layer = context.view_layer
    before, mode = layer.objects.active, context.mode
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        mirrored, armature.data.use_mirror_x = armature.data.use_mirror_x, False
        for name, head in zip(names, heads, strict=True):
            bone = armature.data.edit_bones.get(name)
            if bone is not None:
                along = bone.tail - bone.head
                bone.head = head
                bone.tail = bone.head + along
        armature.data.use_mirror_x = mirrored
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
        layer.objects.active = before
        if mode == "POSE" and before is not None and before.type == "ARMATURE":
            bpy.ops.object.mode_set(mode="POSE")
    layer.update()


def stored_joints(armature: bpy.types.Object) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of the joints of a body, their places (J, 3) in the mean shape, and how its shapes move them (S, J, 3).

    Armature space."""
    names = JOINT_NAMES.read(armature).split("\n")
    rest = np.array(JOINTS.read(armature), np.float64).reshape(len(names), 3)
    return names, rest, np.array(JOINT_DIRECTIONS.read(armature), np.float64).reshape(-1, len(names), 3)


def body_of(armature: bpy.types.Object) -> bpy.types.Object | None:
    """The mesh with shape keys that was created with the armature, whatever its present parent is."""
    for obj in (*armature.children, *bpy.data.objects):
        if obj.type == "MESH" and obj.motionlcm.armature == armature and obj.data.shape_keys is not None:
            return obj
    return None


def betas_of(body: bpy.types.Object, count: int) -> np.ndarray:
    """(count,) the current values of the shape keys; 0 for a muted or removed one."""
    keys = body.data.shape_keys.key_blocks
    found = [keys.get(f"{SHAPE_KEY}{k}") for k in range(count)]
    return np.array([0.0 if key is None or key.mute else key.value for key in found])


def _add_bones(armature: bpy.types.Object, model: BodyModel, joints: np.ndarray) -> None:
    """Add bones at the joints (J, 3), parents first. Each bone points at its child."""
    names, parents = model.kind.names, model.kind.parents
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    for joint, (name, parent) in enumerate(zip(names, parents, strict=True)):
        bone = bones.new(name)
        bone.head, bone.tail = joints[joint], _tail(joint, names, parents, joints)
        if parent >= 0:
            bone.parent = bones[names[parent]]
        bone.use_connect = False
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in armature.pose.bones:
        bone.rotation_mode = "QUATERNION"
    armature.data.display_type = "WIRE"  # thin, so that the body stays visible behind the bones
    armature.show_in_front = True


def _tail(joint: int, names: tuple[str, ...], parents: tuple[int, ...], joints: np.ndarray) -> np.ndarray:
    """The tail of the bone: at its child, or a short distance further."""
    children = [child for child, parent in enumerate(parents) if parent == joint]
    named = [child for child in children if names[child] == NEXT.get(names[joint])]
    if names[joint] == "head":
        along = np.array(HEAD_TAIL)
    elif children:
        along = joints[(named or children)[0]] - joints[joint]
    else:
        along = LEAF * (joints[joint] - joints[parents[joint]])
    if np.linalg.norm(along) < SHORTEST:
        along = np.array([0.0, 0.0, SHORTEST])
    return joints[joint] + along


def _fill_mesh(body: bpy.types.Object, model: BodyModel, vertices: np.ndarray) -> None:
    mesh = body.data
    mesh.from_pydata(vertices.tolist(), [], model.faces.tolist())
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    mesh.update()
    for joint, name in enumerate(model.kind.names):
        group = body.vertex_groups.new(name=name)
        weights = model.weights[:, joint]
        for index in np.flatnonzero(weights > LEAST_WEIGHT).tolist():
            group.add((index,), float(weights[index]), "REPLACE")
    body.shape_key_add(name="Basis", from_mix=False)
    for k in range(model.shape_directions.shape[2]):
        key = body.shape_key_add(name=f"{SHAPE_KEY}{k}", from_mix=False)
        moved = vertices + engine_to_blender(model.shape_directions[..., k])
        key.data.foreach_set("co", moved.astype(np.float32).ravel())
        key.slider_min, key.slider_max, key.value = -FARTHEST, FARTHEST, 0.0
