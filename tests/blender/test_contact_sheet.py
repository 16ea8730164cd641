"""All takes at once in the viewport: what is worked out for it; tests/gui looks at it in a window."""

from __future__ import annotations

import time

import addon_utils
import bpy
import numpy as np
import pytest

from tests.blender.support import EXTENSION, add_character, bone_heads, generate, part, poly_curve, settings, takes

PROBED = ("pelvis", "l_ankle", "head", "r_wrist")
JOINTS = {"pelvis": 0, "l_ankle": 7, "head": 15, "r_wrist": 21}


def kept_ghosts() -> dict:
    return part("operators.takes.contact_sheet").get().ghosts


def ghosts() -> list:
    return part("operators.takes.ghosts").ghosts_of(takes(), settings().character, bpy.context.scene, kept_ghosts())


def sheet():
    return part("operators.takes.contact_sheet").get().open


def figures():
    return part("operators.takes.ghost_shapes")


def check_ghosts(limit: float = 1e-3) -> None:
    """Each ghost is where Blender puts the bones when the take is shown."""
    frames = np.array([1.0, 7.0, 20.0, 31.5])
    found = ghosts()
    for action, ghost in zip(takes(), found, strict=True):
        bpy.ops.motionlcm.show_take(name=action.name)
        seen = np.array([ghost.at(frame) for frame in frames])
        for bone in PROBED:
            heads = bone_heads(settings().character, bone, frames)
            off = np.abs(seen[:, JOINTS[bone]] - heads).max(axis=1)
            assert off[:3].max() < limit and off[3] < 0.04, (action.name, bone, off)


@pytest.mark.each_blender
@pytest.mark.parametrize("keys", ["DENSE", "FITTED"])
@pytest.mark.parametrize("travel", ["hips", "bone", "root"])
def test_ghosts_are_where_the_bones_would_be(keys, travel):
    character = add_character()
    character.location, character.rotation_euler, character.scale = (1.0, 2.0, 0.3), (0.0, 0.1, 0.7), (1.2, 1.2, 1.2)
    if travel == "bone":
        bpy.context.view_layer.objects.active = character
        bpy.ops.object.mode_set(mode="EDIT")
        bones = character.data.edit_bones
        if bones["pelvis"].parent is None:
            bone = bones.new("root")
            bone.head, bone.tail = (0.0, 0.0, 0.0), (0.0, 0.3, 0.0)
            bones["pelvis"].parent = bone
        bpy.ops.object.mode_set(mode="OBJECT")
    settings().key_mode, settings().travel, settings().takes = keys, travel, 2
    generate(path=poly_curve([(0, 0), (0, -1.0), (0.8, -1.8)]))
    check_ghosts()


def test_bones_that_turn_by_angles_and_hang_from_something():
    character = add_character()
    for bone, mode in (("pelvis", "XYZ"), ("l_hip", "ZXY"), ("r_shoulder", "AXIS_ANGLE")):
        character.pose.bones[bone].rotation_mode = mode
    parent = bpy.data.objects.new("Platform", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.location = (3.0, 0.0, 1.0)
    character.parent = parent
    settings().takes = 2
    generate()
    check_ghosts()


@pytest.mark.each_blender
def test_a_loop_goes_on_as_far_as_the_scene(three):
    settings().loop, settings().takes = True, 1
    generate()
    bpy.context.scene.frame_end = 200
    (ghost,) = ghosts()
    heads = bone_heads(settings().character, "pelvis", [150, 180])
    np.testing.assert_allclose([ghost.at(150)[0], ghost.at(180)[0]], heads, atol=2e-3)


def test_ghosts_are_read_once_and_again_when_a_key_was_edited(three):
    before = ghosts()
    reading = kept_ghosts()
    kept = dict(reading)
    ghosts()
    assert all(reading[uid][1] is kept[uid][1] for uid in kept)
    settings().character.location.x += 2.0  # moved, but not performed again
    bpy.context.view_layer.update()
    moved = ghosts()
    assert all(reading[uid][1] is kept[uid][1] for uid in kept)
    assert np.abs(moved[0].joints - before[0].joints - [2.0, 0.0, 0.0]).max() < 1e-4
    curve = part("operators.armature.actions").holder_of(three[1]).fcurves[0]
    curve.keyframe_points[3].co.y += 0.5
    curve.update()
    ghosts()
    changed = [reading[a.session_uid][1] is not kept[a.session_uid][1] for a in three]
    assert changed == [False, True, False]


def test_a_take_is_read_in_the_time_of_a_frame():
    add_character()
    settings().takes = 2
    generate(seconds=9.8)
    kept_ghosts().clear()
    started = time.process_time()  # not the clock on the wall, which other work on the machine moves on too
    ghosts()
    first = 1000.0 * (time.process_time() - started) / 2
    started = time.process_time()
    ghosts()
    print(f"\nread: {first:.1f} ms a take of 9.8 s; known: {500.0 * (time.process_time() - started):.1f} ms")
    assert first < 300.0  # 20 ms on an idle machine


def test_ghosts_in_a_row_never_touch_and_keep_their_order(three):
    bpy.ops.motionlcm.contact_sheet(arrangement="SIDE")
    opened = sheet()
    axis = opened.axis
    assert np.linalg.norm(axis) == pytest.approx(1.0) and axis[2] == 0.0
    at = opened.offsets @ axis
    assert list(at) == sorted(at) and (at < 0.0).sum() == 2 and (at > 0.0).sum() == 1
    for frame in (1.0, 10.0, 30.0):
        spread = opened.joints(frame) @ axis
        gaps = spread[1:].min(axis=1) - spread[:-1].max(axis=1)
        assert gaps.min() > 0.3
        own = np.array([ghost.at(frame) for ghost in opened.ghosts]) @ axis  # whichever the character performs
        assert spread[1].max() < own.min() and own.max() < spread[2].min()


def test_a_sheet_is_opened_arranged_and_ended(three):
    module, op = part("operators.takes.contact_sheet"), bpy.ops.motionlcm.contact_sheet
    assert op(arrangement="SIDE") == {"FINISHED"} and module.arrangement() == "SIDE"
    opened = sheet()
    op(arrangement="PLACE")
    assert sheet() is opened and module.arrangement() == "PLACE" and not opened.offsets.any()
    op(arrangement="PLACE")
    assert module.arrangement() == "" and sheet() is None


def seed_of(action):
    return f"Seed {action['motionlcm_seed']}"


def test_labels_of_the_sheet(three):
    bpy.ops.motionlcm.star_take(name=three[2].name)
    bpy.ops.motionlcm.contact_sheet(arrangement="PLACE")
    shown = sheet().shown
    assert [each.label for each in shown] == [seed_of(three[k]) for k in (2, 0, 1)]
    assert [each.starred for each in shown] == [True, False, False]
    assert [each.present for each in shown] == [False, True, False]
    assert shown[0].facts[1] == f"{seed_of(three[2])}, starred" and any("foot drag" in fact for fact in shown[0].facts)


def test_a_take_keeps_its_place_and_colour(three):
    module = part("operators.takes.contact_sheet")
    bpy.ops.motionlcm.contact_sheet(arrangement="PLACE")
    bpy.ops.motionlcm.star_take(name=three[2].name)
    module.refresh(bpy.context, sheet())
    first, second, third = map(seed_of, three)
    assert [(each.label, each.colour) for each in sheet().shown] == [(first, 0), (second, 1), (third, 2)]
    bpy.ops.motionlcm.contact_sheet(arrangement="SIDE")  # now in the order of the panel
    assert [(each.label, each.colour) for each in sheet().shown] == [(third, 2), (first, 0), (second, 1)]
    settings().takes = 2
    generate(seed=30)
    module.refresh(bpy.context, sheet())
    shown = [(each.label, each.colour) for each in sheet().shown]
    assert shown[:2] == [(third, 2), ("Seed 30", 0)] and len(shown) == 3 and shown[2][1] == 1


def test_choosing_shows_the_take(three):
    bpy.ops.motionlcm.contact_sheet(arrangement="SIDE")
    module = part("operators.takes.contact_sheet")
    module.choose(bpy.context, three[2])
    assert settings().character.animation_data.action == three[2]
    assert module.refresh(bpy.context, sheet()) and [each.present for each in sheet().shown] == [False, False, True]


def test_a_sheet_follows_what_becomes_of_its_takes(three):
    module = part("operators.takes.contact_sheet")
    bpy.ops.motionlcm.contact_sheet(arrangement="SIDE")
    bpy.data.actions.remove(three[1])
    kept = [seed_of(three[0]), seed_of(three[2])]
    assert module.refresh(bpy.context, sheet()) and [each.label for each in sheet().shown] == kept
    assert len(sheet().offsets) == 2
    settings().takes = 4
    generate(seed=20)
    assert module.refresh(bpy.context, sheet()) and len(sheet().ghosts) == 4
    bpy.data.objects.remove(settings().character)
    assert bpy.ops.motionlcm.contact_sheet.poll()  # for it can still be ended
    assert not module.refresh(bpy.context, sheet())
    assert bpy.ops.motionlcm.contact_sheet(arrangement="PLACE") == {"CANCELLED"} and sheet() is None


def test_a_sheet_ends_with_its_file_and_with_the_extension(three):
    module = part("operators.takes.contact_sheet")
    bpy.ops.motionlcm.contact_sheet(arrangement="SIDE")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert module.arrangement() == "" and not kept_ghosts()
    add_character()
    generate()
    bpy.ops.motionlcm.contact_sheet(arrangement="SIDE")
    addon_utils.disable(EXTENSION)
    try:
        assert module._state is None
        assert module._on_change not in bpy.app.handlers.depsgraph_update_post
        assert module._on_undo not in bpy.app.handlers.undo_post
    finally:
        addon_utils.enable(EXTENSION, default_set=True)


def test_without_takes_there_is_no_sheet():
    add_character()
    assert not bpy.ops.motionlcm.contact_sheet.poll()


def standing(count: int) -> np.ndarray:
    """(count, 22, 3) people in a T-pose, side by side."""
    from tests.blender.support import part

    turn = part("operators.armature.smpl_rig").ENGINE_TO_WORLD
    rest = part("motionlcm_blender.motion.skeleton").HUMANML.rest @ turn.T
    rest = rest - [0.0, 0.0, rest[:, 2].min()]
    return np.array([rest + [2.5 * index, 0.0, 0.0] for index in range(count)])


def test_a_figure_is_closed_and_its_triangles_look_outwards():
    joints = standing(2)
    places, light, distances = figures().bodies(joints, 1.0, np.array([0.0, -8.0, 1.5]))
    assert places.shape == (2 * figures().VERTICES, 3) and light.shape == (2 * figures().VERTICES,)
    assert np.isfinite(places).all() and light.min() > 0.2 and light.max() <= 1.0
    assert distances.shape == (2, figures().LIMBS) and distances[0].mean() < distances[1].mean()
    order = figures().triangles(distances)
    assert order.max() == len(places) - 1 and len(np.unique(order)) == len(places)
    owners = order[:, 0] // figures().VERTICES
    assert owners[0] == 1 and owners[-1] == 0 and figures().triangles(distances, 0)[0, 0] // figures().VERTICES == 0
    corners = places[order].reshape(2 * figures().LIMBS, -1, 3, 3).astype(float)
    middles = corners.mean(axis=(1, 2))[:, None]
    normals = np.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])
    assert ((corners.mean(axis=2) - middles) * normals).sum(axis=-1).min() > 0.0
    volume = np.einsum("ltk,ltk->l", corners[:, :, 0] - middles, normals).sum() / 6.0 / 2
    assert 0.03 < volume < 0.12  # cubic metres of a person
    assert figures().size_of(joints) == pytest.approx(1.0, abs=0.02)


def test_the_nearer_of_two_figures_is_under_the_mouse():
    ends = np.array([[[[100.0, 100.0], [100.0, 200.0]]], [[[100.0, 150.0], [200.0, 150.0]]], [[[np.nan] * 2] * 2]])
    radii, depth = np.full((3, 1), 10.0), np.array([[5.0], [4.0], [1.0]])
    under = figures().under_mouse
    assert under(ends, radii, depth, (100.0, 120.0)) == 0
    assert under(ends, radii, depth, (100.0, 150.0)) == 1  # both are there
    assert under(ends, radii, depth, (195.0, 158.0)) == 1
    assert under(ends, radii, depth, (85.0, 190.0)) == 0  # nearly
    assert under(ends, radii, depth, (50.0, 50.0)) is None
    assert under(np.zeros((0, 1, 2, 2)), np.zeros((0, 1)), np.zeros((0, 1)), (1.0, 1.0)) is None


@pytest.mark.each_blender
def test_points_are_projected_as_blender_does():
    from mathutils import Matrix, Vector

    view = (Matrix.Translation((0.0, -6.0, 1.0)) @ Matrix.Rotation(1.5, 4, "X")).inverted()
    lens = Matrix(((1.5, 0, 0, 0), (0, 2.0, 0, 0), (0, 0, -1.002, -0.2), (0, 0, -1, 0)))
    matrix = lens @ view
    points = np.array([(0.0, 0.0, 1.0), (1.0, 2.0, 0.5), (0.0, -9.0, 1.0)])
    pixels, depth = part("operators.scene.viewports").projected(points, np.array(matrix), 800, 600)
    for point, pixel in zip(points[:2], pixels[:2], strict=True):
        clip = matrix @ Vector((*point, 1.0))
        np.testing.assert_allclose(pixel, [400 + 400 * clip.x / clip.w, 300 + 300 * clip.y / clip.w], rtol=1e-6)
    assert np.isnan(pixels[2]).all() and depth[0] < depth[1]


def test_labels_do_not_lie_on_each_other():
    boxes = np.array([[0, 0, 50, 20], [30, 5, 50, 20], [10, 8, 50, 20], [200, 0, 50, 20], [np.nan] * 4], float)
    apart = figures().apart(boxes)
    for i in range(4):
        for j in range(i):
            (x, y, w, h), (u, v, p, q) = apart[i], apart[j]
            assert x >= u + p or u >= x + w or y >= v + q or v >= y + h
    np.testing.assert_array_equal(apart[[2, 3], :2], boxes[[2, 3], :2])
    assert np.isnan(apart[4]).all()
    piled = figures().apart(np.array([[0, 0, 50, 20], [0, 3, 50, 20], [0, -3, 50, 20]], float))
    assert piled[0, 1] > piled[1, 1] > piled[2, 1] == -3  # in their order
    assert figures().box_at(apart, (210.0, 10.0)) == 3 and figures().box_at(apart, (500.0, 10.0)) is None


def test_a_card_stays_in_view_and_off_its_label():
    place, free = figures().card_place, (0.0, 0.0, 800.0, 600.0)
    assert place((100, 300, 60, 20), (200, 80), free, 5.0, False) == (100, 325)
    assert place((700, 300, 60, 20), (200, 80), free, 5.0, False) == (595, 325)  # moved in from the margin
    assert place((100, 560, 60, 20), (200, 80), free, 5.0, False) == (165, 500)  # no room over it
    assert place((100, 300, 60, 20), (200, 80), free, 5.0, True) == (165, 240)
    assert place((700, 300, 60, 20), (200, 80), free, 5.0, True) == (495, 240)
    assert place((300, 300, 60, 20), (500, 80), free, 5.0, True) == (295, 325)  # too wide for either side


def test_colours_are_distinct():
    colours = np.array([figures().colour(index) for index in range(16)])
    assert colours.min() >= 0.0 and colours.max() <= 1.0
    # As seen by who has no red cones, and no green cones (Vienot, Brettel, Mollon 1999, linear RGB).
    for matrix in (
        np.eye(3),
        [[0.112, 0.888, 0.0], [0.112, 0.888, 0.0], [0.004, -0.004, 1.0]],
        [[0.293, 0.707, 0.0], [0.293, 0.707, 0.0], [-0.021, 0.021, 1.0]],
    ):
        seen = np.clip((colours[:6] ** 2.2) @ np.array(matrix).T, 0.0, 1.0) ** (1 / 2.2)
        away = np.linalg.norm(seen[:, None] - seen[None], axis=-1) + 9.0 * np.eye(6)
        assert away.min() > 0.1


@pytest.mark.each_blender
def test_figures_are_drawn():
    """Where Blender has a graphics card's interface without a window, which is from 5.2 on."""
    import gpu
    from mathutils import Matrix

    if not hasattr(gpu, "init"):
        pytest.skip("only in a window")
    try:
        gpu.init()
        screen = gpu.types.GPUOffScreen(200, 200)
    except Exception as problem:  # noqa: BLE001  any error of a machine without OpenGL
        pytest.skip(str(problem))
    drawing, joints = part("operators.takes.contact_sheet_drawing"), standing(1)
    places, light, distances = figures().bodies(joints, 1.0, np.array([0.0, -8.0, 1.0]))
    colours = np.ones((len(places), 4), np.float32)
    colours[:, :3] = light[:, None] * np.array([1.0, 0.0, 0.0])
    corners = gpu.types.GPUIndexBuf(type="TRIS", seq=figures().triangles(distances))
    view = Matrix(((1.0, 0, 0, 0), (0, 0, 1.0, -1.0), (0, -1.0, 0, -8.0), (0, 0, 0, 1.0)))
    lens = Matrix(((0.9, 0, 0, 0), (0, 0.9, 0, 0), (0, 0, -0.05, 0), (0, 0, 0, 1.0)))
    with screen.bind():
        buffer = gpu.state.active_framebuffer_get()
        buffer.clear(color=(0.0, 0.0, 0.0, 1.0), depth=1.0)
        with gpu.matrix.push_pop(), gpu.matrix.push_pop_projection():
            gpu.matrix.load_matrix(view)
            gpu.matrix.load_projection_matrix(lens)
            gpu.state.face_culling_set("BACK")
            drawing._batch(places, colours, corners).draw(gpu.shader.from_builtin("SMOOTH_COLOR"))
            gpu.state.face_culling_set("NONE")
            seen = np.array(buffer.read_color(0, 0, 200, 200, 4, 0, "UBYTE").to_list()).reshape(200, 200, 4)
    screen.free()
    red = seen[..., 0] > 60
    assert 0.03 < red.mean() < 0.4 and seen[..., 1].max() < 10
    assert red[:, 90:110].any() and not red[:5].any()  # in the middle, not at the margin
