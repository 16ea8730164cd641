"""Objects as Blender evaluates them, or the reason why Blender does not evaluate an object."""

from __future__ import annotations

import bpy


def evaluated_object(context: bpy.types.Context, obj: bpy.types.Object, subject: str | None = None) -> bpy.types.Object:
    """The object with modifiers, constraints, parents and animation applied.

    subject: the noun of the sentence, by default the name in quotes. Raises InvalidRequest with the reason if Blender
    does not evaluate the object: its values would be those of an earlier time.
    """
    from ...motionlcm_blender.errors import InvalidRequest

    depsgraph = context.evaluated_depsgraph_get()
    reason = missing_because(context, obj)
    if reason:
        raise InvalidRequest(f"{subject or _quoted(obj)} {reason}")
    return obj.evaluated_get(depsgraph)


def missing_because(context: bpy.types.Context, obj: bpy.types.Object) -> str:
    """The rest of a sentence about an object that Blender does not evaluate in this view layer; empty for others.

    An object that is only hidden, by the eye icon of itself or of a collection, is evaluated.
    """
    if context.scene.objects.get(obj.name) != obj:
        others = [scene.name for scene in bpy.data.scenes if scene.objects.get(obj.name) == obj]
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
    if not layer.exclude and layer.collection.objects.get(obj.name) == obj:
        return True
    return any(_is_enabled(below, obj) for below in layer.children)


def _quoted(obj: bpy.types.Object) -> str:
    return f'"{obj.name}"'


def curves_in_action(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    """All F-curves of an Action, of all its slots."""
    if not hasattr(action, "layers"):
        return list(action.fcurves)
    bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
    return [curve for bag in bags for curve in bag.fcurves]
