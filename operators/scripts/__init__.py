"""Scripts that run in a Blender of their own, which need not have the extension; the extension imports none of them.

extension_package: The modules of the extension, for the other scripts of this folder.
render_storyboard: A storyboard as a Blender file.
script_program: The frame of a script that runs in a Blender of its own.
time_writing: Milliseconds of writing a motion's fitted keys to an Action.
write_blend: A motion as a Blender file.
"""
