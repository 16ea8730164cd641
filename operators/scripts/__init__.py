"""Scripts that run in a Blender of their own, which need not have the extension; the extension imports none of them.

extension_package: The modules of the extension, for the other scripts of this folder.
render_storyboard: A storyboard as a Blender file.
write_blend: A motion as a Blender file.
"""
