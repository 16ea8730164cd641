"""Objects as Blender evaluates them, or the reason why Blender does not evaluate an object."""

from __future__ import annotations

import bpy


def evaluated_depsgraph(context: bpy.types.Context) -> bpy.types.Depsgraph:
    """The depsgraph of the context's view layer, evaluated.

    In place of `Context.evaluated_depsgraph_get`, which Blender before 5.2 cannot call in a `temp_override` while a
    thread runs Python: it releases the interpreter and then looks names up in the dictionary of the override, which
    damages the memory of Python.
    """
    view_layer = context.view_layer
    view_layer.update()
    return view_layer.depsgraph


def evaluated_object(context: bpy.types.Context, obj: bpy.types.Object, subject: str | None = None) -> bpy.types.Object:
    """The object with modifiers, constraints, parents and animation applied.

    subject: the noun of the sentence, by default the name in quotes. Raises InvalidRequest with the reason if Blender
    does not evaluate the object: its values would be those of an earlier time.
    """
    from ...motionlcm_blender.errors import InvalidRequest

    depsgraph = evaluated_depsgraph(context)
    reason = missing_because(context, obj)
    if reason:
        raise InvalidRequest(f"{subject or _quoted(obj)} {reason}")
    return obj.evaluated_get(depsgraph)


def is_in_scene(scene: bpy.types.Scene, obj: bpy.types.Object) -> bool:
    """Whether the scene has this object, and not only another one of the same name from another file."""
    return _holds(scene.objects, obj)


def _holds(objects: bpy.types.bpy_prop_collection, obj: bpy.types.Object) -> bool:
    named = objects.get(obj.name)
    return named == obj or (named is not None and any(each == obj for each in objects))


def missing_because(context: bpy.types.Context, obj: bpy.types.Object) -> str:
    """The rest of a sentence about an object that Blender does not evaluate in this view layer; empty for others.

    An object that is only hidden, by the eye icon of itself or of a collection, is evaluated.
    """
    if not is_in_scene(context.scene, obj):
        others = [scene.name for scene in bpy.data.scenes if is_in_scene(scene, obj)]
        if others:
            return f'is only in the scene "{others[0]}": link it to this scene, or choose another object.'
        return "is not in this scene, as it was deleted or never linked: choose another object."
    if obj.hide_viewport:
        return "is disabled in viewports (the monitor icon), so Blender does not calculate it: enable it."
    if _is_enabled(context.view_layer.layer_collection, obj):
        return ""
    name = obj.users_collection[0].name
    return (
        f'is in the collection "{name}", which is disabled or excluded from the view layer, so Blender does not '
        "calculate it: enable the collection."
    )


def _is_enabled(layer: bpy.types.LayerCollection, obj: bpy.types.Object) -> bool:
    """Whether the object is in this collection or one below it that is neither disabled nor excluded."""
    if layer.collection.hide_viewport:
        return False
    if not layer.exclude and _holds(layer.collection.objects, obj):
        return True
    return any(_is_enabled(below, obj) for below in layer.children)


def _quoted(obj: bpy.types.Object) -> str:
    return f'"{obj.name}"'
