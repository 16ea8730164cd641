"""Link new objects to a visible collection."""

from __future__ import annotations

import bpy


def put_into_scene(context: bpy.types.Context, obj: bpy.types.Object) -> bpy.types.Collection:
    """Link a new object to a visible collection, and make it the only selected object and the active object."""
    collection = context.collection if context.layer_collection.is_visible else context.scene.collection
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
