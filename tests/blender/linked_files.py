"""A character of another file: linked, overridden, saved and opened again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy

from tests.blender.support import add_character, settings


def link_hero(folder: Path, prepare: Callable[[bpy.types.Object], None]) -> bpy.types.Collection:
    """The collection of a character, linked into an empty file."""
    collection = bpy.data.collections.new("Hero")
    bpy.context.scene.collection.children.link(collection)
    character = add_character()
    for obj in (character, *character.children):
        for other in list(obj.users_collection):
            other.objects.unlink(obj)
        collection.objects.link(obj)
    prepare(character)
    library = folder / "hero.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    settings().key_mode = "DENSE"
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.collections = ["Hero"]
    linked = wanted.collections[0]
    bpy.context.scene.collection.children.link(linked)
    return linked


def armature_of(collection: bpy.types.Collection) -> bpy.types.Object:
    return next(obj for obj in collection.all_objects if obj.type == "ARMATURE")


def overridden(linked: bpy.types.Collection, keep_linked: bool = False) -> bpy.types.Object:
    scene = bpy.context.scene
    override = linked.override_hierarchy_create(scene, bpy.context.view_layer)
    if not keep_linked:
        scene.collection.children.unlink(linked)
    return armature_of(override)


def reopened(file: Path) -> bpy.types.Object:
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    bpy.ops.wm.open_mainfile(filepath=str(file))
    return next(obj for obj in bpy.context.scene.objects if obj.type == "ARMATURE" and obj.library is None)
