"""Live: marks, requests, previews, the finished motion, undo, handlers, files. The worker runs; ticks are called."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from tests.blender import test_any_rig
from tests.blender.support import EXTENSION, add_character, add_spline, panel_status, part, poly_curve, settings

LINE = ((0.0, 0.0), (0.0, -1.0), (0.0, -2.0))


def live():
    return part("operators.live.live_mode").get()


def preview():
    return part("operators.live.preview")


def action():
    data = settings().character.animation_data
    return data.action if data is not None else None


@pytest.fixture
def character():
    """A character with a path, and Live switched on, at rest."""
    armature = add_character()
    settings().path = poly_curve(LINE)
    settings().length = 2.0
    bpy.context.view_layer.update()
    bpy.ops.ed.undo_push(message="start")
    settings().live = True
    rest()
    yield armature
    settings().live = False
    live().tick()


def rest() -> None:
    """Let Live take the present state as its base."""
    bpy.context.view_layer.update()
    for _ in range(4):
        live().tick()
    assert live().gesture.phase.value == "still", panel_status()


def drag(monkeypatch, *offsets: float) -> None:
    """Move a point of the path sideways, as a modal operator does, and see each motion."""
    monkeypatch.setattr(part("operators.live.watching"), "dragging", lambda: True)
    for x in offsets:
        settings().path.data.splines[0].points[1].co.x = x
        bpy.context.view_layer.update()
        live()._read_next = 0.0  # however long the reading before took
        live().tick()
        assert live().worker.wait(600.0)
        live().tick()


def end_drag(monkeypatch) -> None:
    """End the modal operator; Blender pushes its undo step."""
    monkeypatch.setattr(part("operators.live.watching"), "dragging", lambda: False)
    bpy.ops.ed.undo_push(message="Move")
    finish()


def finish() -> None:
    for _ in range(3):
        live().tick()
        assert live().worker.wait(600.0)
    for _ in range(3):
        live().tick()


def settle() -> None:
    """Complete a change that has no end of its own, as of a number."""
    live().tick()
    live().gesture.changed_at -= 10.0
    finish()


def keys() -> dict[tuple[str, int], np.ndarray]:
    found = {}
    for curve in part("operators.armature.actions").curves_of(settings().character):
        values = np.empty(2 * len(curve.keyframe_points), np.float32)
        curve.keyframe_points.foreach_get("co", values)
        found[curve.data_path, curve.array_index] = values
    return found


def same(one, two) -> bool:
    return one.keys() == two.keys() and all(np.allclose(one[name], two[name], atol=1e-4) for name in one)


def finished_is_that_of_generate(monkeypatch) -> bool:
    """End the drag, and compare its keys with those that Generate makes of the same scene."""
    end_drag(monkeypatch)
    made = keys()
    settings().live = False
    live().tick()
    bpy.ops.motionlcm.generate()
    return same(made, keys())


def test_a_drag_is_followed_and_ends_in_one_action(character, monkeypatch):
    drag(monkeypatch, 0.2, 0.4)
    shown = preview().shown_on(character)
    assert shown is not None and action() == shown and len(bpy.data.actions) == 1
    first = keys()
    drag(monkeypatch, 0.6)
    assert preview().shown_on(character) == shown and not same(first, keys())
    end_drag(monkeypatch)
    assert preview().shown_on(character) is None and len(bpy.data.actions) == 1
    made = keys()
    settings().live = False
    live().tick()
    bpy.ops.motionlcm.generate()
    assert same(made, keys()), "Generate gives the same keys"


def test_fitted_keys_are_those_of_generate(character, monkeypatch):
    settings().key_mode = "FITTED"
    settle()
    drag(monkeypatch, 0.4)
    assert len(part("operators.armature.actions").curves_of(character)[0].keyframe_points) > 40
    assert finished_is_that_of_generate(monkeypatch)


def test_it_is_a_motion_along_the_path_as_it_is(character, monkeypatch):
    drag(monkeypatch, 0.5)
    end_drag(monkeypatch)
    path = np.array(part("operators.armature.actions").recipe_of(character)["path_xz"]).reshape(-1, 2)
    assert 0.3 < path[:, 0].max() <= 0.5


def test_esc_brings_back_what_was_before(character, monkeypatch):
    bpy.ops.motionlcm.generate()
    rest()
    before, made = action(), keys()
    fake = before.use_fake_user
    drag(monkeypatch, 0.3, 0.5)
    assert action() != before
    drag(monkeypatch, 0.0)
    monkeypatch.setattr(part("operators.live.watching"), "dragging", lambda: False)
    finish()
    assert action() == before and same(made, keys()) and before.use_fake_user == fake
    assert len(bpy.data.actions) == 1 and live().gesture.phase.value == "still"


def test_esc_on_a_character_without_motion(character, monkeypatch):
    drag(monkeypatch, 0.3, 0.0)
    monkeypatch.setattr(part("operators.live.watching"), "dragging", lambda: False)
    finish()
    assert action() is None and len(bpy.data.actions) == 0 and character.animation_data is None


def test_undo_takes_back_curve_and_motion_together(character, monkeypatch):
    drag(monkeypatch, 0.3)
    end_drag(monkeypatch)
    first = keys()
    drag(monkeypatch, 0.9)
    end_drag(monkeypatch)
    second = keys()
    assert not same(first, second)
    bpy.ops.ed.undo()
    for _ in range(4):
        live().tick()
    assert settings().path.data.splines[0].points[1].co.x == pytest.approx(0.3)
    assert same(first, keys()) and live().gesture.phase.value == "still" and not live().worker.busy
    bpy.ops.ed.redo()
    for _ in range(4):
        live().tick()
    assert settings().path.data.splines[0].points[1].co.x == pytest.approx(0.9) and same(second, keys())
    bpy.ops.ed.undo()
    for _ in range(4):
        live().tick()
    bpy.ops.ed.undo()
    for _ in range(4):
        live().tick()
    assert settings().path.data.splines[0].points[1].co.x == pytest.approx(0.0)
    assert settings().character.animation_data is None or action() is None
    assert not any(part("operators.armature.take_properties").LIVE_PREVIEW.is_on(a) for a in bpy.data.actions)


def test_undo_during_a_change_leaves_no_preview(character, monkeypatch):
    settings().seed = 7
    bpy.ops.ed.undo_push(message="Seed")
    bpy.context.view_layer.update()
    live().tick()
    assert live().worker.wait(600.0)
    live().tick()
    assert preview().shown_on(character) is not None
    bpy.ops.ed.undo()
    for _ in range(4):
        live().tick()
    assert len(bpy.data.actions) == 0


def test_one_action_for_many_drags(character, monkeypatch):
    for number in range(12):
        drag(monkeypatch, 0.1 + 0.05 * number)
        end_drag(monkeypatch)
    assert [a.name for a in bpy.data.actions] == ["MotionLCM a person walks forward s0"]


def test_an_edited_action_is_kept(character, monkeypatch):
    drag(monkeypatch, 0.2)
    end_drag(monkeypatch)
    edited = action()
    part("operators.armature.actions").curves_of(character)[0].keyframe_points[0].co.y += 0.5
    drag(monkeypatch, 0.4)
    end_drag(monkeypatch)
    assert action() != edited and edited.name in bpy.data.actions and edited.use_fake_user


@pytest.mark.parametrize(
    ("name", "value"), [("seed", 5), ("length", 2.4), ("prompt", "a person turns"), ("steps", "2")]
)
def test_settings_make_the_motion_anew(character, name, value):
    setattr(settings(), name, value)
    bpy.context.view_layer.update()
    settle()
    assert action() is not None and preview().shown_on(character) is None
    recipe = part("operators.armature.actions").recipe_of(character)
    wanted = {"seed": 5, "prompt": "a person turns"}.get(name)
    assert wanted is None or recipe[name] == wanted


def test_a_pin_and_a_facing_target_that_are_moved(character):
    target = bpy.data.objects.new("Target", None)
    bpy.context.scene.collection.objects.link(target)
    target.location = (0.5, -2.0, 1.0)
    pin = settings().pins.add()
    pin.target, pin.joint, pin.first, pin.last = target, "r_wrist", 20, 20
    bpy.context.view_layer.update()
    settle()
    first = keys()
    target.location.x = 0.2
    bpy.context.view_layer.update()
    settle()
    assert not same(first, keys())
    settings().pins.clear()
    settings().facing, settings().facing_object = "OBJECT", target
    bpy.context.view_layer.update()
    settle()
    second = keys()
    target.location.x = -3.0
    bpy.context.view_layer.update()
    settle()
    assert not same(second, keys())


def test_an_animated_object_as_path_is_read_without_stepping(character):
    mover = bpy.data.objects.new("Mover", None)
    bpy.context.scene.collection.objects.link(mover)
    for frame, y in ((1, 0.0), (49, -2.0)):
        mover.location = (0.0, y, 0.0)
        mover.keyframe_insert("location", frame=frame)
    settings().path = mover
    bpy.context.view_layer.update()
    frames = []
    note = lambda scene, *_: frames.append(scene.frame_current)  # noqa: E731
    bpy.app.handlers.frame_change_post.append(note)
    reading = live()._reader.read(bpy.context, character, "")
    bpy.app.handlers.frame_change_post.remove(note)
    assert frames == []
    exact = part("operators.generation.orders").order_from_scene(bpy.context)
    assert np.allclose(reading.order.path_xz, exact.path_xz, atol=1e-5)


def test_the_path_is_coloured_while_it_is_dragged(character, monkeypatch):
    shapes = part("operators.live.path_drawing").path_shapes
    drag(monkeypatch, 0.3)
    assert live()._drawing._order is live()._reading.order
    points, colours, _ = shapes(live()._reading.order)
    assert points[:, 0].max() == pytest.approx(0.3, abs=0.05) and points[-1, 1] == pytest.approx(-2.0, abs=0.01)
    assert (points[:, 2] > 0.0).all() and len(colours) == len(points) == 40
    assert colours[20, 0] < 0.5, "a comfortable speed is not red"
    settings().path.data.splines[0].points[2].co.y = -9.0
    settings().ease_in = 0.6
    drag(monkeypatch, 0.4)
    _, fast, marks = shapes(live()._reading.order)
    assert fast[20, 0] > 0.9 and fast[20, 1] < 0.5, "a walk at 4.5 m/s is red"
    assert len(marks) >= 2 and np.linalg.norm(marks[1] - marks[0]) == pytest.approx(0.36, abs=0.01), "a gait changes"
    end_drag(monkeypatch)
    assert live()._drawing._order is None


def test_a_refusal_is_shown_once_and_live_goes_on(character, monkeypatch):
    shown = []
    show = part("operators.scene.messages").show_message
    monkeypatch.setattr(
        part("operators.scene.messages"), "show_message", lambda *a, **k: shown.append(a[0]) or show(*a, **k)
    )
    settings().path.data.splines.clear()
    bpy.context.view_layer.update()
    for _ in range(5):
        live().tick()
        bpy.context.view_layer.update()
    assert len(shown) == 1 and "Path" in shown[0] and panel_status().error
    add_spline(settings().path.data, ((0.0, 0.0), (1.0, -2.0)))
    bpy.context.view_layer.update()
    settle()
    assert action() is not None and not panel_status().error


def test_nothing_happens_without_a_change(character, monkeypatch):
    offered = live().worker.counts.offered
    for _ in range(5):
        bpy.context.scene.frame_set(bpy.context.scene.frame_current + 1)
        live().tick()
    assert live().worker.counts.offered == offered and action() is None
    drag(monkeypatch, 0.2)
    end_drag(monkeypatch)
    offered = live().worker.counts.offered
    for _ in range(5):
        bpy.context.scene.frame_set(bpy.context.scene.frame_current + 1)
        bpy.context.view_layer.update()
        live().tick()
    assert live().worker.counts.offered == offered and live().gesture.phase.value == "still"


def test_the_playhead_is_no_change_and_a_change_begins_there(character, monkeypatch):
    settings().start = "CURRENT_FRAME"
    rest()
    bpy.context.scene.frame_set(20)
    offered = live().worker.counts.offered
    part("operators.live.watching").watch.changed = True
    live().tick()
    assert live().worker.counts.offered == offered
    settings().seed = 3
    live().tick()
    bpy.context.scene.frame_set(25)  # it plays on
    settle()
    assert part("operators.armature.actions").recipe_of(character)["first_frame"] == 20
    bpy.context.scene.frame_set(60)
    settings().seed = 4
    settle()
    assert part("operators.armature.actions").recipe_of(character)["first_frame"] == 20, "it stays where it is"


def test_another_character_is_no_change(character, monkeypatch):
    offered = live().worker.counts.offered
    add_character()
    rest()
    assert live().worker.counts.offered == offered
    drag(monkeypatch, 0.3)
    end_drag(monkeypatch)
    assert action() is not None and character.animation_data is None


def test_what_only_stepping_can_find_is_named(character):
    mover, other = (bpy.data.objects.new(name, None) for name in ("Mover", "Other"))
    for obj in (mover, other):
        bpy.context.scene.collection.objects.link(obj)
    for frame, y in ((1, 0.0), (49, -2.0)):
        other.location = (0.0, y, 0.0)
        other.keyframe_insert("location", frame=frame)
    mover.constraints.new("COPY_LOCATION").target = other
    settings().path = mover
    bpy.context.view_layer.update()
    live().tick()
    assert 'cannot follow "Mover"' in panel_status().message


def test_generate_during_a_change_replaces_it(character, monkeypatch):
    drag(monkeypatch, 0.3)
    bpy.ops.motionlcm.generate()
    assert preview().shown_on(character) is None and len(bpy.data.actions) == 1
    assert part("operators.armature.take_properties").PROMPT.is_on(action())


def test_pauses_while_rendering(character, monkeypatch):
    offered = live().worker.counts.offered
    settings().seed = 3
    bpy.context.view_layer.update()
    monkeypatch.setattr(part("operators.session.job_queue"), "is_rendering", lambda: True)
    assert live().tick() == part("operators.live.following").RENDERING
    assert live().worker.counts.offered == offered
    monkeypatch.setattr(part("operators.session.job_queue"), "is_rendering", lambda: False)
    settle()
    assert action() is not None


def handlers() -> int:
    return sum(
        len(getattr(bpy.app.handlers, name))
        for name in dir(bpy.app.handlers)
        if isinstance(getattr(bpy.app.handlers, name), list)
    )


def test_handlers_survive_a_file_and_go_with_live(character, monkeypatch):
    with_live = handlers()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert handlers() == with_live and settings().live
    bpy.context.scene.motionlcm.key_mode, bpy.context.scene.motionlcm.steps = "DENSE", "1"
    add_character()
    settings().path, settings().length = poly_curve(LINE), 2.0
    rest()
    drag(monkeypatch, 0.4)
    end_drag(monkeypatch)
    assert action() is not None
    settings().live = False
    live().tick()
    assert handlers() == with_live - len(part("operators.live.watching").listeners())


def test_a_file_saved_during_a_change_holds_the_finished_motion(character, monkeypatch, tmp_path):
    drag(monkeypatch, 0.3)
    file = str(tmp_path / "live.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    live().tick()
    assert len(bpy.data.actions) == 1 and preview().shown_on(settings().character) is None
    assert part("operators.armature.take_properties").PROMPT.is_on(action())


def test_a_preview_in_a_file_is_repaired(character, monkeypatch, tmp_path):
    bpy.ops.motionlcm.generate()
    rest()
    before = action().name
    drag(monkeypatch, 0.3)
    monkeypatch.setattr(live(), "_save", lambda: None)
    part("operators.live.watching").watch.before_save = lambda: None
    file = str(tmp_path / "crash.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    live().tick()
    assert action().name == before and len(bpy.data.actions) == 1


def test_disabling_the_extension_during_a_change_puts_back_what_was(character, monkeypatch):
    import threading

    import addon_utils

    drag(monkeypatch, 0.3)
    count = len(part("operators.live.watching").listeners())
    there = handlers()
    addon_utils.disable(EXTENSION)
    assert len(bpy.data.actions) == 0 and handlers() <= there - count
    assert not [thread for thread in threading.enumerate() if thread.name == "MotionLCM Live"]
    addon_utils.enable(EXTENSION, default_set=True)


# other armatures, other root motion, long motion


@pytest.mark.parametrize("kind", ["mixamo", "rigify"])
def test_any_rig_lives(character, monkeypatch, kind):
    settings().live = False
    live().tick()
    rig = test_any_rig.mixamo_like() if kind == "mixamo" else test_any_rig.stored_rig("rigify_human_generated")
    obj = test_any_rig.build(rig)
    settings().live = True
    rest()
    read = []
    read_rig = part("operators.generation.order_builder").read_rig_of
    monkeypatch.setattr(
        part("operators.generation.order_builder"), "read_rig_of", lambda o: read.append(o) or read_rig(o)
    )
    drag(monkeypatch, 0.2, 0.4, 0.6)
    assert preview().shown_on(obj) is not None and not read, "the rig that was read at rest serves all previews"
    end_drag(monkeypatch)
    assert preview().shown_on(obj) is None and len(bpy.data.actions) == 1
    made = keys()
    settings().live = False
    live().tick()
    bpy.ops.motionlcm.generate()
    assert same(made, keys())


@pytest.mark.parametrize("travel", ["root", "in_place"])
def test_root_motion_elsewhere(character, monkeypatch, travel):
    settings().travel = travel
    settle()
    drag(monkeypatch, 0.3, 0.5)
    end_drag(monkeypatch)
    made = keys()
    offered = live().worker.counts.offered
    for _ in range(5):
        bpy.context.scene.frame_set(bpy.context.scene.frame_current + 3)
        bpy.context.view_layer.update()
        live().tick()
    assert live().worker.counts.offered == offered, "the object moves by the motion itself"
    settings().live = False
    live().tick()
    bpy.ops.motionlcm.generate()
    assert same(made, keys())


def test_a_long_preview_has_fewer_keys_and_the_motion_all(character, monkeypatch):
    settings().length = 14.0
    settle()
    drag(monkeypatch, 0.3)
    curve = part("operators.armature.actions").curves_of(character)[0]
    assert 150 <= len(curve.keyframe_points) <= preview().MOST_KEYS + 1
    end_drag(monkeypatch)
    curve = part("operators.armature.actions").curves_of(character)[0]
    assert len(curve.keyframe_points) > preview().MOST_KEYS


# shots


@pytest.fixture
def shots(character):
    settings().live = False
    live().tick()
    settings().length = 1.0
    for prompt in ("a person walks", "a person turns"):
        settings().prompt = prompt
        bpy.ops.motionlcm.add_shot()
    listed = character.motionlcm.shots
    listed[0].path = listed[1].path = settings().path
    listed[0].path_to = listed[1].path_from = 0.5
    bpy.ops.motionlcm.generate_shots()
    character.motionlcm.shot_index = 0
    settings().live = True
    rest()
    rest()
    return listed


def states(character) -> str:
    return "".join(shot.state[0] for shot in character.motionlcm.shots)


def test_the_active_shot_lives_and_its_neighbour_follows(character, shots, monkeypatch):
    count = len(bpy.data.actions)
    old = [shot.action.name for shot in shots]
    settings().character.motionlcm.shots[0].seed = 9
    bpy.context.view_layer.update()
    live().tick()
    assert live().worker.wait(600.0)
    live().tick()
    shown = preview().shown_on(character)
    assert shown is not None and character.animation_data.action_extrapolation == "NOTHING"
    settle()
    now = character.motionlcm.shots
    assert states(character) == "DD" and action() is None and preview().shown_on(character) is None
    assert now[0].action.name != old[0] and now[1].action.name != old[1]
    assert character.animation_data.action_extrapolation == "HOLD"
    settings().character.motionlcm.shots[0].seed = 10
    bpy.context.view_layer.update()
    for _ in range(4):
        live().tick()
    settle()
    assert len(bpy.data.actions) <= count + 4


def test_the_touched_part_of_a_shared_path_chooses_the_shot(character, shots, monkeypatch):
    first, second = (shot.action.name for shot in shots)
    monkeypatch.setattr(part("operators.live.watching"), "dragging", lambda: True)
    settings().path.data.splines[0].points[2].co.x = 0.3
    bpy.context.view_layer.update()
    live().tick()
    assert live()._choice.shot == shots[1].uid
    assert live().worker.wait(600.0)
    live().tick()
    monkeypatch.setattr(part("operators.live.watching"), "dragging", lambda: False)
    finish()
    now = character.motionlcm.shots
    assert now[1].action.name != second and now[0].action.name == first


def test_choosing_another_shot_is_no_change(character, shots):
    offered = live().worker.counts.offered
    character.motionlcm.shot_index = 1
    bpy.context.view_layer.update()
    for _ in range(4):
        live().tick()
    assert live().worker.counts.offered == offered


def test_a_locked_shot_is_left_alone(character, shots):
    offered = live().worker.counts.offered
    shots[0].locked = True
    shots[0].seed = 4
    bpy.context.view_layer.update()
    live().tick()
    assert "locked" in panel_status().message and live().worker.counts.offered == offered
