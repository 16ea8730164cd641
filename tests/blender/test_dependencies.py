"""What follows the character cannot lead it: paths, pins, targets and grounds that the motion itself moves."""

from __future__ import annotations

import bpy
import pytest

from tests.blender.support import add_character, generate, panel_status, part, poly_curve, refusal, settings


def empty(name: str = "Empty") -> bpy.types.Object:
    obj = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(obj)
    return obj


def follow(obj: bpy.types.Object, character: bpy.types.Object, how: str) -> None:
    if how == "bone parent":
        obj.parent, obj.parent_type, obj.parent_bone = character, "BONE", "r_wrist"
    elif how == "parent":
        obj.parent = character
    elif how == "constraint":
        constraint = obj.constraints.new("COPY_LOCATION")
        constraint.target, constraint.subtarget = character, "pelvis"
    elif how == "constraint of the parent":
        obj.parent = empty("Between")
        follow(obj.parent, character, "constraint")
    elif how == "driver":
        variable = obj.driver_add("location", 0).driver.variables.new()
        variable.type = "TRANSFORMS"
        variable.targets[0].id, variable.targets[0].bone_target = character, "pelvis"
    elif how == "hook":
        hook = obj.modifiers.new("Hook", "HOOK")
        hook.object, hook.subtarget = character, "pelvis"


@pytest.mark.parametrize("how", ["bone parent", "parent", "constraint", "constraint of the parent", "driver", "hook"])
def test_a_path_that_follows_the_character_is_refused(how: str) -> None:
    character, path = add_character(), poly_curve([(0.0, 0.0), (0.0, -3.0)])
    follow(path, character, how)
    settings().path = path
    assert "follows the character" in refusal()


@pytest.mark.parametrize("how", ["bone parent", "constraint", "constraint of the parent", "driver"])
@pytest.mark.parametrize("use", ["pin", "facing", "ground"])
def test_what_the_motion_moves_is_no_pin_target_or_ground(how: str, use: str) -> None:
    character = add_character()
    if use == "ground":
        bpy.ops.mesh.primitive_plane_add(size=10.0)
        obj = bpy.context.object
        settings().ground = obj
    else:
        obj = empty()
        obj.location = (0.3, -0.3, 1.2)
    if use == "pin":
        pin = settings().pins.add()
        pin.target, pin.joint, pin.first, pin.last = obj, "l_wrist", 1, 30
    elif use == "facing":
        settings().facing, settings().facing_object = "OBJECT", obj
    follow(obj, character, how)
    sentence = refusal()
    assert f'moves "{obj.name}"' in sentence and sentence.lower().startswith(use)


def test_what_is_fixed_to_the_resting_armature_object_may_lead_it() -> None:
    character, target = add_character(), empty()
    target.parent = character
    settings().facing, settings().facing_object = "OBJECT", target
    generate(seconds=2.0)
    assert not panel_status().error
    settings().travel = "root"
    assert "moves" in refusal()


def test_the_mannequin_is_no_ground() -> None:
    character = add_character()
    settings().ground = character.children[0]
    assert "Mannequin" in refusal()


def test_a_muted_constraint_and_another_character_are_no_dependence() -> None:
    character, other, obj = add_character(), add_character(), empty()
    follow(obj, character, "constraint")
    obj.constraints[0].mute = True
    follow(obj, other, "bone parent")
    dependence = part("operators.scene.dependencies").dependence
    assert dependence(obj, character, True) == "" and dependence(obj, other, False) == "shape"
    assert dependence(character.children[0], character, True) == "shape"
    assert dependence(character.children[0], character, False) == "place"
