"""Several characters: who is served when, and what becomes of those that wait."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import bpy
import pytest

from tests.blender.support import EXTENSION, add_character, panel_status, part, refusal, settings

PROMPTS = ("a person walks", "a person turns", "a person waves")


def module():
    return part("operators.session.job_queue")


def jobs():
    return module().get()


@pytest.fixture
def quick(monkeypatch):
    """Work that takes no time, and a list of what was written."""
    worker = part("operators.session.generation_worker")
    monkeypatch.setattr(worker, "make", lambda order, *_: SimpleNamespace(warnings=(), of=order))
    return []


def turn(written: list[str], uid: int, count: int = 1, number: int = 1):
    """A character's wish for so many jobs, each of which leaves its name, such as "1.2", in the list."""

    def start():
        order = SimpleNamespace(character=part("operators.scene.handles").Handle(f"C{uid}", uid), warnings=())
        name = f"{uid}.{number}"
        then = None if number == count else turn(written, uid, count, number + 1).start
        return module().Job(order, lambda *_: written.append(name) or f"{name} written.", then, name)

    return module().QueuedJob(part("operators.scene.handles").Handle(f"C{uid}", uid), start)


def failing(uid: int, sentence: str = "C2 cannot."):
    def start():
        raise part("motionlcm_blender.errors").InvalidRequest(sentence)

    return module().QueuedJob(part("operators.scene.handles").Handle(f"C{uid}", uid), start)


def enqueue_all(*turns) -> None:
    jobs().enqueue(turns, wait=False)


def serve(times: int = 100) -> None:
    """Let workers deliver and write what they did, so many times at most."""
    for _ in range(times):
        for thread in list(jobs().task.threads):
            thread.join(60)
        if jobs().poll() is None:
            return


def test_characters_take_turns(quick):
    enqueue_all(turn(quick, 1, 4))
    enqueue_all(turn(quick, 2, 2))
    enqueue_all(turn(quick, 3))
    assert panel_status().waiting == 2 and panel_status().who == "C1"
    serve()
    assert quick == ["1.1", "2.1", "3.1", "1.2", "2.2", "1.3", "1.4"]
    assert not panel_status().running and panel_status().waiting == 0 and panel_status().message == "1.4 written."


def test_in_the_background_they_take_turns_as_well(quick):
    jobs().enqueue([turn(quick, 1, 3), turn(quick, 2, 2)])
    assert quick == ["1.1", "2.1", "1.2", "2.2", "1.3"]


def test_a_new_request_replaces_that_of_the_same_character_only(quick):
    enqueue_all(turn(quick, 1, 2))
    enqueue_all(turn(quick, 2, 2))
    enqueue_all(turn(quick, 1))  # it ran: it starts over, at the end of the line
    assert panel_status().who == "C2" and panel_status().waiting == 1
    enqueue_all(turn(quick, 1, 3))  # it waited
    assert panel_status().waiting == 1
    serve()
    assert quick == ["2.1", "1.1", "2.2", "1.2", "1.3"]


def test_what_is_made_is_known_by_character_and_shot(quick):
    enqueue_all(turn(quick, 1, 2), turn(quick, 2))
    assert jobs().makes(1, "1.1") and not jobs().makes(2, "1.1") and not jobs().makes(2, "2.1")
    serve(1)
    assert jobs().makes(2, "2.1") and not jobs().makes(1, "1.2")
    serve(1)
    assert jobs().makes(1, "1.2")


def test_cancel_stops_the_one_shown_with_all_its_shots(quick):
    enqueue_all(turn(quick, 1, 3), turn(quick, 2), turn(quick, 3))
    assert bpy.ops.motionlcm.cancel() == {"FINISHED"}
    assert panel_status().running and panel_status().who == "C2" and panel_status().message == "Cancelled."
    serve()
    assert quick == ["2.1", "3.1"]


def test_cancel_all(quick):
    enqueue_all(turn(quick, 1, 3), turn(quick, 2), turn(quick, 3))
    assert bpy.ops.motionlcm.cancel(everything=True) == {"FINISHED"}
    serve()
    assert quick == [] and not panel_status().running and panel_status().waiting == 0
    assert bpy.ops.motionlcm.cancel() == {"CANCELLED"}


def test_what_goes_wrong_for_one_does_not_stop_the_others(quick):
    enqueue_all(turn(quick, 1), failing(2), turn(quick, 3))
    serve(1)
    assert panel_status().running and panel_status().message == "C2 cannot." and panel_status().error
    serve()
    assert quick == ["1.1", "3.1"] and panel_status().message == "3.1 written." and not panel_status().error
    assert panel_status().warnings == ("C2 cannot.",)
    enqueue_all(turn(quick, 1))
    assert panel_status().warnings == ()


def test_an_error_names_its_character(quick):
    enqueue_all(failing(1, "It is too long."), failing(2, "It is too short."))
    assert panel_status().message == "C2: It is too short." and panel_status().warnings == ("C1: It is too long.",)
    enqueue_all(failing(1, "It is too long."))
    assert panel_status().message == "It is too long." and panel_status().warnings == ()


def test_another_file_ends_all_in_one_sentence(quick):
    enqueue_all(turn(quick, 1, 3), turn(quick, 2), turn(quick, 3))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    serve()
    assert quick == [] and not panel_status().running and panel_status().waiting == 0
    assert panel_status().message == "Another file was opened, so the requests of 3 characters were cancelled."


def test_off_and_on_again_while_some_wait(quick):
    import addon_utils

    enqueue_all(turn(quick, 1, 3), turn(quick, 2))
    addon_utils.disable(EXTENSION)
    addon_utils.enable(EXTENSION, default_set=True)
    jobs().poll()
    assert quick == []


def test_making_at_once_does_not_disturb_the_line(quick):
    enqueue_all(turn(quick, 1, 2), turn(quick, 2))
    assert module().run_blocking(turn(quick, 9, 3).start) == ["9.1 written.", "9.2 written.", "9.3 written."]
    assert panel_status().running and panel_status().waiting == 1
    serve()
    assert quick == ["9.1", "9.2", "9.3", "1.1", "2.1", "1.2"]


# with real shots


def two_with_shots() -> list[bpy.types.Object]:
    found = [add_character(), add_character()]
    settings().length = 1.0
    for number, armature in enumerate(found):
        armature.name = f"C{number + 1}"
        settings().character = armature
        for prompt in PROMPTS[: 3 - number]:
            settings().prompt = prompt
            bpy.ops.motionlcm.add_shot()
    return found


def states(armature: bpy.types.Object) -> str:
    return "".join(shot.state[0] for shot in armature.motionlcm.shots)


def never_wait(monkeypatch) -> None:
    enqueue_now = jobs().enqueue
    monkeypatch.setattr(jobs(), "enqueue", lambda turns: enqueue_now(turns, wait=False))
    bpy.ops.motionlcm.generate_all_characters()
    monkeypatch.undo()


def test_all_characters(monkeypatch):
    one, two = two_with_shots()
    never_wait(monkeypatch)
    assert (states(one), states(two)) == ("GEE", "EE")
    serve(1)
    assert (states(one), states(two)) == ("DEE", "GE")
    serve(1)
    assert (states(one), states(two)) == ("DGE", "DE")
    serve()
    assert (states(one), states(two)) == ("DDD", "DD")
    assert panel_status().message.startswith('C1, "Shot 3": frames 49 to 73')
    assert "All shots of all characters are done or locked" in refusal(bpy.ops.motionlcm.generate_all_characters)
    two.motionlcm.shots[1].seed = 3
    bpy.ops.motionlcm.generate_all_characters()
    assert states(two) == "DD"


def test_a_character_deleted_while_it_waits_ends_in_a_sentence(monkeypatch):
    one, two = two_with_shots()
    never_wait(monkeypatch)
    bpy.data.objects.remove(two)
    serve(1)
    assert '"C2" was deleted in the meantime' in panel_status().message and panel_status().error
    serve()
    assert states(one) == "DDD" and any('"C2" was deleted' in warning for warning in panel_status().warnings)


def test_a_character_deleted_while_a_take_of_it_waits(monkeypatch):
    one, two = two_with_shots()
    generate = part("operators.generation.orders")
    for armature in (one, two):
        settings().character = armature
        enqueue_all(generate.queued_job(generate.order_from_scene(bpy.context)))
    bpy.data.objects.remove(two)
    serve()
    assert '"C2" was deleted in the meantime' in panel_status().message and len(bpy.data.actions) == 1


def test_undo_while_some_wait(monkeypatch):
    one, two = two_with_shots()
    names = one.name, two.name
    bpy.ops.ed.undo_push(message="characters")
    bpy.context.scene.cursor.location.x = 3
    bpy.ops.ed.undo_push(message="cursor")
    never_wait(monkeypatch)
    bpy.ops.ed.undo()
    serve()
    assert [states(bpy.data.objects[name]) for name in names] == ["DDD", "DD"], panel_status()


def test_undoing_a_character_that_waits_ends_in_a_sentence(monkeypatch):
    bpy.ops.ed.undo_push(message="start")
    add_character().name = "C1"
    settings().length = 1.0
    bpy.ops.motionlcm.add_shot()
    bpy.ops.ed.undo_push(message="first")
    add_character().name = "C2"
    bpy.ops.motionlcm.add_shot()
    bpy.ops.ed.undo_push(message="second")
    never_wait(monkeypatch)
    bpy.ops.ed.undo()
    serve()
    assert states(bpy.data.objects["C1"]) == "D"
    assert '"C2" was deleted in the meantime' in panel_status().message


def test_another_thread_than_ours_is_never_the_one_that_writes(quick):
    written_by = []
    wish = turn(quick, 1)
    start = wish.start

    def watched():
        job = start()
        write = job.write
        job.write = lambda *args: written_by.append(threading.current_thread()) or write(*args)
        return job

    wish.start = watched
    enqueue_all(wish)
    serve()
    assert written_by == [threading.main_thread()]


def test_nothing_is_written_while_blender_renders(quick, monkeypatch):
    enqueue_all(turn(quick, 1), turn(quick, 2))
    rendering = [True]
    monkeypatch.setattr(module(), "is_rendering", lambda: rendering[0])
    for thread in list(jobs().task.threads):
        thread.join(60)
    for _ in range(3):
        assert jobs().poll() is not None
    assert quick == [] and panel_status().stage == "Waiting for the render"
    enqueue_all(turn(quick, 3))  # waits as well
    assert quick == []
    rendering[0] = False
    serve()
    assert sorted(quick) == ["1.1", "2.1", "3.1"]
