"""Link new objects to a visible collection that can be edited, at sizes that fit the scene's units."""

from __future__ import annotations

import bpy


def editable_collection(context: bpy.types.Context) -> bpy.types.Collection:
    """The active collection or, if it is hidden, linked or an override, the scene's own collection."""
    active = context.collection
    editable = active.library is None and active.override_library is None
    return active if editable and context.layer_collection.is_visible else context.scene.collection


def scene_units_per_metre(scene: bpy.types.Scene) -> float:
    """Scene units per metre, by the scene's unit scale."""
    units = scene.unit_settings
    return 1.0 / float(units.scale_length) if units.system != "NONE" else 1.0


def put_into_scene(context: bpy.types.Context, obj: bpy.types.Object) -> bpy.types.Collection:
    """Link a new object to a visible, editable collection, and make it the only selected and the active object."""
    collection = editable_collection(context)
    collection.objects.link(obj)
    show_in_local_view(context, obj)
    for other in context.selected_objects:
        other.select_set(False)
    context.view_layer.objects.active = obj
    obj.select_set(True)
    return collection


def show_in_local_view(context: bpy.types.Context, obj: bpy.types.Object) -> None:
    """Show a new object in the viewport, also in local view."""
    space = context.space_data
    if space is not None and space.type == "VIEW_3D" and space.local_view is not None:
        obj.local_view_set(space, True)
