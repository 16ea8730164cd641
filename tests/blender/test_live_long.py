"""Live with long motion: which frames of a preview have keys, what Blender shows of them, pauses of the interpreter."""

from __future__ import annotations

import gc
import sys

import bpy
import numpy as np
import pytest

from tests.blender.support import bone_heads, part, settings
from tests.blender.test_live import character, drag, end_drag, keys, live, preview, settle  # noqa: F401  a fixture


def frames_of_keys() -> np.ndarray:
    """The frames of the keys of all curves, which are the same for each."""
    moments = {tuple(values[0::2].tolist()) for values in keys().values() if len(values) > 2}
    assert len(moments) == 1
    return np.array(moments.pop())


def curves() -> set[int]:
    """Addresses of the preview's curves: curves that stay keep theirs."""
    return {curve.as_pointer() for curve in part("operators.armature.actions").curves_of(settings().character)}


@pytest.mark.parametrize("count", [1, 299, 300, 301, 340, 2400])
@pytest.mark.parametrize("shown", [-50, 0, 39, 100, 290, 5000])
def test_keys_lie_on_each_frame_near_the_playhead(extension, count, shown):
    module = preview()
    frames = module.kept_frames(count, shown)
    assert frames[0] == 0 and frames[-1] == count - 1 and (np.diff(frames) > 0).all()
    assert len(frames) == min(count, module.MOST_KEYS)
    near = np.arange(max(shown - module.BEFORE, 0), min(shown + module.NEAR_KEYS - module.BEFORE, count))
    assert set(near.tolist()) <= set(frames.tolist())
    if len(frames) < count:
        widest = np.diff(frames).max()
        assert widest <= 2 + (count - module.NEAR_KEYS) // (module.MOST_KEYS - module.NEAR_KEYS), "even elsewhere"


def test_a_long_preview_follows_the_playhead_in_place(character, monkeypatch):  # noqa: F811
    settings().length = 20.0
    settle()
    drag(monkeypatch, 0.2)
    first, at = frames_of_keys(), curves()
    bpy.context.scene.frame_set(300)
    drag(monkeypatch, 0.3)
    second = frames_of_keys()
    assert len(first) == len(second) == preview().MOST_KEYS and not np.array_equal(first, second)
    assert curves() == at, "no curve was made anew"
    assert set(range(270, 400)) <= set(second.astype(int).tolist())
    hips = part("operators.armature.smpl_rig").read_rig(character).bones[0]
    before = bone_heads(character, hips, [300.0])
    drag(monkeypatch, 0.9)
    after = bone_heads(character, hips, [300.0])
    assert np.linalg.norm(after - before) > 1e-3, "Blender shows the new keys"
    end_drag(monkeypatch)


def test_the_interpreter_pauses_shortly_during_a_change_only(character, monkeypatch):  # noqa: F811
    before = sys.getswitchinterval(), gc.get_threshold()
    drag(monkeypatch, 0.2)
    assert sys.getswitchinterval() < 0.2 * before[0]
    assert gc.isenabled() and gc.get_threshold()[:2] == before[1][:2] and gc.get_threshold()[2] > 1_000_000
    end_drag(monkeypatch)
    assert (sys.getswitchinterval(), gc.get_threshold()) == before
    drag(monkeypatch, 0.4)
    live().step_aside()
    live().tick()
    assert (sys.getswitchinterval(), gc.get_threshold()) == before


def test_settings_of_the_interpreter_that_others_changed_stay(extension):
    pauses, before = part("operators.live.short_pauses").ShortPauses(), (sys.getswitchinterval(), gc.get_threshold())
    try:
        pauses.switch(True)
        sys.setswitchinterval(0.003)
        gc.set_threshold(123, 4, 5)
        pauses.switch(False)
        assert sys.getswitchinterval() == pytest.approx(0.003) and gc.get_threshold() == (123, 4, 5)
    finally:
        sys.setswitchinterval(before[0])
        gc.set_threshold(*before[1])


def test_the_main_thread_keeps_the_interpreter_during_its_work(character, monkeypatch):  # noqa: F811
    module, seen = part("operators.live.short_pauses"), []
    shown = preview().show
    monkeypatch.setattr(preview(), "show", lambda *args: (seen.append(sys.getswitchinterval()), shown(*args))[1])
    drag(monkeypatch, 0.2, 0.4)
    assert seen[-1] == pytest.approx(module.HELD_SECONDS) and sys.getswitchinterval() == pytest.approx(
        module.SWITCH_SECONDS
    )
    end_drag(monkeypatch)


def test_a_curve_is_timed_again_only_if_it_changed(character, monkeypatch):  # noqa: F811
    timed, module = [], part("operators.controls.trajectory")
    before = module.timed
    monkeypatch.setattr(module, "timed", lambda *args: timed.append(args) or before(*args))
    drag(monkeypatch, 0.2)
    assert len(timed) == 1
    settings().seed += 1
    drag(monkeypatch, 0.2)
    live().tick()
    assert len(timed) == 1, "another seed"
    drag(monkeypatch, 0.3)
    assert len(timed) == 2, "another place of a point"
    settings().ease_in = 1.0
    drag(monkeypatch, 0.3)
    assert len(timed) == 3, "another timing"
    end_drag(monkeypatch)


def test_a_character_that_is_moved_during_a_change_is_read_again(character, monkeypatch):  # noqa: F811
    reader = live()._reader
    drag(monkeypatch, 0.2)
    known = reader.known(character)
    live_watch = part("operators.live.watching").watch
    live_watch.character_changed = True
    drag(monkeypatch, 0.3)
    assert reader.known(character) is known, "Blender reports our own preview as a change of the character"
    character.scale = (1.5, 1.5, 1.5)
    bpy.context.view_layer.update()
    live_watch.character_changed = True
    drag(monkeypatch, 0.4)
    assert reader.known(character) is not known
    assert reader.known(character).units_per_metre == pytest.approx(1.5 * known.units_per_metre)
    end_drag(monkeypatch)
