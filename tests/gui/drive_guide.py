"""Takes the pictures of the guide in a real Blender window; tools/guide_pictures.py runs it and cuts them out.

Each picture is a screenshot and the place of what it shows. A name after the output folder takes that picture alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import addon_utils
import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))  # Blender does not look beside its scripts

from guide_control import control
from guide_prompts import IN_TURN, REWRITTEN, UNLIKE, prompts
from window_driver import (
    EXTENSION,
    JOB_S,
    OUTPUT,
    Steps,
    action,
    check,
    click,
    drag,
    draw_with_mouse,
    key,
    look,
    main,
    module,
    move,
    region,
    s_shape,
    settings,
    stop_playback,
    view_middle,
    viewport,
    wait,
    window,
)
from window_pictures import (
    area_of,
    begin,
    hide_sidebar,
    loop,
    made,
    operate,
    picture,
    scroll_down,
    shot_of_loop,
    show_frame,
    view_middle_box,
    walk_along,
)

LIVE_PICTURES = 9
"""Number of frames of the animated picture of Live."""


def first_minute() -> Steps:
    """From the zip to a walk."""
    yield from install()
    yield from first_motion()


def first_motion() -> Steps:
    """The fresh panel, and the walk after one press."""
    yield from begin()
    yield from picture("first_panel", region("UI"), height=230)
    operate("first_motion")
    yield from made()
    check("one press makes a walk", action() is not None)
    look((0.0, -2.4, 0.7), 1.15, 0.6, 8.0)
    yield from show_frame(0.45)
    yield from picture("first_walk")
    yield from hide_sidebar()
    look((0.0, -2.7, 0.8), 1.1, 0.6, 7.6)
    yield from loop("first_loop", box=view_middle_box(560, 420))


def install() -> Steps:
    """Ways to install the zip: what opens when it is dropped onto the window, and the menu of the preferences."""
    yield from begin()
    middle = view_middle()
    yield from move(*middle)
    with bpy.context.temp_override(window=window(), area=viewport(), region=region("WINDOW")):
        bpy.ops.extensions.package_install_files("INVOKE_DEFAULT", url=str(OUTPUT.parent / "extension.zip"))
    yield from picture("first_drop")
    yield from key("ESC", *middle)
    area = viewport()
    bpy.context.preferences.active_section = "EXTENSIONS"
    bpy.context.preferences.extensions.use_online_access_handled = True
    area.type = "PREFERENCES"
    for _ in range(3):
        yield
    with bpy.context.temp_override(window=window(), area=area):
        bpy.ops.screen.screen_full_area()
    for _ in range(10):
        yield
    area = area_of("PREFERENCES")
    yield from click(area.x + area.width - 20, area.y + area.height - 46)  # the arrow that opens the menu
    yield from picture("first_disk", area, height=330)
    yield from key("ESC", *middle)
    with bpy.context.temp_override(window=window(), area=area):
        bpy.ops.screen.back_to_previous()
    for _ in range(3):
        yield
    area_of("PREFERENCES").type = "VIEW_3D"
    yield


def variants() -> Steps:
    """The panel at twice the scale, in a light theme, in German; looked at, not in the guide."""
    yield from begin()
    operate("first_motion")
    yield from made()
    bpy.context.preferences.view.language = "de_DE"
    yield from picture("look_german")
    bpy.context.preferences.view.ui_scale = 2.0
    yield from picture("look_german_2")
    bpy.context.preferences.view.language = "en_US"
    yield from picture("look_scale_2")
    bpy.context.preferences.view.ui_scale = 1.0
    themes = [Path(folder) / "Blender_Light.xml" for folder in bpy.utils.preset_paths("interface_theme")]
    light = next((file for file in themes if file.is_file()), None)
    if light is not None:
        bpy.ops.script.execute_preset(filepath=str(light), menu_idname="USERPREF_MT_interface_theme_presets")
        yield from picture("look_light")
        yield from begin()
        yield from picture("look_light_fresh", region("UI"))
        bpy.ops.preferences.reset_default_theme()
    for language in ("de_DE", "en_US"):
        bpy.context.preferences.view.language = language
        yield from begin(scale=2.0 if language == "en_US" else 1.0)
        yield from picture(f"look_fresh_{language}", region("UI"))
    bpy.context.preferences.view.ui_scale = 1.0
    yield from german_subpanels()


def german_subpanels() -> Steps:
    """The longest lines and labels in German, in a sidebar of the default width."""
    bpy.context.preferences.view.language = "de_DE"
    for prompt in (REWRITTEN, IN_TURN, UNLIKE):
        yield from begin()
        operate("add_character")
        yield from walk_along(prompt, 5.5)
        yield from picture(f"look_german_{prompt.split()[2]}", region("UI"))
    for panel in ("control", "options", "keys", "takes", "library"):
        yield from begin(panel)
        operate("add_character")
        yield from walk_along("a person walks forward", 3.0)
        yield from picture(f"look_german_{panel}", region("UI"))
    bpy.context.preferences.view.language = "en_US"


def path() -> Steps:
    """Draw a path with the mouse; the walk along it."""
    yield from begin("options")
    operate("add_character")
    yield
    operate("draw_path")
    for _ in range(5):
        yield
    look((0.0, -1.8, 0.0), 0.5, 0.0, 8.5)
    yield
    yield from draw_with_mouse(s_shape())
    yield from picture("path_drawn")
    operate("draw_path")
    yield
    with bpy.context.temp_override(window=window(), area=viewport(), region=region("WINDOW")):
        bpy.ops.motionlcm.fit_length()
    operate("generate")
    yield from made()
    yield from hide_sidebar()
    look((0.0, -1.7, 0.8), 1.0, 0.5, 6.4)
    yield from loop("path_walk", box=view_middle_box(560, 420))
    yield from live_path()


def live_path() -> Steps:
    """With Live on, a point of the path moves and the motion follows."""
    yield from begin()
    operate("first_motion")
    yield from made()
    yield from hide_sidebar()
    look((0.0, -2.6, 0.5), 0.9, 0.5, 7.5)
    live = module("operators.live.live_mode").get()
    settings().live = True
    curve = settings().path
    for number in range(LIVE_PICTURES):
        share = abs(1.0 - 2.0 * number / (LIVE_PICTURES - 1))  # away and back
        point = curve.data.splines[0].bezier_points[2]
        point.co.x = 0.55 + 1.2 * (1.0 - share)
        curve.data.update_tag()
        for _ in range(3):
            yield
        yield from wait(lambda: live.gesture.phase.value == "still" and not live.worker.busy, JOB_S, "Live")
        yield from show_frame(0.5)
        yield from shot_of_loop("path_live", number, view_middle_box(560, 420))
    settings().live = False
    stop_playback()
    yield


def variations() -> Steps:
    """Takes side by side."""
    yield from begin("takes")
    operate("add_character")
    yield
    yield from walk_along("a person dances", 4.0, takes=4)
    with bpy.context.temp_override(window=window(), area=viewport(), region=region("WINDOW")):
        bpy.ops.motionlcm.contact_sheet("INVOKE_DEFAULT", arrangement="SIDE")
    look((1.5, 0.0, 0.8), 1.3, 0.0, 11.5)
    yield from show_frame(0.5)
    yield from picture("variations_takes")
    with bpy.context.temp_override(window=window(), area=viewport(), region=region("WINDOW")):
        bpy.ops.motionlcm.contact_sheet("INVOKE_DEFAULT", arrangement="SIDE")


def shots() -> Steps:
    """Three shots as strips in the timeline."""
    yield from begin("shots")
    operate("add_example", example="THREE_SHOTS")
    yield from made()
    x, y = area_of("DOPESHEET_EDITOR").x + 400, area_of("DOPESHEET_EDITOR").y + area_of("DOPESHEET_EDITOR").height
    yield from drag((x, y), (x, y + 110))
    sheet = area_of("DOPESHEET_EDITOR")
    yield from move(sheet.x + sheet.width // 2, sheet.y + sheet.height // 2)
    yield from key("HOME", sheet.x + sheet.width // 2, sheet.y + sheet.height // 2)
    look((0.0, -1.6, 0.7), 1.25, 0.7, 6.5)
    bpy.context.scene.frame_set(150)
    yield from picture("shots_strips", viewport(), sheet)


def character() -> Steps:
    """A rig of Rigify."""
    yield from begin()
    addon_utils.enable("rigify", default_set=True)
    operate("add_example", example="RIGIFY")
    yield from made()
    look((0.0, -2.4, 0.9), 1.25, 0.7, 7.5)
    yield from show_frame(0.4)
    yield from picture("character_rigify")
    settings().show_mapping = True
    look((0.0, -2.4, 0.9), 1.35, 0.3, 4.0)
    yield from picture("character_mapping")
    settings().show_mapping = False


def keys() -> Steps:
    """Few keys with handles in the graph editor."""
    yield from begin("keys")
    operate("add_character")
    yield
    yield from walk_along("a person jumps", 2.4)
    sheet = area_of("DOPESHEET_EDITOR")
    x, y = sheet.x + 400, sheet.y + sheet.height
    yield from drag((x, y), (x, y + 260))
    sheet.type = "GRAPH_EDITOR"
    for _ in range(5):
        yield
    character = settings().character
    bpy.context.view_layer.objects.active = character
    bpy.ops.object.mode_set(mode="POSE")
    for bone in character.data.bones:
        bone.select = bone.name == "pelvis"
    character.data.bones.active = character.data.bones["pelvis"]
    main_region = next(each for each in sheet.regions if each.type == "WINDOW")
    yield from move(main_region.x + 200, main_region.y + 60)
    with bpy.context.temp_override(window=window(), area=sheet, region=main_region):
        bpy.ops.graph.view_all()
        bpy.ops.graph.select_all(action="DESELECT")
    # Of all keys at once, handles would hide how few the keys are.
    sheet.spaces.active.show_handles = sheet.spaces.active.show_region_ui = False
    for _ in range(8):
        yield
    look((0.0, 0.0, 0.9), 1.35, 0.5, 5.0)
    yield from show_frame(0.4)
    yield from picture("keys_graph", viewport(), sheet)
    bpy.ops.object.mode_set(mode="OBJECT")


def games() -> Steps:
    """In place and looped."""
    yield from begin("control")
    operate("add_character")
    yield
    yield from walk_along("a person jogs forward", 4.0, travel="in_place", loop=True)
    look((0.0, 0.0, 0.9), 1.35, 0.7, 4.5)
    yield from scroll_down()
    yield from picture("games_panel", region("UI"))
    yield from hide_sidebar()
    yield from loop("games_loop", 14, view_middle_box(380, 560))


def storyboard() -> Steps:
    """A storyboard of two characters."""
    yield from begin()
    shots = {"Ada": [("a person walks forward", 4), ("a person sits down", 2)],
             "Bob": [("a person waves with the right hand", 3)]}  # fmt: skip
    characters = [
        {"name": name, "at": [3 * number - 1, 0], "shots": [{"prompt": text, "seconds": long} for text, long in row]}
        for number, (name, row) in enumerate(shots.items())
    ]
    file = OUTPUT / "board.json"
    file.write_text(json.dumps({"motionlcm_storyboard": 1, "characters": characters}))
    with bpy.context.temp_override(window=window(), area=viewport(), region=region("WINDOW")):
        bpy.ops.motionlcm.import_storyboard("EXEC_DEFAULT", filepath=str(file), generate=True)
    yield from made()
    look((1.6, -0.6, 0.8), 1.25, 0.5, 8.0)
    bpy.context.scene.frame_set(30)
    yield from picture("long_storyboard")


def official() -> Steps:
    """The dialog with the licence of the official weights."""
    yield from begin()
    operate("add_character")
    yield
    yield from move(*view_middle())
    operate("get_official_model", source="DISK")
    yield from picture("official_dialog")
    yield from key("ESC", *view_middle())


def preferences() -> Steps:
    """The preferences of the extension, in the place of the viewport."""
    yield from begin()
    area = viewport()
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "MotionLCM"
    area.type = "PREFERENCES"
    for _ in range(10):  # the first drawing makes the list
        yield
    bpy.ops.preferences.addon_expand(module=EXTENSION)
    area.tag_redraw()
    condition = module("operators.session.torch_import")
    yield from wait(lambda: condition.known_condition is not None, JOB_S, "the search for a graphics card")
    yield from picture("gpu_preferences", area, top=255)  # without the folder of the extension
    area.type = "VIEW_3D"
    yield


def trouble() -> Steps:
    """A cause that keeps the character from moving, and its repair."""
    yield from begin()
    operate("first_motion")
    yield from made()
    settings().character.data.pose_position = "REST"
    for _ in range(60):
        yield
    yield from picture("trouble_cause", region("UI"), height=330)


PICTURES = {
    "first": first_minute, "path": path, "prompts": prompts, "variations": variations, "shots": shots,
    "control": control, "character": character, "keys": keys, "games": games, "long": storyboard,
    "official": official, "gpu": preferences, "trouble": trouble, "variants": variants,
}  # fmt: skip


def run() -> Steps:
    wanted = sys.argv[sys.argv.index("--") + 2 :]
    for name, take in PICTURES.items():
        if not wanted or name in wanted:
            yield from take()


if __name__ == "__main__":
    main(run)
