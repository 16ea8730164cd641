"""Strips of shots: where they are, what the mouse is over, what a drag does, and what is drawn."""

from __future__ import annotations

import itertools
import types

import bpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trial
from hypothesis import strategies as st

from tests.blender.linked_files import armature_of, link_hero
from tests.blender.support import EXTENSION, add_character, part, settings
from tests.blender.test_panels import drawn, operators


def arithmetic():
    return part("operators.shots.shot_frames")


def layout():
    return part("operators.timeline.strip_layout")


def strip_view():
    return part("operators.timeline.strip_view")


def editing():
    return part("operators.timeline.strip_editing")


def view(**changes):
    """Frame 0 at the left, 10 pixels a frame."""
    return layout().View(**{"start": 0.0, "scale": 10.0, "width": 1000.0, "height": 200.0, "bottom": 12.0} | changes)


def frames(character=None) -> list[tuple[int, int]]:
    return [(shot.first, shot.last) for shot in (character or settings().character).motionlcm.shots]


def add(*prompts: str, seconds: float = 1.0) -> None:
    settings().length = seconds
    for prompt in prompts:
        settings().prompt = prompt
        assert bpy.ops.motionlcm.add_shot() == {"FINISHED"}


def choose(index: int):
    settings().character.motionlcm.shot_index = index
    return settings().character.motionlcm.shots[index]


# Where they are


@pytest.mark.each_blender
def test_rectangles_are_where_the_timeline_shows_the_frames():
    rows = layout().rows_of(view(), [("one", 1, [(1, 25), (25, 49)]), ("two", 2, [(10, 20)])])
    strips = layout().strips_of(view(), rows)
    assert [(s.row, s.shot, s.left, s.right) for s in strips] == [(0, 0, 10, 250), (0, 1, 250, 490), (1, 0, 100, 200)]
    assert rows[0].low >= 12 and rows[1].low > rows[0].high and rows[1].high - rows[1].low < 22
    shifted = view(start=-5.0, stretch=2.0)
    assert [(s.left, s.right) for s in layout().strips_of(shifted, rows)[:2]] == [(70, 550), (550, 1030)]
    assert shifted.frame(shifted.x(17)) == pytest.approx(17)


def test_strips_out_of_sight_are_left_out_and_rows_without_room_too():
    rows = layout().rows_of(view(), [("one", 1, [(-50, -1), (5, 6), (100, 120)])])
    assert [s.shot for s in layout().strips_of(view(), rows)] == [1]
    many = [(f"character {number}", number, [(1, 9)]) for number in range(50)]
    found = layout().rows_of(view(), many)
    assert 2 < len(found) < 12 and found[-1].high <= 100


def test_what_the_mouse_is_over():
    rows = layout().rows_of(view(), [("one", 1, [(1, 25), (25, 49), (60, 61)]), ("two", 2, [(10, 20)])])

    def hit(x, y=None):
        return layout().hit(view(), rows, x, rows[0].low + 1 if y is None else y)

    assert hit(130) == (0, 0, "BODY") and hit(11) == (0, 0, "LEFT") and hit(249) == (0, 0, "RIGHT")
    assert hit(250) == (0, 1, "LEFT") and hit(489) == (0, 1, "RIGHT")
    assert hit(5) is None and hit(550) is None  # before, between
    assert hit(601) == (0, 2, "BODY")  # too narrow for ends
    assert hit(101, rows[1].low + 1) == (1, 0, "BODY")  # others' are chosen, not dragged
    assert hit(130, rows[0].low - 1) is None and hit(130, rows[1].high) is None


# What dragging does


@st.composite
def shot_frames(draw):
    at, found = draw(st.integers(-20, 20)), []
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 30)), min_size=1, max_size=7)):
        gap = gap if gap > 3 else 0  # half of them meet
        found.append((at + gap, at + gap + length))
        at += gap + length
    return found


PARTS = st.sampled_from(["BODY", "LEFT", "RIGHT"])


@given(shot_frames(), st.data())
@trial(max_examples=400, deadline=None)
def test_after_any_drag_no_two_overlap_and_the_order_stays(old, data):
    index, dragged_part = data.draw(st.integers(0, len(old) - 1)), data.draw(PARTS)
    locked = data.draw(st.lists(st.booleans(), min_size=len(old), max_size=len(old)))
    new = arithmetic().dragged(old, index, dragged_part, data.draw(st.integers(-80, 80)), locked)
    assert len(new) == len(old) and all(first < last for first, last in new)
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(new))
    length = [last - first for first, last in old]
    for number, (first, last) in enumerate(new):
        if locked[number]:
            assert last - first == length[number]
        if number < index - 1:
            assert (first, last) == old[number]
    for number in range(index, len(old) - 1):  # what met after it still meets
        if old[number][1] == old[number + 1][0]:
            assert new[number][1] == new[number + 1][0]
    assert arithmetic().dragged(old, index, dragged_part, 0, locked) == old


@given(shot_frames(), st.data())
@trial(max_examples=60, deadline=None)
def test_the_operator_does_what_the_preview_showed(old, data):
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    armature = bpy.data.objects.new("A", bpy.data.armatures.new("A"))
    bpy.context.scene.collection.objects.link(armature)
    settings().character = armature
    for number, (first, last) in enumerate(old):
        part("operators.shots.shot_list").new_shot(armature, number, "a person walks", first, last)
    listed = armature.motionlcm.shots
    locked = [data.draw(st.booleans()) for _ in listed]
    for shot, value in zip(listed, locked, strict=True):
        shot.locked = value
    index, by, dragged_part = data.draw(st.integers(0, len(old) - 1)), data.draw(st.integers(-50, 50)), data.draw(PARTS)
    choose(index)
    assert bpy.ops.motionlcm.retime_shot(part=dragged_part, by=by) == {"FINISHED"}
    assert frames() == arithmetic().dragged(old, index, dragged_part, by, locked)
    assert [(shot.laid_first, shot.laid_last) for shot in listed] == frames()


def test_a_shot_is_moved_and_what_follows_with_it():
    add_character()
    add("one", "two", "three")
    assert frames() == [(1, 25), (25, 49), (49, 73)]
    choose(1)
    bpy.ops.motionlcm.retime_shot(part="BODY", by=10)
    assert frames() == [(1, 25), (35, 59), (59, 83)]
    bpy.ops.motionlcm.retime_shot(part="BODY", by=-30)
    assert frames() == [(1, 25), (25, 49), (49, 73)]


def test_ends_retime_and_where_two_meet_the_seam_moves():
    add_character()
    add("one", "two", "three")
    bpy.ops.motionlcm.generate_shots()
    state = [shot.state for shot in settings().character.motionlcm.shots]
    assert state == ["DONE"] * 3
    choose(1).locked = False
    bpy.ops.motionlcm.retime_shot(part="LEFT", by=-5)
    listed = settings().character.motionlcm.shots
    assert frames() == [(1, 20), (20, 49), (49, 73)] and [s.state for s in listed] == ["STALE"] * 3
    bpy.ops.motionlcm.retime_shot(part="RIGHT", by=7)
    assert frames() == [(1, 20), (20, 56), (56, 80)]
    strips = settings().character.animation_data.nla_tracks[0].strips
    assert [strip.frame_start for strip in strips] == [1, 20, 56]


def test_a_locked_shot_keeps_its_length_and_its_motion():
    add_character()
    add("one", "two")
    bpy.ops.motionlcm.generate_shots()
    choose(0).locked = True
    bpy.ops.motionlcm.retime_shot(part="RIGHT", by=7)
    assert frames() == [(8, 32), (32, 56)] and choose(0).state == "DONE"
    choose(1)
    bpy.ops.motionlcm.retime_shot(part="LEFT", by=-7)  # not into the locked one
    assert frames() == [(8, 32), (32, 56)]


@pytest.mark.each_blender
def test_it_is_one_undo_step():
    add_character()
    add("one", "two")
    bpy.ops.ed.undo_push(message="before")
    choose(0)
    bpy.ops.motionlcm.retime_shot("EXEC_DEFAULT", True, part="RIGHT", by=7)
    assert frames() == [(1, 32), (32, 56)]
    bpy.ops.ed.undo()
    assert frames() == [(1, 25), (25, 49)]


def test_snapping_to_whole_frames_and_to_what_is_near():
    snapped = arithmetic().snapped
    assert snapped(3.4, (10, 30), [], 2.0) == 3
    assert snapped(3.4, (10, 30), [15.0], 2.0) == 5  # its start upon 15
    assert snapped(3.4, (10, 30), [15.0, 33.0], 2.0) == 3  # its end upon 33 is nearer
    assert snapped(3.4, (30,), [15.0], 2.0) == 3
    assert snapped(3.4, (10,), [15.9], 2.0) == 3  # out of reach


@given(st.floats(-50, 50), st.lists(st.integers(-60, 60)), st.floats(0.1, 5.0))
@trial(max_examples=200, deadline=None)
def test_snapping_never_goes_farther_than_its_reach(by, targets, reach):
    found = arithmetic().snapped(by, (0, 20), targets, reach)
    assert isinstance(found, int) and abs(found - by) <= max(reach, 0.5)
    near = [t - e for t in targets for e in (0, 20) if abs(t - e - by) <= reach]
    assert not near or found in near


def test_what_there_is_to_snap_to():
    one = add_character()
    add("one", "two", "three")
    scene = bpy.context.scene
    scene.render.frame_map_old, scene.render.frame_map_new = 100, 200
    scene.frame_set(60)
    scene.timeline_markers.new("there", frame=80)
    two = add_character()
    part("operators.shots.shot_list").new_shot(two, 0, "a person waves", 5, 9)
    settings().character = one
    strip_view().reset()
    found = list(strip_view().snap_targets(scene, one, 1))
    assert sorted(found) == [1, 5, 9, 25, 30, 40]  # playhead and marker in frames of keys; not what moves along


# Through the window's events, with a region that is made up


class Event(types.SimpleNamespace):
    def __init__(self, kind="LEFTMOUSE", value="PRESS", x=0, y=20, ctrl=False):
        super().__init__(type=kind, value=value, mouse_region_x=x, mouse_region_y=y, ctrl=ctrl)


class Seen:
    def __init__(self):
        self.text = ""

    def header_text_set(self, text):
        self.text = text or ""

    def tag_redraw(self):
        pass


def region_context():
    """The context of a timeline of 1000 x 200 pixels that shows frames 0 to 100."""
    lines = types.SimpleNamespace(region_to_view=lambda x, y: (x / 10.0, y))
    return types.SimpleNamespace(
        scene=bpy.context.scene,
        region=types.SimpleNamespace(type="WINDOW", width=1000, height=200, view2d=lines, as_pointer=lambda: 1),
        space_data=types.SimpleNamespace(type="DOPESHEET_EDITOR", mode="TIMELINE", show_markers=True),
        preferences=types.SimpleNamespace(system=types.SimpleNamespace(ui_scale=1.0)),
        area=Seen(),
        window_manager=types.SimpleNamespace(windows=(), modal_handler_add=lambda operator: None),
    )


def operator(name: str):
    """An operator's Python functions, without Blender's side of it."""
    cls = getattr(editing(), name)
    return type("Operator", (), {n: f for n, f in vars(cls).items() if callable(f)})()


def drag(xs, ctrl=False, end=("LEFTMOUSE", "RELEASE"), y=20):
    """Press at the first pixel, move over the others, end; returns the last result."""
    context, dragging = region_context(), operator("MOTIONLCM_OT_drag_strip")
    result = dragging.invoke(context, Event(x=xs[0], y=y))
    if result == {"PASS_THROUGH"}:
        return result
    for x in xs[1:]:
        assert dragging.modal(context, Event("MOUSEMOVE", "NOTHING", x, y, ctrl)) == {"RUNNING_MODAL"}
    character, before = settings().character, frames()
    if len(xs) > 1 and abs(xs[-1] - xs[0]) > 3:
        assert "Esc" in context.area.text and strip_view().get().preview
        shown = strip_view().frames_of(settings().character)
    else:
        shown = before
    result = dragging.modal(context, Event(*end, x=xs[-1], y=y))
    assert context.area.text == "" and not strip_view().get().dragged
    assert frames(character) == (shown if result == {"FINISHED"} else before)
    return result


def test_a_drag_is_shown_while_it_lasts_and_done_at_the_end():
    add_character()
    add("one", "two", "three")
    frame = bpy.context.scene.frame_current
    assert drag([370, 400, 471]) == {"FINISHED"}
    assert frames() == [(1, 25), (35, 59), (59, 83)] and settings().character.motionlcm.shot_index == 1
    assert drag([588, 600, 657]) == {"FINISHED"}  # its right end
    assert frames() == [(1, 25), (35, 66), (66, 90)]
    assert bpy.context.scene.frame_current == frame


def test_escape_and_the_right_mouse_button_leave_all_as_it_was():
    add_character()
    add("one", "two")
    for end in (("ESC", "PRESS"), ("RIGHTMOUSE", "PRESS")):
        assert drag([370, 400, 471], end=end) == {"CANCELLED"}
        assert frames() == [(1, 25), (25, 49)]


def test_it_snaps_to_the_playhead_but_for_ctrl():
    add_character()
    add("one", "two")
    bpy.context.scene.frame_set(60)
    assert drag([370, 400, 473], ctrl=True) == {"FINISHED"}  # its end is on 59.3
    assert frames() == [(1, 25), (35, 59)]
    shots = bpy.context.scene.motionlcm.character.motionlcm.shots
    shots[1].first = 25
    assert drag([370, 400, 473]) == {"FINISHED"}
    assert frames() == [(1, 25), (36, 60)]


def test_a_click_chooses_a_shot_and_its_character():
    one = add_character()
    add("one", "two")
    two = add_character()
    settings().character = one
    part("operators.shots.shot_list").new_shot(two, 0, "a person waves", 5, 9)
    one.motionlcm.shot_index = 0
    strip_view().reset()
    assert drag([370]) == {"FINISHED"}
    assert settings().character == one and one.motionlcm.shot_index == 1
    assert drag([70], y=40) == {"FINISHED"}
    assert settings().character == two and two.motionlcm.shot_index == 0


@pytest.mark.parametrize("chosen_is_linked", [False, True])
def test_strips_belong_to_one_character_whatever_its_name(tmp_path, chosen_is_linked):
    """A linked character has the name of the local one, and the local one is renamed between two searches."""
    new_shot = part("operators.shots.shot_list").new_shot
    linked = armature_of(link_hero(tmp_path, lambda character: new_shot(character, 0, "a person waves", 1, 21)))
    local = add_character()
    local.name = linked.name
    assert (local.name, local.library) == (linked.name, None)
    new_shot(local, 0, "a person walks", 41, 61)
    chosen, other, first = (linked, local, 41) if chosen_is_linked else (local, linked, 1)
    settings().character = chosen
    strip_view().reset()
    context = region_context()
    seen = strip_view().view_of(context)

    def rows():
        return [(row.owner, row.frames) for row in strip_view().rows_of(context, seen)]

    expected = [(each.session_uid, strip_view().frames_of(each)) for each in (chosen, other)]
    assert expected[0][1] != expected[1][1] and rows() == expected
    local.name = "Renamed"
    assert rows() == expected
    assert drag([10 * first + 50], y=40) == {"FINISHED"}
    assert settings().character == other and other.motionlcm.shot_index == 0


def test_events_beside_the_strips_are_passed_on():
    add_character()
    add("one")
    for x, y in ((370, 20), (100, 5), (100, 60)):
        context, event = region_context(), Event(x=x, y=y)
        for name in ("drag_strip", "edit_shot_prompt", "shot_menu", "watch_strips"):
            assert operator(f"MOTIONLCM_OT_{name}").invoke(context, event) == {"PASS_THROUGH"}
    bpy.context.scene.timeline_markers.new("there", frame=80)  # Blender's own row is below then
    assert operator("MOTIONLCM_OT_drag_strip").invoke(region_context(), Event(x=100, y=20)) == {"PASS_THROUGH"}


def test_hidden_strips_take_no_events():
    add_character()
    add("one")
    context, prefs = region_context(), bpy.context.preferences.addons[EXTENSION].preferences
    assert strip_view().is_shown(context)
    prefs.show_strips = False
    assert not strip_view().is_shown(context)
    prefs.show_strips = True
    context.space_data.mode = "MASK"
    assert not strip_view().is_shown(context)
    context.space_data.mode, context.region.height = "DOPESHEET", 40  # no room
    assert strip_view().rows_of(context, strip_view().view_of(context)) == []
    context.region.height = 55
    [row] = strip_view().rows_of(context, strip_view().view_of(context))
    assert row.low >= 12 and 12 <= row.high - row.low < 22 and row.high <= 55 - 23


# The prompt over a strip, and the menu


def test_the_prompt_is_typed_over_the_strip_and_generated_at_once_on_request():
    add_character()
    add("one", "two")
    choose(1)
    settings().generate_at_once = False
    assert settings().edited_prompt == "two"
    settings().edited_prompt = "a person waves"
    listed = settings().character.motionlcm.shots
    assert [shot.prompt for shot in listed] == ["one", "a person waves"] and listed[1].action is None
    settings().generate_at_once = True
    settings().edited_prompt = "a person turns"
    assert [shot.state for shot in listed] == ["EMPTY", "DONE"]
    assert drawn("MOTIONLCM_PT_shot_prompt").seen


def test_the_menu_offers_what_can_be_done():
    add_character()
    add("one", "two")
    found = operators(drawn("MOTIONLCM_MT_shot"))
    for name in ("generate_shot", "split_shot", "join_shots", "show_shot", "remove_shot"):
        assert f"motionlcm.{name}" in found


# What is drawn


def picture(states, scale=10.0, chosen=0, over=None, locked=False, prompt="a person walks on"):
    strips, seen = part("ui.shot_strips"), view(scale=scale)
    rows = layout().rows_of(seen, [("one", 1, [(24 * n + 1, 24 * n + 25) for n in range(len(states))])])
    placed = layout().strips_of(seen, rows)
    looks = [strips.Look(state, locked, prompt, "s7") for state in states[: len(placed)]]
    return rows[0], placed, strips.picture(seen, rows, placed, looks, chosen, over, 0.5)


def test_every_state_looks_different_even_without_colour():
    shapes = set()
    for state in ("EMPTY", "STALE", "GENERATING", "DONE"):
        for locked in (False, True):
            shapes.add(tuple(sorted(picture([state], locked=locked)[2].quads)))
    assert len(shapes) == 8


def test_texts_stay_on_their_strip_and_narrow_strips_have_none():
    row, placed, made = picture(["DONE", "STALE", "EMPTY"], prompt="a person walks" * 20)
    assert len(made.texts) == 3  # no room for the takes' names
    for text, strip in zip(made.texts, placed, strict=True):
        assert strip.left < text.left <= text.x and text.right < strip.right and row.low < text.y < row.high
    assert [text.text for text in picture(["DONE"])[2].texts] == ["a person walks on", "s7"]
    assert picture(["DONE"] * 200, scale=0.2)[2].texts == []


def test_everything_drawn_is_in_the_band():
    row, _, made = picture(["DONE", "STALE", "GENERATING", "EMPTY"], over=layout().Hit(0, 1, "LEFT"), locked=True)
    ys = np.array(made.quads)[:, 1::2]
    assert ys.min() >= 12 and ys.max() <= row.high + layout().GAP
    assert len(made.quads) == len(made.colours)


def test_looks_are_read_from_the_shots():
    add_character()
    add("one", "two")
    bpy.ops.motionlcm.generate_shots()
    choose(1).prompt = "three"
    choose(0).locked = True
    context = region_context()
    seen = strip_view().view_of(context)
    rows = strip_view().rows_of(context, seen)
    looks = part("ui.shot_strips").looks_of(rows, layout().strips_of(seen, rows), bpy.context.scene)
    assert [(look.state, look.locked, look.prompt) for look in looks] == [
        ("DONE", True, "one"),
        ("STALE", False, "three"),
    ]
    assert looks[0].take == "take 1"
