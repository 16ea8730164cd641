"""The model's memory: shown, given back after a while, never while it is at work."""

from __future__ import annotations

import threading
import weakref

import bpy

from tests.blender.support import EXTENSION, add_character, generate, part
from tests.blender.test_panels import drawn, texts


def module():
    return part("operators.session.model_session")


def engine():
    return module().get()


def preferences():
    return bpy.context.preferences.addons[EXTENSION].preferences


def later(monkeypatch, minutes: float) -> None:
    now = module().time.monotonic()
    monkeypatch.setattr(module().time, "monotonic", lambda: now + 60.0 * minutes)


def test_memory_is_shown_and_given_back_after_a_while(monkeypatch):
    idle = part("operators.session.idle_unload")
    add_character()
    before = generate(seconds=1.0)
    part("operators.session.model_info").read_card(part("operators.session.model_choice").chosen())
    drawn_texts = texts(drawn("MOTIONLCM_PT_model"))
    assert "NumPy" in drawn_texts and " MiB" in drawn_texts and engine().in_use.bytes > 1000
    (loaded,) = engine()._loaded.values()
    held = weakref.ref(loaded)
    del loaded
    assert idle.look() == idle.INTERVAL and held() is not None
    with monkeypatch.context() as patched:
        later(patched, preferences().idle_minutes - 1)
        assert idle.look() == idle.INTERVAL and held() is not None
    with monkeypatch.context() as patched:
        later(patched, preferences().idle_minutes + 1)
        assert idle.look() is None and held() is None
    assert engine().in_use is None and "MiB" not in texts(drawn("MOTIONLCM_PT_model"))
    again = generate(seconds=1.0)  # loaded anew
    assert again is not None and before is not None and engine().in_use is not None


def test_never_if_so_chosen_and_never_at_work(monkeypatch):
    idle = part("operators.session.idle_unload")
    add_character()
    generate(seconds=1.0)
    later(monkeypatch, 10_000)
    preferences().idle_minutes = 0
    assert idle.look() == idle.INTERVAL and engine().in_use is not None
    preferences().idle_minutes = 15
    monkeypatch.setattr(engine(), "_busy", 1)
    assert idle.look() == idle.INTERVAL and not engine().unload() and engine().in_use is not None
    monkeypatch.setattr(engine(), "_busy", 0)
    assert idle.look() is None


def test_warming_up_loads_once_and_requests_wait_for_it(monkeypatch):
    sampler = part("motionlcm_blender.generation.pipeline")
    calls, inside, at_work = [], threading.Event(), []
    whole = sampler.MotionLCM.generate

    def watched(self, request, *rest):
        at_work.append(threading.current_thread().name)
        calls.append((request.prompt, len(at_work)))
        inside.set()
        try:
            return whole(self, request, *rest)
        finally:
            at_work.pop()

    monkeypatch.setattr(sampler.MotionLCM, "generate", watched)
    add_character()
    engine().forget()
    ahead = threading.Thread(target=engine().warm_up, args=(part("operators.session.model_choice").chosen(),))
    ahead.start()
    assert inside.wait(60.0)
    assert generate(prompt="a person jumps", seconds=1.0) is not None
    ahead.join()
    assert [prompt for prompt, _ in calls] == ["a person dances", "a person jumps"]
    assert all(count == 1 for _, count in calls)
    engine().warm_up(part("operators.session.model_choice").chosen())  # it is warm
    assert len(calls) == 2


def test_letting_go_of_a_model_does_not_wait_for_its_warming_up(monkeypatch):
    sampler = part("motionlcm_blender.generation.pipeline")
    inside, go_on = threading.Event(), threading.Event()

    def slow(_model):
        inside.set()
        assert go_on.wait(60.0)

    monkeypatch.setattr(sampler.MotionLCM, "warm_up", slow)
    engine().forget()
    ahead = threading.Thread(target=engine().warm_up, args=(part("operators.session.model_choice").chosen(),))
    ahead.start()
    try:
        assert inside.wait(60.0)
        assert engine().idle_seconds() is None and not engine().unload()
        engine().forget()  # as a changed preference does
        assert engine().in_use is None and not engine().is_loaded()
    finally:
        go_on.set()
        ahead.join()
    assert engine().in_use is None
