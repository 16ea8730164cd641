"""A picture of a whole motion: the figure at several moments along the drawn path.

    python tools/render_poses.py WALK.blend WALK.png [--poses 9] [--size 1280x720]          (a Python with bpy)

WALK.blend holds a character and perhaps a path, as write_blend.py or the extension make them; it is not changed.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

EARLY, LATE = (0.10, 0.26, 0.55), (0.95, 0.42, 0.12)
PATH_COLOUR, FLOOR_COLOUR = (0.85, 0.02, 0.05), (0.62, 0.64, 0.67)
PATH_RADIUS_M = 0.022
SAMPLES = 12


class NothingToShow(RuntimeError):
    """The file holds no animated character."""


def material(name: str, colour: tuple[float, float, float], roughness: float = 0.6) -> bpy.types.Material:
    made = bpy.data.materials.new(name)
    made.diffuse_color = (*colour, 1.0)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    return made


def find_character() -> tuple[bpy.types.Object, list[bpy.types.Object]]:
    """The animated armature and the meshes it moves."""
    for armature in bpy.data.objects:
        if armature.type == "ARMATURE" and armature.animation_data and armature.animation_data.action:
            bodies = [o for o in bpy.data.objects if o.type == "MESH" and o.find_armature() == armature]
            if bodies:
                return armature, bodies
    raise NothingToShow("The file holds no animated character with a body.")


def freeze(body: bpy.types.Object, colour: bpy.types.Material) -> bpy.types.Object:
    """The body as it is posed now, as a mesh of its own."""
    graph = bpy.context.evaluated_depsgraph_get()
    evaluated = body.evaluated_get(graph)
    mesh = bpy.data.meshes.new_from_object(evaluated)
    mesh.materials.clear()
    mesh.materials.append(colour)
    for polygon in mesh.polygons:
        polygon.material_index = 0
    still = bpy.data.objects.new("Pose", mesh)
    still.matrix_world = evaluated.matrix_world.copy()
    bpy.context.scene.collection.objects.link(still)
    return still


def freeze_poses(count: int) -> list[bpy.types.Object]:
    """Still figures at evenly spaced moments, from the early colour to the late one; hides the character."""
    scene = bpy.context.scene
    armature, bodies = find_character()
    first, last = armature.animation_data.action.frame_range
    figures = []
    for number, frame in enumerate(np.linspace(first, last, count)):
        share = number / max(count - 1, 1)
        colour = tuple(float(a + share * (b - a)) for a, b in zip(EARLY, LATE, strict=True))
        paint = material(f"Pose {number}", colour)
        scene.frame_set(int(frame), subframe=float(frame) % 1.0)
        figures += [freeze(body, paint) for body in bodies]
    for thing in (armature, *bodies):
        thing.hide_render = True
    return figures


def show_path() -> list[bpy.types.Object]:
    """Every curve as a tube on the floor."""
    curves = [o for o in bpy.data.objects if o.type == "CURVE"]
    for curve in curves:
        curve.data.dimensions = "3D"
        curve.data.bevel_depth = PATH_RADIUS_M
        curve.data.materials.clear()
        curve.data.materials.append(material("Path", PATH_COLOUR, 0.4))
        curve.location.z += PATH_RADIUS_M
    return curves


def corners(things: list[bpy.types.Object]) -> np.ndarray:
    """(N, 3) corners of all bounding boxes, in the world."""
    return np.array([thing.matrix_world @ Vector(corner) for thing in things for corner in thing.bound_box])


def set_up_floor_and_light() -> None:
    scene = bpy.context.scene
    for light in [o for o in bpy.data.objects if o.type == "LIGHT"]:
        bpy.data.objects.remove(light)
    size = 200.0
    mesh = bpy.data.meshes.new("Floor")
    mesh.from_pydata([(-size, -size, 0), (size, -size, 0), (size, size, 0), (-size, size, 0)], [], [(0, 1, 2, 3)])
    mesh.materials.append(material("Floor", FLOOR_COLOUR, 0.9))
    scene.collection.objects.link(bpy.data.objects.new("Floor", mesh))
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.data.energy, sun.data.angle = 2.6, 0.06
    sun.rotation_euler = (0.75, 0.15, 0.9)
    scene.collection.objects.link(sun)
    world = bpy.data.worlds.new("Sky")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.75, 0.82, 0.92, 1.0)
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.75
    scene.world = world


def aim_camera(points: np.ndarray) -> None:
    """Look down at all points (N, 3) from the side that shows the path's length, as near as the frame allows."""
    scene = bpy.context.scene
    centre = Vector(0.5 * (points.min(axis=0) + points.max(axis=0)))
    flat = points[:, :2] - points[:, :2].mean(axis=0)
    along = np.linalg.svd(flat, full_matrices=False)[2][0]
    side = Vector((along[1], -along[0], 0.0))
    if side.dot(Vector((0.6, -0.8, 0.0))) < 0:
        side = -side
    # A little towards the motion's end, so that figures do not hide one another.
    direction = (side + 0.35 * Vector((along[0], along[1], 0.0)) + Vector((0.0, 0.0, 0.72))).normalized()
    camera = bpy.data.objects.new("View", bpy.data.cameras.new("View"))
    camera.data.lens = 50.0
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.rotation_euler = (-direction).to_track_quat("-Z", "Y").to_euler()
    near, far = 1.0, 100.0
    for _ in range(24):
        distance = 0.5 * (near + far)
        camera.location = centre + direction * distance
        bpy.context.view_layer.update()
        seen = np.array([world_to_camera_view(scene, camera, Vector(p)) for p in points])
        inside = (seen[:, 2] > 0).all() and np.abs(seen[:, :2] - 0.5).max() < 0.47
        near, far = (near, distance) if inside else (distance, far)
    camera.location = centre + direction * far


def render(out: Path) -> None:
    """Cycles on the processor, few samples and a denoiser."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples = "CPU", SAMPLES
    scene.cycles.use_denoising = True
    scene.cycles.denoising_prefilter = "FAST"  # the accurate one takes longer than all samples together
    scene.cycles.max_bounces = 4
    scene.view_settings.view_transform = "Standard"
    if hasattr(scene.render.image_settings, "media_type"):  # 5.0 and later
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    temporary = out.with_name(f".{out.stem}.part.png")
    # A published picture contains nothing of this machine: no file name, date or time.
    for stamp in ("date", "time", "render_time", "frame", "camera", "scene", "filename"):
        setattr(scene.render, f"use_stamp_{stamp}", False)
    scene.render.filepath = str(temporary)
    bpy.ops.render.render(write_still=True)
    temporary.replace(out)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("blend", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--poses", type=int, default=9)
    parser.add_argument("--size", default="1280x720")
    options = parser.parse_args(arguments)
    width, height = (int(part) for part in options.size.split("x"))
    try:
        bpy.ops.wm.open_mainfile(filepath=str(options.blend.resolve()))
        figures = freeze_poses(options.poses)
        shown = figures + show_path()
        bpy.context.view_layer.update()
        set_up_floor_and_light()
        scene = bpy.context.scene
        scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width, height, 100
        aim_camera(corners(shown))
        render(options.picture.resolve())
    except Exception as error:  # noqa: BLE001  each exception ends the program with a sentence
        traceback.print_exc()
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    code = main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Blender 4.2 and 4.5 do not survive Python's own ending
