"""What goes wrong ends in its sentence with nothing lost; jobs that are cancelled, replaced or orphaned."""

from __future__ import annotations

import time

import bpy
import pytest

from tests.blender.support import (
    EXTENSION,
    PATIENCE_S,
    add_character,
    panel_status,
    part,
    poly_curve,
    refusal,
    settings,
)


def jobs():
    return part("operators.session.job_queue").get()


def start(**changes) -> int:
    """Generate as a window would: in a worker, with `poll` to be called."""
    for name, value in changes.items():
        setattr(settings(), name, value)
    generate = part("operators.generation.orders")
    order = generate.order_from_scene(bpy.context)
    jobs().enqueue([generate.queued_job(order)], wait=False)
    return jobs().current.number


def wait_for_result() -> None:
    """Until the worker has delivered, without taking the result out of the queue."""
    for thread in list(jobs().task.threads):
        thread.join(60)
        assert not thread.is_alive()


def actions() -> list[str]:
    return [action.name for action in bpy.data.actions]


def test_worker_delivers_through_the_queue_and_poll_writes():
    add_character()
    start(prompt="a person waves", length=2.0)
    status = panel_status()
    assert status.running and actions() == []
    deadline = time.monotonic() + PATIENCE_S
    while jobs().poll() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert not status.running and not status.error and status.message.startswith("48 frames from frame 1, ")
    assert actions() == ["MotionLCM a person waves s0"]


def test_cancelled_result_is_dropped():
    add_character()
    start(length=2.0)
    assert bpy.ops.motionlcm.cancel() == {"FINISHED"}
    assert panel_status().message == "Cancelled." and not panel_status().running
    wait_for_result()
    jobs().poll()
    assert actions() == [] and panel_status().message == "Cancelled."
    assert bpy.ops.motionlcm.cancel() == {"CANCELLED"}


def test_late_result_of_a_replaced_job_is_dropped():
    add_character()
    first = start(prompt="the first", length=2.0)
    wait_for_result()  # delivered, but not yet written
    second = start(prompt="the second", length=2.0)
    assert second > first
    wait_for_result()
    jobs().poll()
    assert actions() == ["MotionLCM the second s0"]


def test_deleted_character_ends_in_a_sentence():
    armature = add_character()
    other = add_character()
    settings().character = armature
    start(length=2.0)
    name = armature.name
    wait_for_result()
    bpy.data.objects.remove(armature)
    jobs().poll()
    assert panel_status().error and f'"{name}" was deleted' in panel_status().message
    assert actions() == [] and other.animation_data is None


def test_a_namesake_of_the_deleted_character_is_left_alone():
    armature = add_character()
    start(length=2.0)
    name = armature.name
    wait_for_result()
    bpy.data.objects.remove(armature)
    other = add_character()
    other.name = name
    jobs().poll()
    assert "was deleted" in panel_status().message and other.animation_data is None


def test_renamed_character_still_gets_its_motion():
    armature = add_character()
    start(length=2.0)
    armature.name = "Hero"
    wait_for_result()
    jobs().poll()
    assert armature.animation_data.action.name in actions()


def test_character_that_lost_its_bones_ends_in_a_sentence():
    armature = add_character()
    start(length=2.0)
    wait_for_result()
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.edit_bones.remove(armature.data.edit_bones["l_knee"])
    bpy.ops.object.mode_set(mode="OBJECT")
    jobs().poll()
    assert "no humanoid" in panel_status().message and actions() == []


def test_undo_while_a_job_runs_does_not_lose_it():
    add_character()
    bpy.ops.ed.undo_push(message="character")
    bpy.context.scene.cursor.location.x = 3
    bpy.ops.ed.undo_push(message="cursor")
    start(length=2.0)
    bpy.ops.ed.undo()
    wait_for_result()
    jobs().poll()
    assert len(actions()) == 1, panel_status().message


def test_another_file_drops_the_job():
    add_character()
    start(length=2.0)
    wait_for_result()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    jobs().poll()
    assert actions() == [] and not panel_status().running
    assert panel_status().message == "Another file was opened, so the request was cancelled."


def test_removed_scene_ends_in_a_sentence():
    add_character()
    start(length=2.0)
    wait_for_result()
    gone = bpy.context.scene
    bpy.data.scenes.new("Other")
    bpy.data.scenes.remove(gone)
    jobs().poll()
    assert "scene was removed" in panel_status().message


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"prompt": "   "}, "prompt is empty"),
        ({"length": 61.0}, "61.0 s is too long: 60 s at most"),
        ({"length": 0.2}, "too short"),
    ],
)
def test_requests_that_cannot_be_met(changes, sentence):
    add_character()
    for name, value in changes.items():
        setattr(settings(), name, value)
    assert sentence in refusal()
    assert actions() == [] and not panel_status().running


@pytest.mark.parametrize(("seconds", "frames"), [(9.8, 196), (21.0, 420)])
def test_the_longest_length_at_a_time_is_met_and_more_is_made_in_pieces(seconds, frames):
    add_character()
    settings().length = seconds
    bpy.ops.motionlcm.generate()
    action = settings().character.animation_data.action
    assert action["motionlcm_frames"] == frames
    assert action.frame_range[1] - action.frame_range[0] == pytest.approx(24 * (frames - 1) / 20, abs=1.0)


def preferences():
    return bpy.context.preferences.addons[EXTENSION].preferences


@pytest.mark.parametrize("damage", ["missing", "a file", "empty", "truncated", "pickle"])
def test_bad_model_folder_ends_in_a_sentence(tmp_path, model_folder, damage):
    folder = tmp_path / "model"
    if damage == "a file":
        folder.write_text("no")
    elif damage != "missing":
        folder.mkdir()
        if damage != "empty":
            for file in model_folder.iterdir():
                (folder / file.name).write_bytes(file.read_bytes())
        weights = folder / "model.safetensors"
        if damage == "truncated":
            weights.write_bytes(weights.read_bytes()[:1000])
        elif damage == "pickle":
            import pickle

            weights.write_bytes(pickle.dumps({"a": 1}))
    add_character()
    preferences().model_folder = str(folder)
    sentence = refusal()
    assert sentence.endswith(".") and "unexpected error" not in sentence
    assert actions() == []
    card = part("operators.session.model_info").read_card(part("operators.session.model_choice").chosen())
    assert card.error or damage in ("truncated", "pickle")
    preferences().model_folder = str(model_folder)  # and it goes on from there
    bpy.ops.motionlcm.generate()
    assert len(actions()) == 1


def test_model_folder_from_the_environment(model_folder, monkeypatch):
    engine = part("operators.session.model_choice")
    preferences().model_folder = ""
    monkeypatch.setenv(engine.FOLDER_VARIABLE, str(model_folder))
    assert engine.chosen().folder == str(model_folder)
    card = part("operators.session.model_info").read_card(engine.chosen())
    assert (card.name, card.licence) == ("tiny", "CC0-1.0")


def test_device_that_is_not_there_ends_in_a_sentence():
    add_character()
    preferences().device = "CUDA"
    sentence = refusal()
    assert sentence.endswith(".") and "unexpected error" not in sentence and actions() == []


def test_unexpected_error_is_a_sentence_with_its_traceback_in_the_log(monkeypatch, caplog):
    add_character()

    def broken(*_args, **_kwargs):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(part("operators.session.generation_worker"), "on_skeleton", broken)
    sentence = refusal()
    assert "ZeroDivisionError: by nothing" in sentence and actions() == []
    assert any(record.exc_info for record in caplog.records)


def test_no_memory_is_a_sentence(monkeypatch):
    add_character()

    def hungry(*_args, **_kwargs):
        raise MemoryError

    monkeypatch.setattr(part("operators.session.generation_worker"), "on_skeleton", hungry)
    assert "not enough memory" in refusal()


def test_error_while_writing_loses_nothing(monkeypatch):
    armature = add_character()
    armature.keyframe_insert("location", frame=1)
    own = armature.animation_data.action

    def broken(*_args, **_kwargs):
        raise RuntimeError("no room")

    monkeypatch.setattr(part("operators.armature.smpl_rig"), "pose_channels", broken)
    assert "no room" in refusal()
    assert armature.animation_data.action == own and actions() == [own.name]


def test_error_in_the_midst_of_the_curves_leaves_no_half_action(monkeypatch):
    armature = add_character()
    armature.keyframe_insert("location", frame=1)
    own = armature.animation_data.action
    channels_of = part("operators.armature.actions").channels_of

    def twice(*args):
        channels = channels_of(*args)
        return [*channels, channels[0]]  # Blender refuses a second curve for the same property

    monkeypatch.setattr(part("operators.armature.actions"), "channels_of", twice)
    assert "unexpected error" in refusal()
    assert armature.animation_data.action == own and actions() == [own.name]


def test_nla_tweak_mode_is_refused_by_name():
    armature = add_character()
    armature.keyframe_insert("location", frame=1)
    data = armature.animation_data
    track = data.nla_tracks.new()
    track.strips.new("Strip", 1, data.action)
    data.action = None
    track.select = True
    data.nla_tracks.active = track
    track.strips[0].select = True
    data.use_tweak_mode = True
    assert data.use_tweak_mode
    assert "NLA tweak mode" in refusal()


def test_a_new_job_clears_the_old_message():
    add_character()
    settings().prompt = ""
    refusal()
    settings().prompt, settings().length = "a person waves", 2.0
    bpy.ops.motionlcm.generate()
    assert not panel_status().error


def test_warnings_about_the_path_are_shown():
    add_character()
    settings().path, settings().length = poly_curve([(0, 0), (0, 30)]), 2.0
    bpy.ops.motionlcm.generate()
    assert any("faster than people run" in warning for warning in panel_status().warnings)


def test_character_on_something_animated_is_reported():
    armature = add_character()
    cart = bpy.data.objects.new("Cart", None)
    bpy.context.scene.collection.objects.link(cart)
    cart.keyframe_insert("location", frame=1)
    armature.parent = cart
    settings().length = 1.0
    bpy.ops.motionlcm.generate()
    assert any('The parent "Cart"' in warning for warning in panel_status().warnings)
    assert any("on frame 1" in warning for warning in panel_status().warnings)
