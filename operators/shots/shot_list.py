"""The shots of a character: an ordered list on the armature object, one shot after the other in the timeline.

Two shots adjoin if one ends on the frame on which the next begins: that frame belongs to both. This module holds the
list and its edits; `generate_shots` generates the motion, `nla_track` puts it into the NLA.
"""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

import bpy

from ..armature import character_lookup, take_properties
from ..controls import pins
from ..scene import messages
from ..scene.library_overrides import OVERRIDABLE, OVERRIDABLE_LIST
from ..scene.operator_base import MotionLCMOperator
from ..scene.scene_time import rate_of
from ..scene.shot_lookup import active_shot, index_of
from ..session import job_queue
from . import nla_track
from .shot_frames import arranged

if TYPE_CHECKING:
    from typing import Any

STATES = (
    ("EMPTY", "Empty", "No motion is generated yet", "RADIOBUT_OFF", 0),
    ("STALE", "Stale", "Settings or neighbours changed after the motion was generated", "ERROR", 1),
    ("GENERATING", "Generating", "Motion is being generated", "SORTTIME", 2),
    ("DONE", "Done", "Motion fits the settings", "CHECKMARK", 3),
)
ICONS = {identifier: icon for identifier, _, _, icon, _ in STATES}


def _state(shot: "MotionLCMShot") -> int:
    # Computed, not stored: a file that was saved or undone during a job has no wrong state.
    if job_queue.get().makes(shot.id_data.session_uid, shot.uid):
        return 2
    if shot.action is None:
        return 0
    return 1 if shot.stale else 3


def to_make(shot: "MotionLCMShot") -> bool:
    """Whether the shot's motion is missing or stale and the shot is not locked."""
    return shot.action is None or (shot.stale and not shot.locked)


def _seen(_shot: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    messages.redraw()  # the strips are in other editors than the list


def _content_changed(shot: "MotionLCMShot", _context: bpy.types.Context) -> None:
    shot.stale, shot.entry = True, False
    messages.redraw()


def _prompt_changed(shot: "MotionLCMShot", context: bpy.types.Context) -> None:
    _content_changed(shot, context)
    nla_track.lay(shot.id_data)  # NLA strips are named by prompts


def _first_changed(shot: "MotionLCMShot", _context: bpy.types.Context) -> None:
    if shot.first != shot.laid_first:  # the shot moves as a whole
        last = shot.first + shot.laid_last - shot.laid_first
        arrange(shot.id_data, index_of(shot.id_data, shot.uid), shot.first, last)


def _last_changed(shot: "MotionLCMShot", _context: bpy.types.Context) -> None:
    if shot.last != shot.laid_last:
        arrange(shot.id_data, index_of(shot.id_data, shot.uid), shot.laid_first, shot.last)


def _can_be_path(shot: "MotionLCMShot", obj: bpy.types.Object) -> bool:
    if obj == shot.id_data or obj.motionlcm.armature is not None:
        return False
    moved = obj.animation_data is not None or len(obj.constraints) > 0 or obj.parent is not None
    return obj.type == "CURVE" or moved


class MotionLCMShot(bpy.types.PropertyGroup):
    """One shot: a prompt between two frames."""

    name: bpy.props.StringProperty(override=OVERRIDABLE, name="Name", description="Name of the shot")
    uid: bpy.props.StringProperty(override=OVERRIDABLE, options={"HIDDEN"})
    prompt: bpy.props.StringProperty(
        override=OVERRIDABLE,
        name="Prompt",
        description="Description of the motion of this shot, in English",
        update=_prompt_changed,
    )
    first: bpy.props.IntProperty(
        override=OVERRIDABLE,
        name="Start",
        description="First frame of the shot. A change moves the shot and the later shots",
        update=_first_changed,
    )
    last: bpy.props.IntProperty(
        override=OVERRIDABLE,
        name="End",
        description="Last frame of the shot. A change moves the later shots",
        update=_last_changed,
    )
    laid_first: bpy.props.IntProperty(override=OVERRIDABLE, options={"HIDDEN"})
    laid_last: bpy.props.IntProperty(override=OVERRIDABLE, options={"HIDDEN"})
    path: bpy.props.PointerProperty(
        override=OVERRIDABLE,
        name="Path",
        description="Path of this shot: a curve, or an object with animated location",
        type=bpy.types.Object,
        poll=_can_be_path,
        update=_content_changed,
    )
    path_from: bpy.props.FloatProperty(
        override=OVERRIDABLE,
        name="From",
        description="Fraction of the curve's length at which the path of this shot starts",
        default=0.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        update=_content_changed,
    )
    path_to: bpy.props.FloatProperty(
        override=OVERRIDABLE,
        name="To",
        description="Fraction of the curve's length at which the path of this shot ends",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        update=_content_changed,
    )
    start_pose: bpy.props.PointerProperty(
        override=OVERRIDABLE,
        name="Start Pose",
        description="Action with the start pose of the shot, such as a pose asset. "
        "Without an Action, continue the previous shot",
        type=bpy.types.Action,
        update=_content_changed,
    )
    end_pose: bpy.props.PointerProperty(
        override=OVERRIDABLE,
        name="End Pose",
        description="Action with the end pose of the shot, such as a pose asset. Without an Action, the prompt decides",
        type=bpy.types.Action,
        update=_content_changed,
    )
    pins: bpy.props.CollectionProperty(
        override=OVERRIDABLE_LIST, type=pins.MotionLCMPin, name="Pins", description="Pins of this shot"
    )
    takes: bpy.props.IntProperty(
        override=OVERRIDABLE,
        name="Takes",
        description="Number of takes to generate at once",
        default=1,
        min=1,
        soft_max=8,
        max=32,
    )
    takes_made: bpy.props.IntProperty(override=OVERRIDABLE, options={"HIDDEN"})
    seed: bpy.props.IntProperty(
        override=OVERRIDABLE,
        name="Seed",
        description="Number from which all random values come. Another seed gives another motion for the same prompt",
        default=0,
        min=0,
        max=2**31 - 1,
        update=_content_changed,
    )
    liveliness: bpy.props.FloatProperty(
        override=OVERRIDABLE,
        name="Liveliness",
        description="Factor on the random values. Above 1 the motion is larger and less usual",
        default=1.0,
        min=0.5,
        max=1.7,
        soft_min=0.8,
        soft_max=1.3,
        update=_content_changed,
    )
    locked: bpy.props.BoolProperty(
        override=OVERRIDABLE,
        name="Lock",
        description="Keep the shot's motion, also when other shots are generated",
        default=False,
        update=_seen,
    )
    stale: bpy.props.BoolProperty(override=OVERRIDABLE, options={"HIDDEN"})
    entry: bpy.props.BoolProperty(override=OVERRIDABLE, options={"HIDDEN"})  # stale only because its start changed
    action: bpy.props.PointerProperty(
        override=OVERRIDABLE, name="Action", description="Action with the shot's motion", type=bpy.types.Action
    )
    state: bpy.props.EnumProperty(name="State", description="State of the shot's motion", items=STATES, get=_state)


def before(character: bpy.types.Object, index: int) -> MotionLCMShot | None:
    """The shot that ends on this shot's first frame."""
    shots = character.motionlcm.shots
    return shots[index - 1] if index > 0 and shots[index - 1].last == shots[index].first else None


def after(character: bpy.types.Object, index: int) -> MotionLCMShot | None:
    """The shot that begins on this shot's last frame."""
    shots = character.motionlcm.shots
    return shots[index + 1] if index + 1 < len(shots) and shots[index + 1].first == shots[index].last else None


def mark_stale(shot: MotionLCMShot | None) -> None:
    """Mark the shot as stale because its start changed. A locked shot stays unchanged."""
    if shot is not None and not shot.locked:
        shot.entry = shot.entry or not shot.stale
        shot.stale = True


def new_shot(character: bpy.types.Object, index: int, prompt: str, first: int, last: int) -> MotionLCMShot:
    """Add a shot to the list, on frames that the caller has checked to be free."""
    shots = character.motionlcm.shots
    if not len(shots) or not character.motionlcm.fps:
        character.motionlcm.fps = rate_of(bpy.context.scene)
    names = {shot.name for shot in shots}
    shot = shots.add()
    shot.uid = uuid.uuid4().hex[:12]
    shot.name = next(name for name in (f"Shot {number}" for number in range(1, len(names) + 2)) if name not in names)
    shot.prompt = prompt
    set_frames(shot, first, last)
    shot.stale = False
    shots.move(len(shots) - 1, index)
    character.motionlcm.shot_index = index
    return shots[index]


def set_frames(shot: MotionLCMShot, first: int, last: int) -> None:
    """Set a shot's frames only; its motion moves with its start."""
    by = first - shot.laid_first
    shot.laid_first, shot.laid_last = first, last  # set first, so that the update functions recognise our change
    shot.first, shot.last = first, last
    for pin in shot.pins if by else ():
        pin.first, pin.last = pin.first + by, pin.last + by
    if by and shot.action is not None:
        _shift(shot, by)


def _shift(shot: MotionLCMShot, by: int) -> None:
    if _shared(shot):
        shot.action = shot.action.copy()
    nla_track.shift(shot.action, by)


def choose_take(character: bpy.types.Object, index: int, action: bpy.types.Action) -> None:
    """Make a take the motion of its shot, with the take's prompt, seed and liveliness. The next shot becomes stale."""
    shot = character.motionlcm.shots[index]
    alone = shot.action is not None and nla_track.shown_alone(character) == shot.action
    changed = shot.action != action
    shot.action = action
    stored = take_properties
    by = shot.first - stored.FIRST_FRAME.read(action) if stored.FIRST_FRAME.is_on(action) else 0
    if by:  # the shot was moved after the take was generated
        _shift(shot, by)
    if stored.PROMPT.is_on(action):
        shot.prompt = stored.PROMPT.read(action)
    if stored.SEED.is_on(action):
        shot.seed = stored.SEED.read(action)
        shot.liveliness = stored.LIVELINESS.read(action)
    length = round(action.frame_range[1] - action.frame_range[0])
    path = shot.path.name if shot.path is not None else ""
    shot.entry = False
    shot.stale = length != shot.last - shot.first or stored.PATH.read(action) != path
    nla_track.lay(character)
    if alone:
        nla_track.show_alone(character, shot)
    following = after(character, index)
    if changed and following is not None and following.action is not None:
        mark_stale(following)


def arrange(character: bpy.types.Object, index: int, first: int, last: int) -> None:
    """Give a shot other frames and move later shots along. Adjoining shots stay adjoining; shots never overlap.

    A shot with a new length is stale, and so is a shot that now continues another pose.
    """
    shots = character.motionlcm.shots
    old = [(shot.laid_first, shot.laid_last) for shot in shots]
    new = arranged(old, index, first, last)
    for number in range(index, len(shots)):
        set_frames(shots[number], *new[number])
    for number in range(max(index, 1), len(shots)):
        met = old[number][0] == old[number - 1][1]
        if met != (shots[number].first == shots[number - 1].last):
            mark_stale(shots[number])
    if new[index][1] - new[index][0] != old[index][1] - old[index][0]:
        shots[index].stale, shots[index].entry = True, False
        mark_stale(after(character, index))
    nla_track.lay(character)


def _shared(shot: MotionLCMShot) -> bool:
    """Whether the shot's Action also belongs to another character, as after copying an armature."""
    return any(
        other.action == shot.action
        for obj in bpy.data.objects
        if obj != shot.id_data and obj.type == "ARMATURE"
        for other in obj.motionlcm.shots
    )


def of_another_rate(scene: bpy.types.Scene, character: bpy.types.Object | None) -> bool:
    """Whether the shots' frames belong to another frame rate than the scene's current one."""
    listed = character.motionlcm if character is not None else None
    return listed is not None and len(listed.shots) > 0 and listed.fps > 0 and abs(listed.fps - rate_of(scene)) > 1e-3


def check_removable(character: bpy.types.Object, *shots: MotionLCMShot) -> None:
    """Raises InvalidRequest if a shot is part of the linked file of a library override: Blender can change such a shot,
    but neither move nor remove it."""
    from ...motionlcm_blender.errors import InvalidRequest

    override = character.override_library
    linked = override.reference.motionlcm.shots if override is not None and override.reference is not None else ()
    known = {shot.uid for shot in linked}
    for shot in shots:
        if shot.uid in known:
            raise InvalidRequest(
                f'"{shot.name}" comes from the file that "{character.name}" is linked from: it can be changed here, '
                "but not moved or removed."
            )


class OnShots(MotionLCMOperator):
    """Base of operators that need a character with shots in the scene."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_shot(context.scene.motionlcm.character) is not None

    @staticmethod
    def chosen(context: bpy.types.Context) -> "tuple[Any, Any, int]":
        """The character, its shots, and the index of the chosen shot. Raises InvalidRequest if the character cannot be
        changed."""
        character = context.scene.motionlcm.character
        character_lookup.check_writable(character)
        return character, character.motionlcm.shots, character.motionlcm.shot_index


def with_motion(shots: Sequence[MotionLCMShot]) -> list[MotionLCMShot]:
    """The shots that have a motion."""
    return [shot for shot in shots if shot.action is not None]


CLASSES = (MotionLCMShot,)
