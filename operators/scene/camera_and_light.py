"""Frame rate, camera and sun for a Blender file that is created without a window."""

import bpy
import numpy as np
from mathutils import Vector


def set_frame_rate(scene: bpy.types.Scene, fps: float) -> None:
    """Set any frame rate, also 23.976: Blender stores an integer and a divisor."""
    scene.render.fps = max(1, round(fps))
    scene.render.fps_base = scene.render.fps / fps


def add_camera_and_sun(scene: bpy.types.Scene, points: np.ndarray) -> None:
    """Add a camera that sees all floor points (N, 2) from above the figure's front, and a sun. points: Blender x and
    y."""
    low, high = points.min(axis=0), points.max(axis=0)
    centre = Vector((*(0.5 * (low + high)), 0.8))
    reach = max(float(np.linalg.norm(high - low)), 2.0)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location = centre + Vector((0.55, -0.85, 0.5)).normalized() * (1.35 * reach + 2.0)
    camera.rotation_euler = (centre - camera.location).to_track_quat("-Z", "Y").to_euler()
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.rotation_euler = (0.7, 0.2, 0.6)
    sun.data.energy = 3.0
    for thing in (camera, sun):
        scene.collection.objects.link(thing)
    scene.camera = camera
