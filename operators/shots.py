"""The shots of a character: an ordered list on the armature object, one after the other in the timeline.

Two shots meet where one ends on the frame on which the next begins: that frame belongs to both. Here is the list and
what is done with it; `shot_making` makes the motion, `shot_strips` puts it into the timeline.
"""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

import bpy

from . import jobs, shot_strips
from .strip_layout import arranged

if TYPE_CHECKING:
    from typing import Any

STATES = (
    ("EMPTY", "Empty", "No motion was made yet", "RADIOBUT_OFF", 0),
    ("STALE", "Stale", "What it was made from has changed since", "ERROR", 1),
    ("GENERATING", "Generating", "Its motion is being made", "SORTTIME", 2),
    ("DONE", "Done", "Its motion is as asked for", "CHECKMARK", 3),
)
ICONS = {identifier: icon for identifier, _, _, icon, _ in STATES}


class _Making:
    """Which shot the running job makes."""

    shot = ""
    job = 0


making = _Making()


def _state(shot: "MotionLCMShot") -> int:
    # Worked out, not stored: a file saved in the midst of a job, or undone, tells no tales.
    if making.shot and making.shot == shot.uid and jobs.running() == making.job:
        return 2
    if shot.action is None:
        return 0
    return 1 if shot.stale else 3


def _content_changed(shot: "MotionLCMShot", _context: bpy.types.Context) -> None:
    shot.stale = True


def _prompt_changed(shot: "MotionLCMShot", context: bpy.types.Context) -> None:
    _content_changed(shot, context)
    shot_strips.lay(shot.id_data)  # strips are named by prompts


def _first_changed(shot: "MotionLCMShot", _context: bpy.types.Context) -> None:
    if shot.first != shot.laid_first:  # it is moved as a whole
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
    """One shot: what the character does from one frame to another."""

    name: bpy.props.StringProperty(name="Name", description="Name of the shot")
    uid: bpy.props.StringProperty(options={"HIDDEN"})
    prompt: bpy.props.StringProperty(
        name="Prompt", description="What the character does in this shot, in English", update=_prompt_changed
    )
    first: bpy.props.IntProperty(
        name="Start", description="Frame on which the shot begins; it and what follows is moved", update=_first_changed
    )
    last: bpy.props.IntProperty(
        name="End", description="Frame on which the shot ends; what follows is moved", update=_last_changed
    )
    laid_first: bpy.props.IntProperty(options={"HIDDEN"})
    laid_last: bpy.props.IntProperty(options={"HIDDEN"})
    path: bpy.props.PointerProperty(
        name="Path",
        description="Curve to walk along in this shot, or object whose animated location to follow",
        type=bpy.types.Object,
        poll=_can_be_path,
        update=_content_changed,
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="Another number gives another motion for the same prompt",
        default=0,
        min=0,
        max=2**31 - 1,
        update=_content_changed,
    )
    locked: bpy.props.BoolProperty(
        name="Lock", description="A locked shot keeps its motion, whatever is made", default=False
    )
    stale: bpy.props.BoolProperty(options={"HIDDEN"})
    action: bpy.props.PointerProperty(
        name="Action", description="The Action with the shot's motion", type=bpy.types.Action
    )
    state: bpy.props.EnumProperty(name="State", description="How the motion stands", items=STATES, get=_state)


def index_of(character: bpy.types.Object, uid: str) -> int:
    """The place in the list of the shot with this identity; -1 if it is gone."""
    return next((number for number, shot in enumerate(character.motionlcm.shots) if shot.uid == uid), -1)


def before(character: bpy.types.Object, index: int) -> MotionLCMShot | None:
    """The shot that ends where this one begins."""
    shots = character.motionlcm.shots
    return shots[index - 1] if index > 0 and shots[index - 1].last == shots[index].first else None


def after(character: bpy.types.Object, index: int) -> MotionLCMShot | None:
    """The shot that begins where this one ends."""
    shots = character.motionlcm.shots
    return shots[index + 1] if index + 1 < len(shots) and shots[index + 1].first == shots[index].last else None


def active_shot(character: bpy.types.Object | None) -> MotionLCMShot | None:
    """The shot chosen in the list."""
    if character is None:
        return None
    listed = character.motionlcm
    return listed.shots[listed.shot_index] if 0 <= listed.shot_index < len(listed.shots) else None


def touch(shot: MotionLCMShot | None) -> None:
    """What this shot goes on from has changed. A locked one stays as it is."""
    if shot is not None and not shot.locked:
        shot.stale = True


def new_shot(character: bpy.types.Object, index: int, prompt: str, first: int, last: int) -> MotionLCMShot:
    """Put a shot into the list, on frames that the caller knows to be free."""
    shots = character.motionlcm.shots
    names = {shot.name for shot in shots}
    shot = shots.add()
    shot.uid = uuid.uuid4().hex[:12]
    shot.name = next(name for name in (f"Shot {number}" for number in range(1, len(names) + 2)) if name not in names)
    shot.prompt = prompt
    put(shot, first, last)
    shot.stale = False
    shots.move(len(shots) - 1, index)
    character.motionlcm.shot_index = index
    return shots[index]


def put(shot: MotionLCMShot, first: int, last: int) -> None:
    """Set a shot's frames and nothing else; its motion goes with its start."""
    by = first - shot.laid_first
    shot.laid_first, shot.laid_last = first, last  # before the others, so that the change is known to be ours
    shot.first, shot.last = first, last
    if by and shot.action is not None:
        if _shared(shot):
            shot.action = shot.action.copy()
        shot_strips.shift(shot.action, by)


def arrange(character: bpy.types.Object, index: int, first: int, last: int) -> None:
    """Give a shot other frames and move those after it along: what met still meets, and nothing overlaps.

    A shot of another length is stale, and so is one that now follows upon another pose.
    """
    shots = character.motionlcm.shots
    old = [(shot.laid_first, shot.laid_last) for shot in shots]
    new = arranged(old, index, first, last)
    for number in range(index, len(shots)):
        put(shots[number], *new[number])
    for number in range(max(index, 1), len(shots)):
        met = old[number][0] == old[number - 1][1]
        if met != (shots[number].first == shots[number - 1].last):
            touch(shots[number])
    if new[index][1] - new[index][0] != old[index][1] - old[index][0]:
        shots[index].stale = True
        touch(after(character, index))
    shot_strips.lay(character)


def _shared(shot: MotionLCMShot) -> bool:
    """Whether the shot's Action is a shot of another character too, as after copying an armature."""
    return any(
        other.action == shot.action
        for obj in bpy.data.objects if obj != shot.id_data and obj.type == "ARMATURE"
        for other in obj.motionlcm.shots
    )  # fmt: skip


class OnShots:
    """Runs where the scene's character has shots."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_shot(context.scene.motionlcm.character) is not None

    @staticmethod
    def chosen(context: bpy.types.Context) -> "tuple[Any, Any, int]":
        """The character, its shots, and which of them is chosen."""
        character = context.scene.motionlcm.character
        return character, character.motionlcm.shots, character.motionlcm.shot_index


class MOTIONLCM_OT_add_shot(bpy.types.Operator):
    """Add a shot after the last one, with the panel's prompt, length and seed"""

    bl_idname = "motionlcm.add_shot"
    bl_label = "Add Shot"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from .generate import find_character

        scene, chosen = context.scene, context.scene.motionlcm
        try:
            character = find_character(context)
        except Exception as error:
            jobs.tell(jobs.sentence_for(error), error=True)
            self.report({"ERROR" if bpy.app.background else "WARNING"}, jobs.status.message)
            return {"CANCELLED"}
        shots = character.motionlcm.shots
        begin = scene.frame_current if chosen.start == "CURRENT_FRAME" else scene.frame_start
        first = shots[-1].last if len(shots) else begin
        last = first + max(1, round(chosen.length * scene.render.fps / scene.render.fps_base))
        new_shot(character, len(shots), chosen.prompt, first, last).seed = chosen.seed
        shots[-1].stale = False
        scene.frame_end = max(scene.frame_end, last)
        return {"FINISHED"}


class MOTIONLCM_OT_remove_shot(OnShots, bpy.types.Operator):
    """Remove the chosen shot and its motion; those after it move up"""

    bl_idname = "motionlcm.remove_shot"
    bl_label = "Remove Shot"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        character, shots, index = self.chosen(context)
        first, action, follows = shots[index].first, shots[index].action, after(character, index) is not None
        if action is not None and shot_strips.shown_alone(character) == action:
            shot_strips.show_all(character)
            action.use_fake_user = False
        shots.remove(index)
        character.motionlcm.shot_index = min(index, len(shots) - 1)
        if follows:
            arrange(character, index, first, first + shots[index].last - shots[index].first)
            touch(shots[index])
        shot_strips.lay(character)
        shot_strips.discard(action)
        return {"FINISHED"}


class MOTIONLCM_OT_move_shot(OnShots, bpy.types.Operator):
    """Let the chosen shot change places with its neighbour"""

    bl_idname = "motionlcm.move_shot"
    bl_label = "Move Shot"
    bl_options = {"REGISTER", "UNDO"}

    step: bpy.props.IntProperty(name="Step", description="-1 is earlier, 1 is later", default=1, min=-1, max=1)

    def execute(self, context: bpy.types.Context) -> set[str]:
        character, shots, index = self.chosen(context)
        other = index + self.step
        if other == index or not 0 <= other < len(shots):
            return {"CANCELLED"}
        low = min(index, other)
        (begin, end), (begin_next, end_next) = ((s.first, s.last) for s in (shots[low], shots[low + 1]))
        shots.move(low, low + 1)
        middle = begin + end_next - begin_next
        put(shots[low], begin, middle)
        put(shots[low + 1], middle + begin_next - end, end_next)
        character.motionlcm.shot_index = other
        for number in (low, low + 1):
            touch(shots[number])
        touch(after(character, low + 1))
        shot_strips.lay(character)
        return {"FINISHED"}


class MOTIONLCM_OT_duplicate_shot(OnShots, bpy.types.Operator):
    """Put a shot like the chosen one after it, to be made; those after it move on"""

    bl_idname = "motionlcm.duplicate_shot"
    bl_label = "Duplicate Shot"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        character, shots, index = self.chosen(context)
        length, last = shots[index].last - shots[index].first, shots[index].last
        if index + 1 < len(shots):  # room first, so that the new one fits in
            following = shots[index + 1]
            begin = max(following.first, last + length)
            arrange(character, index + 1, begin, begin + following.last - following.first)
            touch(shots[index + 1])
        source = shots[index]
        prompt, path, seed = source.prompt, source.path, source.seed
        copy = new_shot(character, index + 1, prompt, last, last + length)
        copy.path, copy.seed, copy.stale = path, seed, False
        context.scene.frame_end = max(context.scene.frame_end, shots[len(shots) - 1].last)
        return {"FINISHED"}


class MOTIONLCM_OT_split_shot(OnShots, bpy.types.Operator):
    """Split the shot under the playhead in two there; its motion stays as it is"""

    bl_idname = "motionlcm.split_shot"
    bl_label = "Split Shot at Playhead"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        character, shots, _ = self.chosen(context)
        frame = context.scene.frame_current
        index = next((number for number, shot in enumerate(shots) if shot.first < frame < shot.last), -1)
        if index < 0:
            jobs.tell(f"No shot has frame {frame} within it: move the playhead.", error=True)
            return {"CANCELLED"}
        shot = shots[index]
        last, whole, stale, locked = shot.last, shot.action, shot.stale, shot.locked
        prompt, path, seed = shot.prompt, shot.path, shot.seed
        alone = whole is not None and shot_strips.shown_alone(character) == whole
        second = new_shot(character, index + 1, prompt, frame, last)
        second.path, second.seed, second.locked = path, seed, locked
        put(shots[index], shots[index].first, frame)
        for part in (shots[index], shots[index + 1]):
            part.stale = stale
            if whole is not None:
                part.action = shot_strips.cut_action(whole, part.first, part.last)
                part.action[shot_strips.SHOT] = part.uid
        if alone:
            shot_strips.show_all(character)
            whole.use_fake_user = False
        shot_strips.lay(character)
        shot_strips.discard(whole)
        return {"FINISHED"}


class MOTIONLCM_OT_join_shots(OnShots, bpy.types.Operator):
    """Make one shot of the chosen one and the next; the motion of both stays"""

    bl_idname = "motionlcm.join_shots"
    bl_label = "Join with Next Shot"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        character, shots, index = self.chosen(context)
        if after(character, index) is None:
            jobs.tell("No shot begins where this one ends, so there is nothing to join.", error=True)
            return {"CANCELLED"}
        one, two = shots[index], shots[index + 1]
        actions = [shot.action for shot in (one, two) if shot.action is not None]
        same = (one.prompt, one.path, one.seed) == (two.prompt, two.path, two.seed)
        stale = one.stale or two.stale or not same or len(actions) == 1
        if actions:
            whole = shot_strips.joined_action([s for s in (one, two) if s.action is not None], actions[0].name)
            shot_strips.copy_facts(actions[0], whole)
            whole[shot_strips.SHOT] = one.uid
            if shot_strips.shown_alone(character) in actions:
                shot_strips.show_all(character)
            one.action = whole
        if one.prompt != two.prompt:
            one.prompt = f"{one.prompt}, then {two.prompt}"
        put(one, one.first, two.last)
        shots.remove(index + 1)
        shots[index].stale = stale and bool(actions)
        shot_strips.lay(character)
        for action in actions:
            shot_strips.discard(action)
        return {"FINISHED"}


class MOTIONLCM_OT_show_shot(OnShots, bpy.types.Operator):
    """Show the chosen shot alone, or all of them again"""

    bl_idname = "motionlcm.show_shot"
    bl_label = "Show Shot Alone"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        character, shots, index = self.chosen(context)
        shot = shots[index]
        if shot.action is None or shot_strips.shown_alone(character) == shot.action:
            shot_strips.show_all(character)
        else:
            shot_strips.show_alone(character, shot)
        context.scene.frame_set(context.scene.frame_current)
        return {"FINISHED"}


class MOTIONLCM_OT_bake_shots(OnShots, bpy.types.Operator):
    """Write the motion of all shots into one Action, without touching theirs; their track is muted"""

    bl_idname = "motionlcm.bake_shots"
    bl_label = "Bake Shots into One Action"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        character, shots, _ = self.chosen(context)
        made = with_motion(shots)
        if not made:
            jobs.tell("No shot has a motion yet: generate them first.", error=True)
            return {"CANCELLED"}
        action = shot_strips.bake(character, made)
        context.scene.frame_set(context.scene.frame_current)
        jobs.tell(f"{len(made)} shots are in {action.name}.")
        return {"FINISHED"}


def with_motion(shots: Sequence[MotionLCMShot]) -> list[MotionLCMShot]:
    """Those that have been made."""
    return [shot for shot in shots if shot.action is not None]


CLASSES = (
    MOTIONLCM_OT_add_shot, MOTIONLCM_OT_remove_shot, MOTIONLCM_OT_move_shot, MOTIONLCM_OT_duplicate_shot,
    MOTIONLCM_OT_split_shot, MOTIONLCM_OT_join_shots, MOTIONLCM_OT_show_shot, MOTIONLCM_OT_bake_shots,
)  # fmt: skip
