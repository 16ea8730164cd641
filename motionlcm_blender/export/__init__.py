"""Export of motion to .npz, .bvh and .blend files.

blender_process  Writing of .blend files by a Blender in a process of its own: the engine itself never imports
                 bpy.
clip_output      From a motion in its own frame to the clip that is written.
motion_files     Export of motion: .npz for programs, .bvh for any animation tool, .blend for Blender.
parameter_output A clip as SMPL parameters for a body, and parameters as a shot.
"""
