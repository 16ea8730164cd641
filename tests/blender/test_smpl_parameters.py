"""SMPL parameters in and out: takes become files as in AMASS and come back, on any armature; Bake Pose Corrections."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix, Vector

from tests.blender import stored_armature, test_any_rig
from tests.blender.published_rigs import random_heads
from tests.blender.support import REPOSITORY, add_character, bone_heads, generate, part, refusal, settings
from tests.blender.test_panels import drawn, operators, texts
from tests.blender.test_smpl_body import added, to_blender, world_vertices
from tests.synthetic_body import body_arrays, write_npz

LAYOUTS = {"smpl": 72, "smplh": 156, "smplx": 165}
CLOSE = 1e-4
"""Scene units, where the same motion is written twice; F-curves hold float32."""
MILLIMETRE = 1e-3
RIGIFY = REPOSITORY / "tests" / "data" / "control_rigs" / "rigify_human_generated.json"


def export(path: Path, **values) -> dict[str, np.ndarray]:
    assert bpy.ops.motionlcm.export_smpl(filepath=str(path), **values) == {"FINISHED"}
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def import_(path: Path, **values) -> bpy.types.Action:
    assert bpy.ops.motionlcm.import_smpl(filepath=str(path), **values) == {"FINISHED"}
    return settings().character.animation_data.action


def shown(obj: bpy.types.Object, bones, frames) -> np.ndarray:
    """(B, N, 4, 4) visible matrices of bones in the world."""
    scene, found = bpy.context.scene, []
    for frame in frames:
        scene.frame_set(int(frame))
        evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        found.append([np.array(evaluated.matrix_world @ evaluated.pose.bones[bone].matrix) for bone in bones])
    return np.array(found).swapaxes(0, 1)


def frames_of(action: bpy.types.Action) -> range:
    return range(int(action.frame_range[0]), int(action.frame_range[1]) + 1)


def smplx_file(folder: Path, joints: int = 55, corrections: float = 0.0) -> Path:
    kind = part("motionlcm_blender.smpl.body_model").KINDS[joints]
    rest = random_heads(24 if joints == 24 else 55, np.random.default_rng(0))[:joints] - [0.01, 1.1, -0.02]
    arrays = body_arrays(rest, kind.parents, corrections=corrections)
    return write_npz(folder / f"MODEL_FEMALE_{joints}.npz", arrays)


@pytest.mark.each_blender
@pytest.mark.parametrize("layout", LAYOUTS)
def test_takes_go_out_and_come_back(layout, tmp_path):
    character = add_character()
    character.matrix_world = Matrix.LocRotScale(Vector((2, 1, 0.5)), Euler((0, 0, 1.1)), Vector((0.7,) * 3))
    bpy.context.view_layer.update()
    action = generate(seconds=2.0)
    bones = [bone.name for bone in character.data.bones if layout == "smpl" or not bone.name.endswith("_hand")]
    frames = frames_of(action)
    before = shown(character, bones, frames)
    stored = export(tmp_path / "take.npz", layout_name=layout)
    assert stored["poses"].shape == (len(frames), LAYOUTS[layout]) and stored["trans"].shape == (len(frames), 3)
    assert float(stored["mocap_framerate"]) == float(stored["mocap_frame_rate"]) == 24.0
    assert str(stored["gender"]) == "neutral" and stored["betas"].shape == (10 if layout == "smpl" else 16,)
    back = import_(tmp_path / "take.npz")
    assert back != action and frames_of(back) == frames
    np.testing.assert_allclose(shown(character, bones, frames), before, atol=CLOSE)
    listed = part("operators.takes.takes").shown_takes(character)
    assert {action, back} == set(listed)


def test_positions_are_those_of_the_file(tmp_path):
    """Z up, the figure's front to -Y, as in Blender: the pelvis of a body at the model's origin is `trans`."""
    character = add_character()
    action = generate(seconds=2.0)
    stored = export(tmp_path / "take.npz")
    heads = bone_heads(character, "pelvis", frames_of(action))
    np.testing.assert_allclose(stored["trans"], heads, atol=CLOSE)
    assert str(stored["up_axis"]) == "Z"
    flat = export(tmp_path / "y.npz", up="Y")
    np.testing.assert_allclose(flat["trans"], heads[:, [0, 2, 1]] * [1.0, 1.0, -1.0], atol=CLOSE)
    import_(tmp_path / "y.npz")
    np.testing.assert_allclose(bone_heads(character, "pelvis", frames_of(action)), heads, atol=CLOSE)


def test_other_frame_rates_keep_the_times(tmp_path):
    character = add_character()
    action = generate(seconds=2.0)
    frames = frames_of(action)
    before = bone_heads(character, "l_wrist", frames)
    stored = export(tmp_path / "fast.npz", fps=120.0)
    assert len(stored["poses"]) == 5 * (len(frames) - 1) + 1 and float(stored["mocap_framerate"]) == 120.0
    back = import_(tmp_path / "fast.npz")
    assert frames_of(back) == frames
    np.testing.assert_allclose(bone_heads(character, "l_wrist", frames), before, atol=CLOSE)
    bpy.context.scene.render.fps = 60
    slow = import_(tmp_path / "fast.npz")
    assert len(frames_of(slow)) == pytest.approx((len(frames) - 1) * 2.5 + 1, abs=1)


def test_fitted_keys_stay_within_the_tolerance(tmp_path):
    character = add_character()
    action = generate(seconds=2.0)
    frames = frames_of(action)
    before = bone_heads(character, "l_wrist", frames)
    export(tmp_path / "take.npz")
    settings().key_mode, settings().key_tolerance = "FITTED", 3.0
    back = import_(tmp_path / "take.npz")
    assert part("operators.armature.take_properties").KEYS_SHARE.read(back) < 0.9
    assert np.linalg.norm(bone_heads(character, "l_wrist", frames) - before, axis=1).max() < 3.5e-3


def test_what_is_seen_is_written(tmp_path):
    """Constraints, NLA and edits count, and the shown frame stays."""
    character = add_character()
    action = generate(seconds=2.0)
    target = bpy.data.objects.new("Target", None)
    bpy.context.scene.collection.objects.link(target)
    target.location = (0.3, -0.4, 1.8)
    holds = character.pose.bones["head"].constraints.new("COPY_ROTATION")
    holds.target = target
    bpy.context.scene.frame_set(9)
    export(tmp_path / "seen.npz")
    assert bpy.context.scene.frame_current == 9
    frames = frames_of(action)
    before = shown(character, ["head", "l_knee"], frames)
    character.pose.bones["head"].constraints.remove(holds)
    assert np.abs(shown(character, ["head"], frames) - before[:1]).max() > 0.1
    import_(tmp_path / "seen.npz")
    np.testing.assert_allclose(shown(character, ["head", "l_knee"], frames), before, atol=CLOSE)


def test_fingers_of_a_body_come_back(tmp_path):
    armature, _body = added(smplx_file(tmp_path))
    action = generate(seconds=1.0)
    turns = {"left_index2": 0.6, "right_thumb1": -0.4, "jaw": 0.2, "left_eye_smplhf": 0.3}
    for name, angle in turns.items():
        bone = armature.pose.bones[name]
        bone.rotation_quaternion = Euler((angle, 0.1, 0.0)).to_quaternion()
        bone.keyframe_insert("rotation_quaternion", frame=1)
    frames = frames_of(action)
    names = [bone.name for bone in armature.data.bones]
    before = shown(armature, names, frames)
    stored = export(tmp_path / "take.npz", layout_name="smplx")
    assert str(stored["gender"]) == "female"
    hands = np.abs(stored["pose_hand"]).max(0).reshape(30, 3).max(1)
    assert hands[1] > 0.3 and hands[27] > 0.3 and np.sort(hands)[:-2].max() < 1e-5
    assert np.abs(stored["pose_jaw"]).max() > 0.1 and np.abs(stored["pose_eye"][:, :3]).max() > 0.2
    for name in turns:
        armature.pose.bones[name].rotation_quaternion = (1, 0, 0, 0)
    import_(tmp_path / "take.npz")
    np.testing.assert_allclose(shown(armature, names, frames), before, atol=CLOSE)


@pytest.mark.parametrize("joints", [24, 52, 55])
def test_the_file_moves_the_body_model_as_blender_does(joints, tmp_path):
    """The vertices of the model under the file's numbers are those of the mesh in Blender."""
    path = smplx_file(tmp_path, joints)
    armature, body = added(path)
    keys = body.data.shape_keys.key_blocks
    keys["Shape 0"].value, keys["Shape 3"].value = 1.5, -2.0
    assert bpy.ops.motionlcm.fit_joints() == {"FINISHED"}
    armature.location.x += 0.8
    bpy.context.view_layer.update()
    action = generate(seconds=1.0)
    stored = export(tmp_path / "take.npz", layout_name={24: "smpl", 52: "smplh", 55: "smplx"}[joints])
    np.testing.assert_allclose(stored["betas"][:4], [1.5, 0.0, 0.0, -2.0], atol=1e-6)
    engine, rot = part("motionlcm_blender.smpl.body_model"), part("motionlcm_blender.motion.rotations")
    model = part("motionlcm_blender.smpl.body_model_file").read_body_model(path)
    vertices = engine.shaped_vertices(model, stored["betas"][:10])
    rest = engine.joint_positions(model, vertices)
    for number in (0, len(stored["poses"]) - 1):
        turns = rot.from_rotation_vector(stored["poses"][number].reshape(-1, 3))
        skinned = engine.skinned_vertices(model, vertices, rest, turns, rest[0] + stored["trans"][number])
        bpy.context.scene.frame_set(frames_of(action)[number])
        np.testing.assert_allclose(world_vertices(body), skinned, atol=MILLIMETRE)


def test_a_model_file_gives_the_proportions_of_the_performer(tmp_path):
    path = smplx_file(tmp_path, 24)
    add_character()
    generate(seconds=2.0)
    stored = export(tmp_path / "take.npz", layout_name="smpl", body_file=str(path))
    model = part("motionlcm_blender.smpl.body_model_file").read_body_model(path)
    rest = part("motionlcm_blender.smpl.body_parameters").rest_joints(model)
    np.testing.assert_allclose(stored["rest_joints"], rest, atol=1e-9)
    sentence = refusal(lambda: bpy.ops.motionlcm.export_smpl(filepath=str(tmp_path / "x.npz"), body_file=str(path)))
    assert "not of SMPL-X" in sentence and not (tmp_path / "x.npz").exists()


@pytest.mark.parametrize("family", list(test_any_rig.RIGS))
def test_onto_other_rigs_and_back(family, tmp_path):
    """A take of SMPL bones onto another rig: limbs point alike; the rig's own file comes back as it was."""
    person = add_character()
    action = generate(seconds=2.0)
    export(tmp_path / "take.npz")
    frames = frames_of(action)
    wanted = {joint: bone_heads(person, joint, frames) for joint in ("l_shoulder", "l_elbow", "l_hip", "l_knee")}
    if family == "Rigify":  # a control rig that works: its file holds what the deforming bones show
        obj = settings().character = stored_armature.build_rig(RIGIFY)
    else:
        obj = test_any_rig.build(test_any_rig.RIGS[family][0]())
    taken = import_(tmp_path / "take.npz")
    assert frames_of(taken) == frames
    rig = part("operators.rigs.recognised").read_character(obj)
    names = [bone.name for bone in rig.body.description.bones]
    bones = {each.joint: names[each.bone] for each in rig.body.bones if each.share >= 1.0}
    joints = part("motionlcm_blender.motion.skeleton").JOINTS
    for upper, lower in (("l_shoulder", "l_elbow"), ("l_hip", "l_knee")):
        ends = [bone_heads(obj, bones[joints.index(joint)], frames) for joint in (upper, lower)]
        here, there = ends[1] - ends[0], wanted[lower] - wanted[upper]
        cosine = (here * there).sum(-1) / (np.linalg.norm(here, axis=-1) * np.linalg.norm(there, axis=-1))
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 8.0, upper
    held = list(bones.values())
    before = shown(obj, held, frames)
    export(tmp_path / "own.npz")
    back = import_(tmp_path / "own.npz")
    assert back != taken
    close = 0.02 if family == "Rigify" else CLOSE * max(1.0, np.abs(before).max())
    np.testing.assert_allclose(shown(obj, held, frames)[..., 3], before[..., 3], atol=close)
    if family != "Rigify":
        np.testing.assert_allclose(shown(obj, held, frames), before, atol=close)


def test_a_motion_may_start_at_the_character(tmp_path):
    character = add_character()
    action = generate(seconds=2.0)
    export(tmp_path / "take.npz")
    settings().character = None
    bpy.context.scene.cursor.location = (5, -3, 0)
    other = add_character()
    other.rotation_euler.z = 1.3
    bpy.context.view_layer.update()
    import_(tmp_path / "take.npz", place="CHARACTER")
    start = bone_heads(other, "pelvis", [1])[0]
    np.testing.assert_allclose(start[:2], (5, -3), atol=0.05)
    frames = frames_of(action)
    lengths = [np.linalg.norm(np.diff(bone_heads(obj, "pelvis", frames), axis=0), axis=1) for obj in (character, other)]
    np.testing.assert_allclose(*lengths, atol=CLOSE)


def test_imported_takes_have_no_recipe(tmp_path):
    character = add_character()
    action = generate(seconds=1.0)
    export(tmp_path / "take.npz")
    back = import_(tmp_path / "take.npz")
    assert "was imported from take.npz" in refusal(bpy.ops.motionlcm.generate_again)
    assert back not in part("operators.interchange.recipe_files").with_recipe()
    assert action in part("operators.interchange.recipe_files").with_recipe()
    assert "motionlcm.generate_again" not in operators(drawn("MOTIONLCM_PT_result"))
    assert "take.npz" in texts(drawn("MOTIONLCM_PT_result"))
    with pytest.raises(RuntimeError):
        bpy.ops.motionlcm.export_recipe(filepath=str(tmp_path / "r.json"))
    assert bpy.ops.motionlcm.show_take(name=action.name) == {"FINISHED"}
    assert character.animation_data.action == action


def test_files_that_are_no_motion_change_nothing(tmp_path):
    add_character()
    action = generate(seconds=1.0)
    good = export(tmp_path / "take.npz")
    hostile = {**good, "poses": np.array([{"a": 1}], dtype=object)}
    wrong = {
        "objects.npz": (hostile, "plain numbers"),
        "rate.npz": ({k: v for k, v in good.items() if "mocap_f" not in k}, "frame rate"),
        "width.npz": ({**good, "poses": good["poses"][:, :60]}, "60 numbers"),
    }
    for name, (arrays, words) in wrong.items():
        np.savez(tmp_path / name, **arrays)
        before = len(bpy.data.actions)
        sentence = refusal(lambda name=name: bpy.ops.motionlcm.import_smpl(filepath=str(tmp_path / name)))
        assert words in sentence and len(bpy.data.actions) == before
        assert settings().character.animation_data.action == action
    assert bpy.ops.motionlcm.import_smpl(filepath=str(tmp_path / "rate.npz"), fps=24.0) == {"FINISHED"}


def test_an_import_is_one_undo_step(tmp_path):
    bpy.context.preferences.edit.use_global_undo = True
    add_character()
    generate(seconds=1.0)
    export(tmp_path / "take.npz")
    bpy.ops.ed.undo_push(message="Before")
    before = len(bpy.data.actions)
    bpy.ops.motionlcm.import_smpl("EXEC_DEFAULT", True, filepath=str(tmp_path / "take.npz"))
    assert len(bpy.data.actions) == before + 1
    bpy.ops.ed.undo()
    assert len(bpy.data.actions) == before


@pytest.mark.each_blender
@pytest.mark.parametrize("joints", [24, 55])
def test_corrections_move_the_skin_as_the_body_model_does(joints, tmp_path):
    path = smplx_file(tmp_path, joints, corrections=0.004)
    armature, body = added(path)
    body.data.shape_keys.key_blocks["Shape 1"].value = 1.2
    assert bpy.ops.motionlcm.fit_joints() == {"FINISHED"}
    action = generate(seconds=1.0)
    kept = body.data.shape_keys.key_blocks["Shape 2"]
    kept.keyframe_insert("value", frame=1)  # an animation of the user's own
    assert off_the_model(path, armature, body, action) > 5 * MILLIMETRE
    for _ in range(2):  # a second bake replaces the first
        assert bpy.ops.motionlcm.bake_pose_corrections(filepath=str(path)) == {"FINISHED"}
        names = [key.name for key in body.data.shape_keys.key_blocks]
        assert len(names) == len(set(names)) and 20 < sum(name.startswith("Pose ") for name in names) <= 189 + 9 * 2
        assert off_the_model(path, armature, body, action) < MILLIMETRE
    owner = body.data.shape_keys.animation_data.action
    curves = part("operators.characters.pose_corrections")._holder(body.data.shape_keys, create=False).fcurves
    assert owner is not None and any("Shape 2" in curve.data_path for curve in curves)


def off_the_model(path: Path, armature: bpy.types.Object, body: bpy.types.Object, action: bpy.types.Action) -> float:
    """Metres between vertices in Blender and those of the body model with its corrections, at most."""
    engine = part("motionlcm_blender.smpl.body_model")
    model = part("motionlcm_blender.smpl.body_model_file").read_body_model(path, with_corrections=True)
    keys = body.data.shape_keys.key_blocks
    shaped = engine.shaped_vertices(model, np.array([keys[f"Shape {k}"].value for k in range(10)]))
    joints = engine.joint_positions(model, shaped)
    frames = np.arange(action.frame_range[0], action.frame_range[1] + 1)
    turns = part("operators.characters.pose_corrections").joint_rotations(
        bpy.context, armature, model.kind.names, model.kind.parents, frames
    )
    worst = 0.0
    for number in (0, len(frames) // 2, len(frames) - 1):
        corrected = shaped + engine.pose_corrections(model, turns[number])
        bpy.context.scene.frame_set(int(frames[number]))
        root = bone_heads(armature, "pelvis", [frames[number]])[0]
        skinned = engine.skinned_vertices(model, corrected, joints, turns[number], [root[0], root[2], -root[1]])
        worst = max(worst, float(np.linalg.norm(world_vertices(body) - to_blender(skinned), axis=1).max()))
    return worst


def test_corrections_need_the_body_of_the_file(tmp_path):
    add_character()
    path = smplx_file(tmp_path, 24)
    assert "no body with a shape" in refusal(lambda: bpy.ops.motionlcm.bake_pose_corrections(filepath=str(path)))
    _armature, body = added(path)
    other = smplx_file(tmp_path, 55)
    assert "another body model" in refusal(lambda: bpy.ops.motionlcm.bake_pose_corrections(filepath=str(other)))
    with np.load(path) as stored:
        np.savez(tmp_path / "none.npz", **{k: stored[k] for k in stored.files if k != "posedirs"})
    without = str(tmp_path / "none.npz")
    assert "no posedirs" in refusal(lambda: bpy.ops.motionlcm.bake_pose_corrections(filepath=without))
    assert not any(key.name.startswith("Pose ") for key in body.data.shape_keys.key_blocks)
    assert "Choose the" in refusal(bpy.ops.motionlcm.bake_pose_corrections)


def test_functions_for_scripts(tmp_path):
    api = part("operators.api")
    character = api.add_character()
    action = api.generate_take(character, "a person walks", 1.0)[0]
    assert api.export_smpl(character, tmp_path / "a.npz", "smplh", fps=30.0) > 20
    back = api.import_smpl(character, tmp_path / "a.npz", first=11)
    assert back.frame_range[0] == 11.0 and back != action
    armature, _ = added(smplx_file(tmp_path, 24, corrections=0.004))
    api.generate_take(armature, "a person walks", 1.0)
    assert api.bake_pose_corrections(armature, tmp_path / "MODEL_FEMALE_24.npz", 1, 10) > 10


def test_the_buttons_are_in_the_panels(tmp_path):
    assert {"motionlcm.export_smpl", "motionlcm.import_smpl"} <= set(operators(drawn("MOTIONLCM_PT_smpl")))
    added(smplx_file(tmp_path, 24))
    assert "motionlcm.bake_pose_corrections" in operators(drawn("MOTIONLCM_PT_body"))
