"""The model's memory: shown, given back after a while, never while it is at work."""

from __future__ import annotations

import weakref

import bpy

from tests.blender.support import EXTENSION, add_character, generate, part
from tests.blender.test_panels import drawn, texts


def engine():
    return part("operators.engine")


def preferences():
    return bpy.context.preferences.addons[EXTENSION].preferences


def later(monkeypatch, minutes: float) -> None:
    now = engine().time.monotonic()
    monkeypatch.setattr(engine().time, "monotonic", lambda: now + 60.0 * minutes)


def test_memory_is_shown_and_given_back_after_a_while(monkeypatch):
    idle = part("operators.idle")
    add_character()
    before = generate(seconds=1.0)
    engine().read_card(engine().chosen())
    told = texts(drawn("MOTIONLCM_PT_model"))
    assert "NumPy" in told and " MiB" in told and engine().in_use.bytes > 1000
    held = weakref.ref(engine().model(engine().chosen()))
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
    idle = part("operators.idle")
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
