"""Motions to files: .npz, .bvh, .blend.

blender_process  A .blend from a motion, made by a Blender in a process of its own.
clip_output      From a motion in its own frame to the clip that is written.
motion_files     Motion to files: .npz for programs, .bvh for any animation tool, .blend for Blender.
"""
