"""The operators that edit the list of shots: add, remove, move, split, join, bake."""

# No `from __future__ import annotations` here, as in all files with operators.
import bpy

from ..armature import character_lookup, take_properties
from ..scene import messages
from ..scene.operator_base import MotionLCMOperator
from ..scene.scene_time import rate_of
from . import nla_track
from .shot_list import (
    OnShots,
    after,
    arrange,
    check_removable,
    mark_stale,
    new_shot,
    of_another_rate,
    set_frames,
    with_motion,
)


class MOTIONLCM_OT_add_shot(MotionLCMOperator, bpy.types.Operator):
    """Add a shot after the last shot, with the prompt, length and seed of the panel"""

    bl_idname = "motionlcm.add_shot"
    bl_label = "Add Shot"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        from ..armature.character_lookup import find_character
        from ..scene.scene_time import check_range, make_room, start_of_motion

        scene, chosen = context.scene, context.scene.motionlcm
        character = find_character(context)
        shots = character.motionlcm.shots
        first = shots[-1].last if len(shots) else start_of_motion(scene, chosen.start)
        last = first + max(1, round(chosen.length * rate_of(scene)))
        check_range(scene, first, last)
        shot = new_shot(character, len(shots), chosen.prompt, first, last)
        shot.seed, shot.liveliness = chosen.seed, chosen.liveliness
        if chosen.path is not None and not any(other.path == chosen.path for other in shots):
            shot.path = chosen.path  # the first shot alone gets the path: see Split Path
        shot.stale = False
        make_room(scene, first, last)


class MOTIONLCM_OT_remove_shot(OnShots, bpy.types.Operator):
    """Remove the chosen shot and its motion. Later shots move to earlier frames"""

    bl_idname = "motionlcm.remove_shot"
    bl_label = "Remove Shot"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        character, shots, index = self.chosen(context)
        check_removable(character, shots[index])
        first, action, follows = shots[index].first, shots[index].action, after(character, index) is not None
        if action is not None and nla_track.shown_alone(character) == action:
            nla_track.show_all(character)
            action.use_fake_user = False

        of_shot = character_lookup.takes_of_shot(character, shots[index].uid)
        shots.remove(index)
        character.motionlcm.shot_index = min(index, len(shots) - 1)
        if follows:
            arrange(character, index, first, first + shots[index].last - shots[index].first)
            mark_stale(shots[index])
        nla_track.lay(character)
        for take in of_shot:
            take_properties.discard(take)
        return {"FINISHED"}


class MOTIONLCM_OT_move_shot(OnShots, bpy.types.Operator):
    """Swap the chosen shot with the previous or next shot"""

    bl_idname = "motionlcm.move_shot"
    bl_label = "Move Shot"
    bl_options = {"REGISTER", "UNDO"}

    step: bpy.props.IntProperty(
        name="Step", description="-1 moves the shot up, 1 moves it down", default=1, min=-1, max=1
    )

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        character, shots, index = self.chosen(context)
        other = index + self.step
        if other == index or not 0 <= other < len(shots):
            return {"CANCELLED"}
        low = min(index, other)
        check_removable(character, shots[low], shots[low + 1])
        (begin, end), (begin_next, end_next) = ((s.first, s.last) for s in (shots[low], shots[low + 1]))
        shots.move(low, low + 1)
        middle = begin + end_next - begin_next
        set_frames(shots[low], begin, middle)
        set_frames(shots[low + 1], middle + begin_next - end, end_next)
        character.motionlcm.shot_index = other
        for number in (low, low + 1):
            mark_stale(shots[number])
        mark_stale(after(character, low + 1))
        nla_track.lay(character)
        return {"FINISHED"}


class MOTIONLCM_OT_duplicate_shot(OnShots, bpy.types.Operator):
    """Add an empty copy of the chosen shot after it. Later shots move to later frames"""

    bl_idname = "motionlcm.duplicate_shot"
    bl_label = "Duplicate Shot"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        from ..scene.scene_time import make_room

        character, shots, index = self.chosen(context)
        length, last = shots[index].last - shots[index].first, shots[index].last
        if index + 1 < len(shots):  # make space first, so that the new shot fits
            following = shots[index + 1]
            begin = max(following.first, last + length)
            arrange(character, index + 1, begin, begin + following.last - following.first)
            mark_stale(shots[index + 1])
        source = shots[index]
        prompt, path, seed, liveliness = source.prompt, source.path, source.seed, source.liveliness
        copy = new_shot(character, index + 1, prompt, last, last + length)
        copy.path, copy.seed, copy.liveliness, copy.stale = path, seed, liveliness, False
        make_room(context.scene, shots[0].first, shots[len(shots) - 1].last)
        return {"FINISHED"}


class MOTIONLCM_OT_split_shot(OnShots, bpy.types.Operator):
    """Split the shot at the playhead in two shots. Its motion stays unchanged"""

    bl_idname = "motionlcm.split_shot"
    bl_label = "Split Shot at Playhead"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        from ..scene.scene_time import playhead

        character, shots, _ = self.chosen(context)
        frame = playhead(context.scene)
        index = next((number for number, shot in enumerate(shots) if shot.first < frame < shot.last), -1)
        if index < 0:
            messages.show_message(f"No shot contains frame {frame}: move the playhead.", error=True)
            return {"CANCELLED"}
        shot = shots[index]
        last, whole, stale, locked = shot.last, shot.action, shot.stale, shot.locked
        prompt, path, seed, liveliness = shot.prompt, shot.path, shot.seed, shot.liveliness
        alone = whole is not None and nla_track.shown_alone(character) == whole
        second = new_shot(character, index + 1, prompt, frame, last)
        second.path, second.seed, second.liveliness, second.locked = path, seed, liveliness, locked
        set_frames(shots[index], shots[index].first, frame)
        for part in (shots[index], shots[index + 1]):
            part.stale = stale
            if whole is not None:
                part.action = nla_track.cut_action(whole, part.first, part.last)
                take_properties.SHOT.write(part.action, part.uid)
        if alone:
            nla_track.show_all(character)
            whole.use_fake_user = False
        nla_track.lay(character)
        take_properties.discard(whole)
        return {"FINISHED"}


class MOTIONLCM_OT_join_shots(OnShots, bpy.types.Operator):
    """Join the chosen shot and the next shot to one shot. The motion of both stays unchanged"""

    bl_idname = "motionlcm.join_shots"
    bl_label = "Join with Next Shot"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        character, shots, index = self.chosen(context)
        if after(character, index) is None:
            messages.show_message(
                "No shot begins on the last frame of this shot, so no shot can be joined.", error=True
            )
            return {"CANCELLED"}
        one, two = shots[index], shots[index + 1]
        check_removable(character, two)
        actions = [shot.action for shot in (one, two) if shot.action is not None]
        same = all(getattr(one, name) == getattr(two, name) for name in ("prompt", "path", "seed", "liveliness"))
        stale = one.stale or two.stale or not same or len(actions) == 1
        if actions:
            whole = nla_track.joined_action([s for s in (one, two) if s.action is not None], actions[0].name)
            take_properties.copy_facts(actions[0], whole)
            take_properties.SHOT.write(whole, one.uid)
            if nla_track.shown_alone(character) in actions:
                nla_track.show_all(character)
            one.action = whole
        if one.prompt != two.prompt:
            one.prompt = f"{one.prompt}, then {two.prompt}"
        set_frames(one, one.first, two.last)
        shots.remove(index + 1)
        shots[index].stale = stale and bool(actions)
        nla_track.lay(character)
        for action in actions:
            take_properties.discard(action)
        return {"FINISHED"}


class MOTIONLCM_OT_adapt_shots(OnShots, bpy.types.Operator):
    """Restore each shot's duration in seconds after a change of frame rate. The shots become stale"""

    bl_idname = "motionlcm.adapt_shots"
    bl_label = "Adapt Shots to Frame Rate"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return of_another_rate(context.scene, context.scene.motionlcm.character)

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        from ..scene.scene_time import make_room

        character, shots, _ = self.chosen(context)
        listed, begin = character.motionlcm, shots[0].first
        ratio = rate_of(context.scene) / listed.fps

        def moved(frame: int) -> int:
            return begin + round((frame - begin) * ratio)

        places = [(moved(shot.first), moved(shot.last)) for shot in shots]
        pins = [[(moved(pin.first), moved(pin.last)) for pin in shot.pins] for shot in shots]
        for shot, (first, last), pinned in zip(shots, places, pins, strict=True):
            set_frames(shot, first, max(last, first + 1))
            for pin, frames in zip(shot.pins, pinned, strict=True):
                pin.first, pin.last = frames
            shot.stale, shot.entry = True, False
        listed.fps = rate_of(context.scene)
        nla_track.lay(character)
        make_room(context.scene, shots[0].first, shots[len(shots) - 1].last)
        return {"FINISHED"}


class MOTIONLCM_OT_share_path(OnShots, bpy.types.Operator):
    """Split the path among the chosen shot and the adjoining later shots, in proportion to their durations"""

    bl_idname = "motionlcm.share_path"
    bl_label = "Split Path"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        character, shots, index = self.chosen(context)
        path = shots[index].path
        if path is None:
            messages.show_message(
                f'"{shots[index].name}" has no path to split: choose a path for the shot.', error=True
            )
            return {"CANCELLED"}
        parts = [shots[index]]
        while (following := after(character, index + len(parts) - 1)) is not None:
            if following.path not in (None, path) or following.locked:
                break
            parts.append(following)
        begin, whole = parts[0].first, parts[-1].last - parts[0].first
        for shot in parts:
            shot.path = path
            shot.path_from, shot.path_to = (shot.first - begin) / whole, (shot.last - begin) / whole
        return {"FINISHED"}


class MOTIONLCM_OT_capture_pose(OnShots, bpy.types.Operator):
    """Use the character's current pose and location as the start or end pose of the chosen shot"""

    bl_idname = "motionlcm.capture_pose"
    bl_label = "Use Current Pose"
    bl_options = {"REGISTER", "UNDO"}

    end: bpy.props.BoolProperty(
        name="At the End",
        description="Use the pose as the end pose of the shot instead of the start pose",
        default=False,
    )

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        from ..rigs.visible_pose import pose_action

        character, shots, index = self.chosen(context)
        action = pose_action(context, character, f"Pose of {shots[index].name}")
        if self.end:
            shots[index].end_pose = action
        else:
            shots[index].start_pose = action
        return {"FINISHED"}


class MOTIONLCM_OT_show_shot(OnShots, bpy.types.Operator):
    """Show the chosen shot alone, or show all shots again"""

    bl_idname = "motionlcm.show_shot"
    bl_label = "Show Shot Alone"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        character, shots, index = self.chosen(context)
        shot = shots[index]
        if shot.action is None or nla_track.shown_alone(character) == shot.action:
            nla_track.show_all(character)
        else:
            nla_track.show_alone(character, shot)
        context.scene.frame_set(context.scene.frame_current)
        return {"FINISHED"}


class MOTIONLCM_OT_bake_shots(OnShots, bpy.types.Operator):
    """Write the motion of all shots to one Action and mute their track. The shots' Actions stay unchanged"""

    bl_idname = "motionlcm.bake_shots"
    bl_label = "Bake Shots into One Action"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        character, shots, _ = self.chosen(context)
        made = with_motion(shots)
        if not made:
            messages.show_message("No shot has a motion yet: generate them first.", error=True)
            return {"CANCELLED"}
        action = nla_track.bake(character, made)
        context.scene.frame_set(context.scene.frame_current)
        messages.show_message(f"{len(made)} shots are in {action.name}.")
        return {"FINISHED"}


CLASSES = (
    MOTIONLCM_OT_add_shot, MOTIONLCM_OT_remove_shot, MOTIONLCM_OT_move_shot, MOTIONLCM_OT_duplicate_shot,
    MOTIONLCM_OT_split_shot, MOTIONLCM_OT_join_shots, MOTIONLCM_OT_adapt_shots, MOTIONLCM_OT_share_path,
    MOTIONLCM_OT_capture_pose, MOTIONLCM_OT_show_shot, MOTIONLCM_OT_bake_shots,
)  # fmt: skip
