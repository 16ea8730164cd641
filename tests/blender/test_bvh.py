"""A BVH file written by the command line opens in Blender with the motion in place."""

from __future__ import annotations

import addon_utils
import bpy
import numpy as np

from tests.blender.support import part
from tests.synthetic_motion import walk


def test_bvh_opens_with_the_motion_in_place(tmp_path):
    clips, retarget, bvh, placement = (
        part(f"motionlcm_blender.motion.{name}") for name in ("motion", "retarget", "bvh", "world_transform")
    )
    joints = walk(40, speed=1.2, turn_rate=0.4) + np.array([1.5, 0.0, -2.0], np.float32)
    clip = retarget.retarget(clips.Motion(joints, np.zeros((40, 4), np.float32)))
    file = tmp_path / "walk.bvh"
    bvh.write_bvh(clip, file)

    addon_utils.enable("io_anim_bvh")
    bpy.ops.import_anim.bvh(
        filepath=str(file), axis_forward="-Z", axis_up="Y", global_scale=0.01, update_scene_fps=True
    )
    armature = bpy.context.object
    assert bpy.context.scene.render.fps / bpy.context.scene.render.fps_base == 20
    expected = placement.engine_to_blender(retarget.forward_kinematics(clip))
    for frame in (0, 17, 39):
        bpy.context.scene.frame_set(1 + frame)
        bpy.context.view_layer.update()
        for number, name in enumerate(clip.skeleton.names):
            head = armature.matrix_world @ armature.pose.bones[name].head
            np.testing.assert_allclose(np.array(head), expected[frame, number], atol=2e-3, err_msg=f"{name} {frame}")
