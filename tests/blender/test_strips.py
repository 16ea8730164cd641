"""Strips of shots in the timeline: where they lie, what the mouse takes hold of, and what dragging does."""

from __future__ import annotations

import types

import bpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.blender.support import part
from tests.blender.test_shots import add, add_character, frames, shots, state, three  # noqa: F401


def layout():
    return part("operators.strip_layout")


def editing():
    return part("operators.strip_editing")


def lay(spans, each: float = 4.0, width: float = 1000.0):
    return layout().laid_out(spans, lambda frame: 10.0 + each * frame, width, 20.0, 22.0)


def test_strips_lie_where_their_frames_are():
    strips = lay([(1, 49), (49, 97), (400, 420)])
    assert [(s.index, s.left, s.right) for s in strips] == [(0, 14.0, 206.0), (1, 206.0, 398.0)]  # the last is outside
    assert {(s.bottom, s.top) for s in strips} == {(20.0, 42.0)}
    assert lay([(5, 5)])[0].right > lay([(5, 5)])[0].left


@pytest.mark.parametrize(("x", "y", "found"), [
    (100, 30, (0, "BODY")), (15, 30, (0, "LEFT")), (10, 30, (0, "LEFT")), (204, 30, (0, "RIGHT")),
    (208, 30, (1, "LEFT")), (396, 30, (1, "RIGHT")), (403, 30, (1, "RIGHT")), (420, 30, None), (100, 45, None),
    (100, 10, None), (0, 30, None),
])  # fmt: skip
def test_what_is_under_the_mouse(x, y, found):
    assert layout().under(lay([(1, 49), (49, 97)]), x, y, 1.0) == found


def test_a_short_strip_can_be_moved_as_well():
    strip = lay([(10, 13)])[0]  # 12 pixels wide
    parts = [layout().under([strip], x, 30, 1.0)[1] for x in (51, 56, 61)]
    assert parts == ["LEFT", "BODY", "RIGHT"]


def test_it_jumps_to_what_is_near():
    snapped = layout().snapped
    assert snapped(100, [90, 102, 107], 4.0, 1.0) == 102 and snapped(100, [80, 110], 4.0, 1.0) == 100
    assert layout().snap_drag("BODY", 10, 50, 20, [72], 4.0, 1.0) == 22  # its end lies on the marker
    assert layout().snap_drag("LEFT", 10, 50, 20, [72, 29], 4.0, 1.0) == 19
    assert layout().snap_drag("RIGHT", 10, 50, 20, [200], 4.0, 1.0) == 20


@given(
    part_=st.sampled_from(["BODY", "LEFT", "RIGHT"]), first=st.integers(-50, 50), length=st.integers(1, 100),
    by=st.integers(-300, 300), targets=st.lists(st.integers(-100, 200), max_size=5), each=st.floats(0.1, 20.0),
)  # fmt: skip
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_drag_never_turns_a_shot_inside_out(part_, first, length, by, targets, each):
    module = layout()
    by = module.snap_drag(part_, first, first + length, by, targets, each, 1.0)
    low, high = module.dragged(part_, first, first + length, by)
    assert low < high
    assert (part_ == "RIGHT") <= (low == first) and (part_ == "LEFT") <= (high == first + length)
    assert part_ != "BODY" or high - low == length


@given(drags=st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["BODY", "LEFT", "RIGHT"]), st.integers(-120, 120)), max_size=6
))  # fmt: skip
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_dragged_shots_keep_their_order_and_do_not_overlap(drags):
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    character = add_character()
    add("a person walks", "a person turns", "a person waves")
    uids = [shot.uid for shot in shots()]
    for index, part_, by in drags:
        shot = shots()[index]
        editing().apply(character, index, part_, *layout().dragged(part_, shot.first, shot.last, by))
    assert [shot.uid for shot in shots()] == uids
    spans = frames()
    assert all(first < last for first, last in spans)
    assert all(one[1] <= two[0] for one, two in zip(spans, spans[1:], strict=False))


def test_targets_are_markers_the_playhead_and_other_shots(three):  # noqa: F811
    scene = bpy.context.scene
    scene.timeline_markers.new("here", frame=77)
    scene.frame_set(33)
    uid = shots()[1].uid
    assert sorted(editing().targets(scene, three, uid)) == [1, 33, 49, 77, 97, 145]


Y = 30
"""Within the strips."""


def over(x: int, y: int, **changes):
    """Context and event of a mouse at a place of a timeline of 1000 x 100 pixels, frame 0 at pixel 10, 4 a frame."""
    view = types.SimpleNamespace(view_to_region=lambda fx, fy, clip: (10.0 + 4.0 * fx, fy))
    region = types.SimpleNamespace(type="WINDOW", width=1000, height=100, view2d=view)
    area = types.SimpleNamespace(type="DOPESHEET_EDITOR", tag_redraw=lambda: None, header_text_set=lambda text: None)
    context = types.SimpleNamespace(
        scene=bpy.context.scene, area=area, region=region, 
        preferences=types.SimpleNamespace(system=types.SimpleNamespace(ui_scale=1.0)),
        window_manager=types.SimpleNamespace(modal_handler_add=lambda operator: None),
    )  # fmt: skip
    event = types.SimpleNamespace(mouse_region_x=x, mouse_region_y=y, type="MOUSEMOVE", value="NOTHING", ctrl=True)
    for name, value in changes.items():
        setattr(event, name, value)
    return context, event


class Hand(types.SimpleNamespace):
    """The operator outside a window: what Blender would call."""

    def __getattr__(self, name):
        return getattr(editing().MOTIONLCM_OT_drag_strip, name).__get__(self)


def hold(x: int, y: int):
    hand = Hand()
    return hand, hand.invoke(*over(x, y))


def test_dragging_the_middle_moves_and_what_follows_goes_along(three):  # noqa: F811
    hand, how = hold(300, Y)
    assert how == {"RUNNING_MODAL"}
    hand.modal(*over(300 + 40, Y))
    assert editing().drag.first == 59 and frames()[1] == (49, 97)  # only shown as yet
    assert hand.modal(*over(340, Y, type="LEFTMOUSE", value="RELEASE")) == {"FINISHED"}
    assert frames() == [(1, 49), (59, 107), (107, 155)] and editing().drag is None
    assert three.motionlcm.shot_index == 1


def test_dragging_an_end_makes_it_longer(three):  # noqa: F811
    hand, _ = hold(204, Y)
    hand.modal(*over(204 + 48, Y))
    hand.modal(*over(252, Y, type="LEFTMOUSE", value="RELEASE"))
    assert frames() == [(1, 61), (61, 109), (109, 157)] and state()[0] == "STALE"


def test_escape_leaves_it(three):  # noqa: F811
    before = frames()
    hand, _ = hold(300, Y)
    hand.modal(*over(400, Y))
    assert hand.modal(*over(400, Y, type="ESC", value="PRESS")) == {"CANCELLED"}
    assert frames() == before and editing().drag is None


def test_a_click_chooses_and_beside_the_strips_it_passes(three):  # noqa: F811
    hand, _ = hold(100, Y)
    hand.modal(*over(102, Y))
    assert hand.modal(*over(102, Y, type="LEFTMOUSE", value="RELEASE")) == {"FINISHED"}
    assert three.motionlcm.shot_index == 0 and frames()[0] == (1, 49)
    assert hold(100, 90)[1] == {"PASS_THROUGH"} and hold(900, Y)[1] == {"PASS_THROUGH"}


def test_what_is_undone_while_it_is_dragged_ends_it(three):  # noqa: F811
    hand, _ = hold(300, Y)
    bpy.ops.motionlcm.remove_shot()
    three.motionlcm.shot_index = 1
    bpy.ops.motionlcm.remove_shot()
    assert hand.modal(*over(340, Y)) == {"CANCELLED"} and editing().drag is None


def test_the_prompt_is_changed_in_place(three):  # noqa: F811
    three.motionlcm.shot_index = 1
    assert bpy.ops.motionlcm.edit_strip(prompt="a person sits", at_once=False) == {"FINISHED"}
    assert shots()[1].prompt == "a person sits" and state() == ["DONE", "STALE", "DONE"]
    assert bpy.ops.motionlcm.edit_strip(prompt="a person jumps", at_once=True) == {"FINISHED"}
    assert state() == ["DONE"] * 3 and shots()[1].action["motionlcm_prompt"] == "a person jumps"
