"""Add SMPL Body: the file's surface, weights and shapes, moved in Blender by the equations."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix, Vector

from tests.blender.published_rigs import random_heads
from tests.blender.support import bone_heads, generate, part, refusal, settings
from tests.blender.test_panels import drawn, operators, texts
from tests.synthetic_body import body_arrays, write_npz, write_pickle

CLOSE = 1e-4
"""Metres."""


def body_file(folder: Path, joints: int = 24, suffix: str = ".pkl", seed: int = 0) -> Path:
    kind = part("motionlcm_blender.smpl.body_model").KINDS[joints]
    rng = np.random.default_rng(seed)
    rest = random_heads(24 if joints == 24 else 55, rng)[:joints] - [0.0, 1.1, 0.0]
    arrays = body_arrays(rest, kind.parents, seed)
    write = write_npz if suffix == ".npz" else write_pickle
    return write(folder / f"SMPL_NEUTRAL{suffix}", arrays)


def added(path: Path) -> tuple[bpy.types.Object, bpy.types.Object]:
    assert bpy.ops.motionlcm.add_smpl_body(filepath=str(path)) == {"FINISHED"}
    armature = settings().character
    return armature, next(child for child in armature.children if child.type == "MESH")


def read(path: Path):
    return part("motionlcm_blender.smpl.body_model_file").read_body_model(path)


def world_vertices(obj: bpy.types.Object) -> np.ndarray:
    evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    matrix = np.array(evaluated.matrix_world)
    evaluated.to_mesh_clear()
    return points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def to_blender(points: np.ndarray) -> np.ndarray:
    return part("motionlcm_blender.motion.world_transform").engine_to_blender(points)


def numbers_of_data() -> tuple[int, ...]:
    """How many of each there are of what the operator makes."""
    data = bpy.data
    return tuple(len(each) for each in (data.objects, data.meshes, data.armatures, data.shape_keys, data.materials))


@pytest.mark.parametrize(("joints", "suffix"), [(24, ".pkl"), (24, ".npz"), (52, ".pkl"), (55, ".npz"), (55, ".pkl")])
def test_the_body_has_the_files_surface_bones_and_shapes(joints, suffix, tmp_path):
    path = body_file(tmp_path, joints, suffix)
    bpy.context.scene.cursor.location = (1, 2, 0)
    armature, body = added(path)
    model = read(path)
    points = world_vertices(body)
    expected = to_blender(model.template) + [1.0, 2.0, -model.template[:, 1].min()]
    np.testing.assert_allclose(points, expected, atol=1e-5)
    assert points[:, 2].min() == pytest.approx(0.0, abs=1e-6)
    assert [bone.name for bone in armature.data.bones] and len(armature.data.bones) == joints
    assert len(body.data.polygons) == len(model.faces) and len(body.vertex_groups) == joints
    for joint, name in enumerate(model.kind.names):
        bone, parent = armature.data.bones[name], model.kind.parents[joint]
        assert (bone.parent.name if bone.parent else None) == (model.kind.names[parent] if parent >= 0 else None)
        assert armature.pose.bones[name].rotation_mode == "QUATERNION"
    keys = body.data.shape_keys.key_blocks
    assert [key.name for key in keys] == ["Basis", *(f"Shape {k}" for k in range(10))]
    assert all((key.slider_min, key.slider_max, key.value) == (-5, 5, 0) for key in keys[1:])
    keys["Shape 0"].value, keys["Shape 9"].value = 2.0, -1.5
    bpy.context.view_layer.update()
    betas = np.array([2.0, *[0.0] * 8, -1.5])
    shaped = to_blender(part("motionlcm_blender.smpl.body_model").shaped_vertices(model, betas))
    expected = shaped + [1.0, 2.0, -model.template[:, 1].min()]
    np.testing.assert_allclose(world_vertices(body), expected, atol=1e-5)
    assert settings().character == armature == bpy.context.active_object and body.motionlcm.armature == armature


def posed(armature: bpy.types.Object, frames: int = 6):
    """Write a clip of every joint turning, and return it."""
    rig, actions = part("operators.armature.smpl_rig"), part("operators.armature.actions")
    clips, rotations = part("motionlcm_blender.motion.motion"), part("motionlcm_blender.motion.rotations")
    reading = rig.read_rig(armature)
    rng = np.random.default_rng(7)
    angles = np.linspace(0.2, 1, frames)[:, None] * rng.uniform(-1.2, 1.2, 24)
    turns = rotations.from_axis_angle(rng.standard_normal((24, 3))[None], angles)
    root = np.linspace((0.2, 0.9, 0.1), (1.0, 1.0, -1.0), frames)
    clip = clips.Clip(24.0, root, turns, reading.skeleton)
    pose = rig.pose_channels(clip, armature, reading, rig.units_per_metre(armature, reading))
    actions.new_action(armature, "Test", 1.0 + np.arange(frames), actions.channels_of(armature, pose), {})
    return clip


def farthest_vertex(armature: bpy.types.Object, body: bpy.types.Object, model, clip, betas: np.ndarray) -> float:
    """Metres between the vertices Blender evaluates and our equations, on the clip's last frame."""
    engine = part("motionlcm_blender.smpl.body_model")
    vertices = engine.shaped_vertices(model, betas)
    joints = engine.joint_positions(model, vertices)
    turns = np.tile([1.0, 0.0, 0.0, 0.0], (len(joints), 1))
    count = min(len(joints), 24 if len(joints) == 24 else 22)
    turns[:count] = clip.rotations[-1, :count]
    rig = part("operators.armature.smpl_rig")
    units = rig.units_per_metre(armature, rig.read_rig(armature))
    scale = armature.matrix_world.to_scale()[0]
    skinned = engine.skinned_vertices(model, vertices, joints, turns, clip.translation[-1] * units / scale)
    bpy.context.scene.frame_set(clip.frames)
    return float(np.linalg.norm(world_vertices(body) / scale - to_blender(skinned), axis=1).max())


@pytest.mark.parametrize("place", ["at the origin", "moved, leaning and scaled"])
@pytest.mark.parametrize("joints", [24, 52, 55])
def test_the_skin_moves_by_the_equations(joints, place, tmp_path):
    path = body_file(tmp_path, joints)
    armature, body = added(path)
    if place != "at the origin":
        armature.matrix_world = Matrix.LocRotScale(Vector((1, 2, 3)), Euler((0.4, -0.3, 1.1)), Vector((1.7,) * 3))
        bpy.context.view_layer.update()
    clip = posed(armature)
    assert farthest_vertex(armature, body, read(path), clip, np.zeros(10)) < CLOSE


def all_keys(armature: bpy.types.Object) -> list[np.ndarray]:
    curves = part("operators.armature.actions").curves_of(armature)
    return [np.array([k.co for k in curve.keyframe_points]) for curve in curves]


@pytest.mark.parametrize("joints", [24, 55])
def test_fitted_joints_follow_the_shape_and_keep_the_action(joints, tmp_path):
    path = body_file(tmp_path, joints)
    armature, body = added(path)
    model, engine = read(path), part("motionlcm_blender.smpl.body_model")
    posed(armature)
    action = armature.animation_data.action
    curves = all_keys(armature)
    betas = np.random.default_rng(3).uniform(-4, 4, 10)
    for k, beta in enumerate(betas):
        body.data.shape_keys.key_blocks[f"Shape {k}"].value = beta
    turned = [bone.matrix_local.to_3x3().copy() for bone in armature.data.bones]
    bpy.ops.object.mode_set(mode="POSE")
    assert bpy.ops.motionlcm.fit_joints() == {"FINISHED"}
    assert bpy.context.mode == "POSE" and bpy.context.active_object == armature
    bpy.ops.object.mode_set(mode="OBJECT")
    expected = to_blender(engine.joint_positions(model, engine.shaped_vertices(model, betas)))
    expected[:, 2] -= model.template[:, 1].min()
    heads = np.array([armature.data.bones[name].head_local for name in model.kind.names])
    np.testing.assert_allclose(heads, expected, atol=1e-5)
    assert armature.animation_data.action == action
    assert all((a == b).all() for a, b in zip(curves, all_keys(armature), strict=True))
    for before, bone in zip(turned, armature.data.bones, strict=True):
        np.testing.assert_allclose(np.array(before), np.array(bone.matrix_local.to_3x3()), atol=1e-5)
    clip = posed(armature)  # written for the new proportions, the skin is right again
    assert farthest_vertex(armature, body, model, clip, betas) < CLOSE


def test_motion_is_made_for_the_body(tmp_path):
    armature, _body = added(body_file(tmp_path))
    settings().character = None
    bpy.context.view_layer.objects.active = armature
    action = generate(seconds=1.0)
    clip = part("operators.generation.write_actions").recent_results.find(action)[1].clip
    rig = part("operators.armature.smpl_rig")
    units = rig.units_per_metre(armature, rig.read_rig(armature))
    expected = to_blender(part("motionlcm_blender.motion.retarget").forward_kinematics(clip)) * units
    for joint, name in enumerate(clip.skeleton.names):
        np.testing.assert_allclose(bone_heads(armature, name, [1, 10]), expected[[0, 9], joint], atol=1e-3)


class Hostile:
    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self):
        return os.system, (f"touch {self.made}",)


def test_files_that_are_no_body_leave_nothing_behind(tmp_path):
    good = body_file(tmp_path, suffix=".npz")
    hostile, truncated, other = tmp_path / "hostile.pkl", tmp_path / "truncated.npz", tmp_path / "other.npz"
    hostile.write_bytes(pickle.dumps({"v_template": Hostile(tmp_path / "made")}))
    truncated.write_bytes(good.read_bytes()[:-2000])
    parents = part("motionlcm_blender.smpl.body_model").KINDS[24].parents
    wrong = body_arrays(np.random.default_rng(0).normal(size=(24, 3)), parents)
    np.savez(other, **{**wrong, "v_template": np.full_like(wrong["v_template"], np.nan)})
    before = numbers_of_data()
    for path, sentence in (
        (hostile, "might be harmful"),
        (truncated, "truncated"),
        (other, "not finite"),
        (tmp_path / "gone.pkl", "is not there"),
        ("", "Choose a .pkl or .npz"),
    ):
        assert sentence in refusal(lambda path=path: bpy.ops.motionlcm.add_smpl_body(filepath=str(path)))
        assert numbers_of_data() == before and settings().character is None
    assert not (tmp_path / "made").exists()


def test_what_fails_half_way_is_taken_away_again(tmp_path, monkeypatch):
    path, before = body_file(tmp_path), numbers_of_data()

    def full(*_args):
        raise MemoryError

    monkeypatch.setattr(part("operators.characters.smpl_mesh"), "_fill_mesh", full)
    assert "not enough memory" in refusal(lambda: bpy.ops.motionlcm.add_smpl_body(filepath=str(path)))
    assert numbers_of_data() == before and bpy.context.mode == "OBJECT"


def test_adding_a_body_is_one_undo_step(tmp_path):
    path = body_file(tmp_path)
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="Before")
    before = numbers_of_data()[:3]
    bpy.ops.motionlcm.add_smpl_body("EXEC_DEFAULT", True, filepath=str(path))
    assert numbers_of_data()[:3] != before
    bpy.ops.ed.undo()
    assert numbers_of_data()[:3] == before


def test_joints_that_cannot_be_fitted_are_reported(tmp_path):
    bpy.ops.motionlcm.add_character()
    assert "has no body with a shape" in refusal(bpy.ops.motionlcm.fit_joints)
    armature, body = added(body_file(tmp_path))
    armature.hide_set(True)
    assert "is hidden" in refusal(bpy.ops.motionlcm.fit_joints)
    armature.hide_set(False)
    bpy.data.objects.remove(body)
    assert "was deleted" in refusal(bpy.ops.motionlcm.fit_joints)


def test_panels_offer_the_file_the_sliders_and_the_licence(tmp_path):
    assert "motionlcm.add_smpl_body" in operators(drawn("MOTIONLCM_PT_main"))
    assert not bpy.types.MOTIONLCM_PT_body.poll(bpy.context)
    bpy.ops.motionlcm.add_character()
    assert not bpy.types.MOTIONLCM_PT_body.poll(bpy.context)
    added(body_file(tmp_path))
    assert bpy.types.MOTIONLCM_PT_body.poll(bpy.context)
    layout = drawn("MOTIONLCM_PT_body")
    assert sum(name == "prop" for name, _ in layout.seen) == 10
    assert "motionlcm.fit_joints" in operators(layout)
    assert "under its authors' licence" in texts(layout)
    assert "under its authors' licence" in texts(drawn("MOTIONLCM_PT_main"))


def test_the_file_browser_shows_the_licence():
    from tests.blender.test_panels import Layout

    layout = Layout()
    operator = part("operators.characters.add_smpl_body").MOTIONLCM_OT_add_smpl_body
    operator.draw(type("Drawn", (), {"layout": layout})(), bpy.context)
    assert "under its authors' licence" in texts(layout)
