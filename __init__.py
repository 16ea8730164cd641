"""MotionLCM for Blender: from a typed prompt and a drawn path to editable keyframes.

This folder is the root of the Blender extension as well as of the repository. The engine beside this file, in
`motionlcm_blender/`, is a plain Python package that does not depend on Blender.
"""


def register() -> None:
    from . import operators, ui

    operators.register()
    try:
        ui.register()
    except Exception:
        operators.unregister()
        raise


def unregister() -> None:
    from . import operators, ui

    ui.unregister()
    operators.unregister()
