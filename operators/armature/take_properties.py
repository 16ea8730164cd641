"""What the extension stores in a file beside its property groups: custom properties, with their types and defaults.

The names are part of saved files and never change. In addition to this list an Action contains every field of its
recipe, flat and under the same prefix: see `write_facts` and the engine's recipes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeGuard, TypeVar

import bpy

PREFIX = "motionlcm_"
FIRST_VERSION = "0.1.0"
SECOND_VERSION = "0.2.0"
ACTION, ARMATURE, CURVE = "Action", "armature object", "curve object"

T = TypeVar("T")


@dataclass(frozen=True)
class StoredProperty(Generic[T]):
    """One custom property.

    name: without the prefix. default: the value of a missing property, which also sets the type. on: the type of
    data-block that has it. since: the version that introduced it.
    """

    name: str
    default: T
    meaning: str
    on: str = ACTION
    since: str = FIRST_VERSION

    @property
    def key(self) -> str:
        return PREFIX + self.name

    def is_on(self, block: bpy.types.ID | None) -> TypeGuard[bpy.types.ID]:
        """Whether a data-block has the property; False for None."""
        return block is not None and self.key in block

    def read(self, block: bpy.types.ID) -> T:
        """The value as the property's type; the default if it is missing or of another kind."""
        value = block.get(self.key)
        try:
            return self.default if value is None else type(self.default)(value)  # type: ignore[call-arg]
        except (TypeError, ValueError):
            return self.default

    def write(self, block: bpy.types.ID, value: T) -> None:
        block[self.key] = list(value) if isinstance(value, tuple) else value

    def remove(self, block: bpy.types.ID) -> None:
        if self.key in block:
            del block[self.key]


class IdentityProperty(StoredProperty[str]):
    """The identity of a character. Blender does not save new custom properties of a library override, so an override
    has it in a registered property."""

    def is_on(self, block: bpy.types.ID | None) -> TypeGuard[bpy.types.ID]:
        return block is not None and bool(self.read(block))

    def read(self, block: bpy.types.ID) -> str:
        own: str = block.motionlcm.identity
        return own or super().read(block)

    def write(self, block: bpy.types.ID, value: str) -> None:
        if block.override_library is None:
            super().write(block, value)
        else:
            block.motionlcm.identity = value


NO_NUMBERS: tuple[float, ...] = ()

RECIPE = StoredProperty("recipe", 0, "version of the recipe; 0: an older one, which names a ground and leaves out more")
PROMPT = StoredProperty("prompt", "", "the prompt; tells an Action that was made here")
SEED = StoredProperty("seed", 0, "the seed")
MADE = StoredProperty("made", "", "when it was made, ISO 8601, UTC")
FIRST_FRAME = StoredProperty("first_frame", 0, "frame of keys on which it begins")
PATH = StoredProperty("path", "", "name of the path, or empty")
GROUND = StoredProperty("ground", "", "name of the ground, or empty")
ORIGIN = StoredProperty("origin", NO_NUMBERS, "(3,) where the motion begins, engine axes, metres of the character")
BLENDS = StoredProperty("blends", NO_NUMBERS, "seeds and shares of variations, one after the other")
MIRROR = StoredProperty("mirror", False, "whether left and right are swapped")
MODEL = StoredProperty("model", "", "name of the model that made it")
MILLISECONDS = StoredProperty("milliseconds", 0.0, "how long the model took")
PATH_MEAN = StoredProperty("path_mean_cm", 0.0, "mean distance from the path")
PATH_MAX = StoredProperty("path_max_cm", 0.0, "largest distance from the path")
PIN_MAX = StoredProperty("pin_max_cm", 0.0, "largest distance from the pins")
FOOT_SKATE = StoredProperty("foot_skate_cm_s", 0.0, "how fast standing feet slide")
FACING_OFF = StoredProperty(
    "facing_off_deg", 0.0, "mean angle between the facing and what is meant by path or prompt", since=SECOND_VERSION
)
BELOW_FLOOR = StoredProperty("below_floor_cm", 0.0, "how far a foot is below the floor at worst", since=SECOND_VERSION)
DRAG = StoredProperty("drag_cm", 0.0, "how far a standing foot is dragged at worst", since=SECOND_VERSION)
ENERGY = StoredProperty("energy_share", 0.0, "body speed as a share of that of captured motion", since=SECOND_VERSION)
FAULTS = StoredProperty("faults", 0.0, "sum of visible faults, 0: none; sorts takes by quality", since=SECOND_VERSION)
KEYS_PER_SECOND = StoredProperty("keys_per_second", 0.0, "density of fitted keys; 0: a key on every frame")
KEYS_ERROR = StoredProperty("keys_error_mm", 0.0, "largest distance of a joint from the motion as made")
KEYS_SHARE = StoredProperty("keys_share", 1.0, "fitted keys as a share of a key on every frame")

BATCH = StoredProperty("batch", "", "what takes that were made together have in common")
CHARACTER = StoredProperty("character_id", "", "the character that it was made for: its ID")
SHOT = StoredProperty("shot", "", "the shot that it is a take of")
TAKE = StoredProperty("take", 0, "which take of the shot it is")
STAR = StoredProperty("star", False, "whether the animator starred it")
CUT = StoredProperty("cut", False, "whether it was cut or joined, so that its recipe makes more, or less")
BAKED = StoredProperty("baked", False, "whether it is the motion of all shots in one Action")
PLACED = StoredProperty("placed", False, "of a pose: whether it says where on the floor the pose is")

ID = IdentityProperty("id", "", "a name of the character that stays, whatever it is called", ARMATURE)
JOINTS = StoredProperty("joints", NO_NUMBERS, "(J * 3,) rest positions of a body's joints", ARMATURE)
JOINT_NAMES = StoredProperty("joint_names", "", "the bones of these joints, one a line", ARMATURE)
JOINT_DIRECTIONS = StoredProperty(
    "joint_directions", NO_NUMBERS, "(S * J * 3,) where a body's shapes move its joints", ARMATURE
)
RIG = StoredProperty("rig", "", "the kind of armature that was recognised", ARMATURE, since=SECOND_VERSION)
RIG_BONES = StoredProperty("rig_bones", 0, "number of joints that have a bone", ARMATURE, since=SECOND_VERSION)
RIG_DOUBT = StoredProperty("rig_doubt", "", "what was not recognised, or empty", ARMATURE, since=SECOND_VERSION)
RIG_JOINTS = StoredProperty(
    "rig_joints", "", "JSON: joint -> [confidence, bones ...] as recognised", ARMATURE, since=SECOND_VERSION
)
RIG_CONTROLS = StoredProperty(
    "rig_controls", False, "whether these bones are controls of a control rig", ARMATURE, since=SECOND_VERSION
)
RIG_IK = StoredProperty(
    "rig_ik", False, "whether the IK controls of the armature are known", ARMATURE, since=SECOND_VERSION
)
IK_CONTROLS = StoredProperty("ik_controls", False, "whether IK controls have the keys of limbs", since=SECOND_VERSION)
RIG_CHOSEN = StoredProperty(
    "rig_chosen", "", "JSON: joint -> bones that the animator chose for it", ARMATURE, since=SECOND_VERSION
)
RIG_PRESET = StoredProperty(
    "rig_preset", "", "name of the animator's preset that recognised the armature", ARMATURE, since=SECOND_VERSION
)
SWITCHES = StoredProperty(
    "switches", "", "JSON: path of each switch that a motion has set -> values before and now", ARMATURE, SECOND_VERSION
)
SWITCHED = StoredProperty("switches", "", "JSON: the same of the switches that this motion needs", since=SECOND_VERSION)
IMPORTED = StoredProperty("imported", "", "name of the file that it was imported from", since=SECOND_VERSION)
BODY_RAISED = StoredProperty(
    "body_raised", 0.0, "metres by which a body is above the origin of its model", ARMATURE, SECOND_VERSION
)
BODY_GENDER = StoredProperty("body_gender", "", "gender of a body, as its file is named", ARMATURE, SECOND_VERSION)
DRAWN = StoredProperty("path", False, "whether Draw Path made the curve", CURVE)

SCHEMA: tuple[StoredProperty[Any], ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, StoredProperty)
)
"""All stored properties."""

RIG_TOTAL = 22
"""Number of joints that `RIG_BONES` counts."""
SHAPE_KEY = "Shape "
"""Name of a body's shape keys: "Shape 0", "Shape 1", ..."""
POSE_KEY = "Pose "
"""Name of the shape keys of its pose corrections, by the number of the pose feature."""
SORTS: dict[str, StoredProperty[float] | None] = {
    "NAME": None, "PATH": PATH_MEAN, "SKATE": FOOT_SKATE, "QUALITY": FAULTS,
}  # fmt: skip
"""The measure that sorts takes, in ascending order; None: the name."""
OLDER: dict[str, StoredProperty[float]] = {"QUALITY": FOOT_SKATE}
"""The measure that sorts takes of an earlier version, which lack the other one, behind those that have it."""


@dataclass(frozen=True)
class TakeProperties:
    """The stored properties of one of our Actions, for lists of takes. A measure that was not taken is None."""

    prompt: str
    seed: int
    take: int | None
    starred: bool
    blends: tuple[float, ...]
    mirrored: bool
    path_mean_cm: float | None
    path_max_cm: float | None
    pin_max_cm: float | None
    foot_skate_cm_s: float | None
    facing_off_deg: float | None
    below_floor_cm: float | None
    drag_cm: float | None
    energy_share: float | None
    milliseconds: float | None
    model: str | None


def read(action: bpy.types.Action) -> TakeProperties:
    """The value as the property's type; the default if it is missing or of another type."""

    def known(stored: StoredProperty[T]) -> T | None:
        return stored.read(action) if stored.is_on(action) else None

    return TakeProperties(
        PROMPT.read(action),
        SEED.read(action),
        known(TAKE),
        STAR.read(action),
        BLENDS.read(action),
        MIRROR.read(action),
        known(PATH_MEAN),
        known(PATH_MAX),
        known(PIN_MAX),
        known(FOOT_SKATE),
        known(FACING_OFF),
        known(BELOW_FLOOR),
        known(DRAG),
        known(ENERGY),
        known(MILLISECONDS),
        known(MODEL),
    )


def rank(action: bpy.types.Action, sort: str) -> tuple[bool, float]:
    """Place of a take in an order of `SORTS`, ascending: whether it lacks the measure, and the measure.

    A take that lacks it is sorted by the measure of `OLDER`.
    """
    measure = SORTS.get(sort)
    if measure is None:
        return False, 0.0
    if measure.is_on(action) or sort not in OLDER:
        return False, measure.read(action)
    return True, OLDER[sort].read(action)


def has_recipe(action: bpy.types.Action | None) -> TypeGuard[bpy.types.Action]:
    """Whether an Action was generated here, and not imported."""
    return PROMPT.is_on(action) and not IMPORTED.is_on(action)


def write_facts(action: bpy.types.Action, facts: Mapping[str, Any]) -> None:
    """Write the facts of a generation to an Action. facts: names without the prefix -> values."""
    for name, value in facts.items():
        action[PREFIX + name] = value


def facts_of(action: bpy.types.Action | None) -> dict[str, Any]:
    """The facts of an Action's generation, by names without the prefix; empty if the Action is not ours."""
    if action is None:
        return {}
    return {key.removeprefix(PREFIX): action[key] for key in action.keys() if key.startswith(PREFIX)}  # noqa: SIM118  not iterable


def copy_facts(source: bpy.types.Action, target: bpy.types.Action) -> None:
    """Copy the facts of a generation to another Action, and mark that Action as edited."""
    write_facts(target, facts_of(source))
    CUT.write(target, True)


def discard(action: bpy.types.Action | None) -> None:
    """Remove an Action without users."""
    if action is not None and action.users - int(action.use_fake_user) <= 0:
        bpy.data.actions.remove(action)


def removable(actions: Sequence[bpy.types.Action], present: bpy.types.Action | None) -> list[bpy.types.Action]:
    """The takes that can be removed: not the active one, not starred, and without other users."""
    return [
        action
        for action in actions
        if action != present and not STAR.read(action) and action.users - int(action.use_fake_user) <= 0
    ]
