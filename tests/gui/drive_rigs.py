"""Drives a real Blender window with armatures of any family.

A Mixamo-named and a generated Rigify character walk, and a wrong mapping is corrected with the mouse in the viewport.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # Blender does not look beside its scripts

from stored_armature import build_rig
from window_driver import (
    JOB_S,
    Steps,
    action,
    check,
    click,
    find_button,
    look,
    main,
    module,
    move,
    open_sidebar,
    region,
    screenshot,
    scroll_to,
    settings,
    status,
    stop_playback,
    under_mouse,
    viewport,
    wait,
    window,
)

ROW = 26
"""Pixels from the row of the prompt to the line that names the recognised rig."""
KNEE, ANKLE = "mixamorig:LeftLeg", "mixamorig:LeftFoot"


def stored(name: str) -> bpy.types.Object:
    """A rig of the tests, as the character."""
    rig = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    rig["object"].setdefault("data_name", rig["object"]["name"])
    obj = build_rig(rig)
    obj.show_in_front = True
    settings().character = obj
    return obj


def settle(turns: int = 8) -> Steps:
    for _ in range(turns):
        yield


def family(obj: bpy.types.Object) -> str:
    stored_properties = module("operators.armature.take_properties")
    return str(stored_properties.RIG.read(obj))


def doubt(obj: bpy.types.Object) -> str:
    return str(module("operators.armature.take_properties").RIG_DOUBT.read(obj))


def on_screen(place) -> tuple[int, int]:
    main_region = region("WINDOW")
    point = location_3d_to_region_2d(main_region, viewport().spaces.active.region_3d, place)
    return int(point.x + main_region.x), int(point.y + main_region.y)


def middle_of(obj: bpy.types.Object, bone: str) -> tuple[int, int]:
    """The pixel of the middle of a bone."""
    shown = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    posed = shown.pose.bones[bone]
    return on_screen(shown.matrix_world @ (0.5 * (posed.head + posed.tail)))


def travelled(obj: bpy.types.Object, bone: str) -> float:
    """Metres of the floor that a bone covers."""
    first, last = (round(frame) for frame in action().frame_range)
    places = []
    for frame in (first, last):
        bpy.context.scene.frame_set(frame)
        shown = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        places.append(np.array(shown.matrix_world @ shown.pose.bones[bone].head))
    return float(np.linalg.norm((places[1] - places[0])[:2]))


def walk(obj: bpy.types.Object, bone: str, name: str) -> Steps:
    """Press Generate and look at the middle of the walk."""
    before = action().name if action() else ""
    button = yield from scroll_to("motionlcm.generate(")
    yield from click(*button)
    yield from wait(lambda: status().running or status().message, 20.0, "the job to start")
    yield from wait(lambda: not status().running, JOB_S, "the job to end")
    check(f"{name}: no error", not status().error, status().message)
    yield from wait(lambda: action() is not None and action().name != before, 20.0, "an Action")
    yield from wait(lambda: window().screen.is_animation_playing, 20.0, "playback")
    stop_playback()
    check(f"{name}: the figure walks", travelled(obj, bone) > 0.8, f"{travelled(obj, bone):.2f} m")
    for part_of in (0.3, 0.6):
        first, last = action().frame_range
        bpy.context.scene.frame_set(round(first + part_of * (last - first)))
        yield from settle()
        screenshot(f"{name}_{int(100 * part_of)}")


def open_mapping() -> Steps:
    """Press the button beside the line that names the recognised rig, one row above the prompt; returns its place."""
    x, y = yield from find_button("search_prompts", at_right_end=True)
    y += ROW
    yield from click(x, y)
    yield from wait(lambda: settings().show_mapping, 10.0, "the mapping")
    yield from settle()
    return x, y


def pick(joint: str, obj: bpy.types.Object, bone: str, start: tuple[int, int], name: str = "") -> Steps:
    """Press the pipette of a joint in the list below a place, and click a bone in the viewport."""
    x, y = start
    bottom = region("UI").y + 10
    text = ""
    while f"pick_bone(joint='{joint}'" not in text.replace('"', "'") and y > bottom:
        y -= 9
        text = yield from under_mouse(x, y)
    check(f"the pipette of {joint} is in the list", y > bottom, text)
    yield from click(x, y)
    yield from settle()
    place = middle_of(obj, bone)
    yield from move(*place)
    yield from settle()
    picking = module("operators.rigs.mapping_drawing").picking
    check(f"the bone under the mouse is named: {bone}", picking.bone == bone, picking.bone)
    if name:
        screenshot(name)
    yield from click(*place)
    yield from settle()
    check(f"the mouse chose the bone of {joint}", getattr(obj.motionlcm.joints, joint) == bone)


def mixamo() -> Steps:
    obj = stored("mpfb_mixamo")
    settings().prompt, settings().length, settings().seed = "a person walks forward", 2.0, 3
    look((0.0, -0.4, 0.9), 1.35, 0.35, 4.5)
    yield from settle()
    check("a Mixamo character is recognised", family(obj) == "Mixamo", family(obj))
    screenshot("mixamo_recognised")
    toggle = yield from open_mapping()
    obj.motionlcm.joints.l_knee = ANKLE
    yield from settle()
    check("a wrong mapping is refused in a sentence", "left ankle" in doubt(obj), doubt(obj))
    screenshot("mapping_wrong")
    yield from pick("l_knee", obj, KNEE, toggle, "mapping_picking")
    yield from pick("l_ankle", obj, ANKLE, toggle)
    check("the mapping is right again", doubt(obj) == "", doubt(obj))
    screenshot("mapping_right")
    yield from click(*toggle)
    yield from wait(lambda: not settings().show_mapping, 10.0, "the mapping to close")
    yield from walk(obj, "mixamorig:Hips", "mixamo")
    bpy.data.objects.remove(obj)


def rigify() -> Steps:
    obj = stored("rigify_human_generated")
    settings().length = 2.0
    look((0.0, -0.4, 0.9), 1.35, 0.35, 4.8)
    yield from settle()
    check("a Rigify character is recognised", family(obj) == "Rigify generated", family(obj))
    screenshot("rigify_recognised")
    yield from walk(obj, "DEF-spine", "rigify")
    check("its switches are named", "IK_FK" in status().message, status().message)
    settings().show_mapping = True
    yield from settle()
    screenshot("rigify_mapping")


def run() -> Steps:
    yield from open_sidebar()
    yield from mixamo()
    yield from rigify()


main(run)
