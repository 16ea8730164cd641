"""The panel does not jump during a change that Live follows: each panel draws as many rows as before."""

from __future__ import annotations

import bpy
import pytest

from tests.blender.support import part, settings
from tests.blender.test_live import LINE, character, drag, end_drag, live, preview  # noqa: F401  character is a fixture
from tests.blender.test_panels import Layout, drawn, operators

PANELS = ("main", "options", "result", "takes", "shots")


def rows() -> dict[str, list[str]]:
    """By panel, the kinds of calls to the layout; a panel that is hidden is missing."""
    found = {}
    for name in PANELS:
        panel = getattr(bpy.types, f"MOTIONLCM_PT_{name}")
        if not hasattr(panel, "poll") or panel.poll(bpy.context):
            found[name] = [kind for kind, _ in drawn(panel.__name__).seen]
    return found


def takes_drawn() -> tuple[Layout, list[str]]:
    """The panel of takes, and the names of the listed Actions."""
    layout = drawn("MOTIONLCM_PT_takes")
    return layout, [given["text"] for kind, given in layout.seen if kind == "operator" and "show_take" in str(given)]


def test_the_panels_keep_their_rows_during_a_drag(character, monkeypatch):  # noqa: F811
    settings().live = False
    live().tick()
    settings().takes = 3
    bpy.ops.motionlcm.generate()
    settings().live = True
    for _ in range(4):
        live().tick()
    before, (layout, listed) = rows(), takes_drawn()
    assert layout.enabled and len(listed) == 3 and "motionlcm.accept_take" in operators(layout)
    drag(monkeypatch, 0.2)
    assert preview().shown_on(character) is not None
    assert rows() == before
    layout, now = takes_drawn()
    assert now == listed and not layout.enabled
    assert not bpy.ops.motionlcm.accept_take.poll() and not bpy.ops.motionlcm.step_take.poll()
    for x in (0.0, LINE[1][0]):
        drag(monkeypatch, x)
    end_drag(monkeypatch)
    assert rows() == before, "as after Esc"
    assert takes_drawn()[1] == listed and takes_drawn()[0].enabled
    drag(monkeypatch, 0.3)
    end_drag(monkeypatch)
    assert bpy.types.MOTIONLCM_PT_takes.poll(bpy.context) and len(takes_drawn()[1]) == 1


def test_a_first_motion_of_live_has_no_takes_before(character, monkeypatch):  # noqa: F811
    assert "takes" not in rows()
    drag(monkeypatch, 0.2)
    assert "takes" not in rows()
    end_drag(monkeypatch)
    assert "takes" in rows()


@pytest.mark.parametrize("shown", [True, False])
def test_no_take_is_active_without_an_action(character, shown):  # noqa: F811
    module = part("operators.takes.active_take")
    assert module.present_take(None) is None and module.listed_take(None) is None
    if shown:
        character.animation_data_create()
    assert module.present_take(character) is None and module.listed_take(character) is None
