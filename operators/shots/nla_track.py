"""The shots of a character in the NLA: strips on our track, one shot alone, or one baked Action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import bpy

from ..armature.take_properties import BAKED, CHARACTER, FIRST_FRAME, ID, PROMPT, SHOT, SWITCHED, copy_facts
from ..scene.dependencies import curves_played

TRACK = "MotionLCM Shots"
PUSHED = "MotionLCM Takes"
TRANSITION = 0.3
"""Seconds of blending in and out over strips below."""


class ShotInTimeline(Protocol):
    """The part of a shot that this module uses: its frames, and the Action with its motion."""

    first: int
    last: int
    action: Any


def track_of(character: bpy.types.Object) -> bpy.types.NlaTrack | None:
    """Our track: the first track that was laid for the shots, whatever the animator renamed, removed or added there.

    Of a library override: the track of the linked file, until a shot is changed here.
    """
    found = _tracks_of(character)
    return next((track for track in found if not _is_linked(character, track)), found[0] if found else None)


def lay(character: bpy.types.Object) -> None:
    """Put a strip on our track for each shot with a motion, on its frames. Other tracks and strips stay unchanged.

    Leaves NLA tweak mode, in which Blender may crash if the tweaked strip is removed.
    """
    shots = [shot for shot in character.motionlcm.shots if shot.action is not None]
    data = character.animation_data
    if data is None:
        if not shots:
            return
        data = character.animation_data_create()
    if data.use_tweak_mode:
        data.use_tweak_mode = False
    track = _cleared_track(character)
    if not shots:
        if track is not None:
            data.nla_tracks.remove(track)
        return
    if track is None:
        track = data.nla_tracks.new()
        track.name = TRACK
    # After the shots the last pose stays, unless it would hide strips of other tracks there.
    alone = not any(other != track and len(other.strips) for other in data.nla_tracks)
    for number, shot in enumerate(shots):
        strip = _new_strip(character, track, shot.prompt or shot.name, shot.first, shot.action)
        if strip.frame_end > shot.last:
            strip.action_frame_end = strip.action_frame_start + shot.last - shot.first
        inner = number + 1 < len(shots)
        strip.extrapolation = "HOLD_FORWARD" if inner or alone else "NOTHING"
        if alone and number == 0:
            strip.extrapolation = "HOLD"


def _new_strip(
    character: bpy.types.Object, track: bpy.types.NlaTrack, name: str, first: int, action: bpy.types.Action
) -> bpy.types.NlaStrip:
    """A strip with the whole motion of the character: Blender does not choose one of several slots, and gives a strip
    without a slot the length of one frame."""
    from ..armature.actions import slot_of

    strip = track.strips.new(name, first, action)
    strip.name = name
    without_slot = len(getattr(action, "slots", ())) and strip.action_slot is None
    if without_slot:
        strip.action_slot = slot_of(action, character)
    if without_slot or action.use_frame_range:  # a frame range of the user's must not cut the motion
        begin, end = _frames_in(strip)
        strip.action_frame_start, strip.action_frame_end = begin, end
        strip.frame_end = first + end - begin
    return strip


def _frames_in(strip: bpy.types.NlaStrip) -> tuple[float, float]:
    """First and last frame of the keys that a strip plays."""
    ranges = [curve.range() for curve in curves_played(strip)]
    if not ranges:
        return strip.action.frame_range[0], strip.action.frame_range[1]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def restore(character: bpy.types.Object) -> None:
    """Lay the strips again and, if no Action is active, play our track."""
    lay(character)
    data, track = character.animation_data, track_of(character)
    if track is not None and data is not None and data.action is None:
        track.mute = False


def misplaced(character: bpy.types.Object) -> list[str]:
    """Names of the shots with a motion whose strip is missing, muted, or does not show the shot on its frames.

    While an Action is active, such as one shot shown alone, our track may be muted.
    """
    track = track_of(character)
    silent = track is not None and track.mute and character.animation_data.action is None
    found = {} if track is None else {strip.action: strip for strip in track.strips if strip.action is not None}
    names = []
    for shot in character.motionlcm.shots:
        if shot.action is not None:
            strip = found.get(shot.action)
            if strip is None or silent or not _shows(strip, shot):
                names.append(shot.name)
    return names


def _shows(strip: bpy.types.NlaStrip, shot: ShotInTimeline) -> bool:
    """Whether a strip shows the motion of its shot as `lay` left it: in time, once, forward, and alone."""
    first, last = _frames_in(strip)
    end = min(float(shot.last), shot.first + last - first)
    in_time = (
        not strip.use_reverse
        and not strip.use_animated_time
        and abs(strip.scale - 1.0) < 1e-4
        and abs(strip.repeat - 1.0) < 1e-4
        and abs(strip.action_frame_start - first) < 0.01
        and abs(strip.frame_start - shot.first) < 0.01
        and abs(strip.frame_end - end) < 0.01
    )
    alone = not strip.use_animated_influence and strip.blend_type == "REPLACE"
    return in_time and alone and not strip.mute and getattr(strip, "action_slot", strip) is not None


def _tracks_of(character: bpy.types.Object) -> list[bpy.types.NlaTrack]:
    """Tracks with our name that hold shots or strips without an Action; and renamed ones with shots of the list alone,
    each on its first frame. A renamed track with one shot counts if there is no other."""
    data = character.animation_data
    firsts = {shot.action: shot.first for shot in character.motionlcm.shots if shot.action is not None}
    found, single = [], []
    for track in data.nla_tracks if data is not None else ():
        strips = list(track.strips)
        named = track.name.startswith(TRACK) and any(_is_ours(strip) for strip in strips)
        laid = len(strips) > 0 and all(
            strip.action in firsts and abs(strip.frame_start - firsts[strip.action]) < 0.01 for strip in strips
        )
        if named or (laid and len(strips) > 1):
            found.append(track)
        elif laid:
            single.append(track)
    return found or single[:1]


def _is_linked(character: bpy.types.Object, track: bpy.types.NlaTrack) -> bool:
    """Whether a track of a library override comes from the linked file. Blender does not save changes of its strips."""
    return character.override_library is not None and track.is_override_data


def _cleared_track(character: bpy.types.Object) -> bpy.types.NlaTrack | None:
    """Remove the strips of shots from all tracks of ours; returns one empty track, or None.

    A track on which the animator put other strips keeps them and is the animator's from now on. A track of the linked
    file of a library override is muted.
    """
    kept = None
    for track in _tracks_of(character):
        if _is_linked(character, track):
            track.mute = True
            continue
        for strip in list(track.strips):
            if _is_ours(strip):
                track.strips.remove(strip)
        if len(track.strips):
            track.name = track.strips[0].name
        elif kept is None:
            kept = track
        else:
            character.animation_data.nla_tracks.remove(track)
    return kept


def show_all(character: bpy.types.Object) -> None:
    """Play our track; the active Action is unassigned but kept."""
    from ..armature.actions import assign

    assign(character, None)
    track = track_of(character)
    if track is not None:
        track.mute = False


def show_alone(character: bpy.types.Object, shot: ShotInTimeline) -> None:
    """Play one shot's Action, and mute our track."""
    from ..armature.actions import assign

    assign(character, shot.action)
    track = track_of(character)
    if track is not None:
        track.mute = True


def shown_alone(character: bpy.types.Object) -> bpy.types.Action | None:
    """The Action of the one shot that is shown alone."""
    data = character.animation_data
    action = data.action if data is not None else None
    return action if action is not None and SHOT.is_on(action) else None


def push(character: bpy.types.Object, action: bpy.types.Action, scene: bpy.types.Scene) -> bpy.types.NlaStrip:
    """Push the active Action to an NLA strip, on our track if there is space or on a new track above.

    The strip blends in over a strip below and blends out to a strip that continues below; otherwise it does not blend.
    """
    from ..armature.actions import assign

    data = character.animation_data
    first, last = (round(frame) for frame in action.frame_range)
    beneath = [strip for track in data.nla_tracks if not track.mute for strip in track.strips if not strip.mute]
    ours = (track for track in reversed(data.nla_tracks) if track.name.startswith(PUSHED))
    track = next((track for track in ours if _has_room(track, first, last)), None)
    if track is None:
        track = data.nla_tracks.new(prev=data.nla_tracks[-1] if len(data.nla_tracks) else None)
        track.name = PUSHED
    name = PROMPT.read(action) if PROMPT.is_on(action) else action.name
    strip = _new_strip(character, track, name, first, action)
    most = min(TRANSITION * scene.render.fps / scene.render.fps_base, 0.5 * (last - first))
    strip.extrapolation = "NOTHING" if beneath else "HOLD"
    strip.use_auto_blend = False
    strip.blend_in = most if any(other.frame_start < first <= other.frame_end for other in beneath) else 0.0
    strip.blend_out = most if any(other.frame_start <= last < other.frame_end for other in beneath) else 0.0
    assign(character, None)
    return strip


def _has_room(track: bpy.types.NlaTrack, first: int, last: int) -> bool:
    return all(strip.frame_end <= first or strip.frame_start >= last for strip in track.strips)


def bake(character: bpy.types.Object, shots: Sequence[ShotInTimeline]) -> bpy.types.Action:
    """One Action with the keys of all these shots, which have one motion each, assigned to the character; our track is
    muted."""
    from ..armature.actions import LONGEST_NAME, assign

    action = joined_action(shots, f"MotionLCM {character.name} shots"[:LONGEST_NAME])
    CHARACTER.write(action, ID.read(character))
    BAKED.write(action, True)
    switched = next((shot.action for shot in shots if SWITCHED.is_on(shot.action)), None)
    if switched is not None:
        SWITCHED.write(action, SWITCHED.read(switched))
    assign(character, action)
    track = track_of(character)
    if track is not None:
        track.mute = True
    return action


def joined_action(shots: Sequence[ShotInTimeline], name: str) -> bpy.types.Action:
    """A new Action with the keys of shots that follow one another, each on its own frames."""
    from ..armature import fcurve_keys
    from ..armature.actions import empty_holder, holder_of

    tracks: dict[tuple[str, int], list[fcurve_keys.CurveKeys]] = {}
    for shot in shots:
        holder = holder_of(shot.action)
        found = [] if holder is None else fcurve_keys.read(holder)
        found = [fcurve_keys.cut(keys, shot.first, shot.last) for keys in found]
        for keys in fcurve_keys.signs_aligned([parts[-1] for parts in tracks.values()], found):
            tracks.setdefault((keys.path, keys.index), []).append(keys)
    action = bpy.data.actions.new(name)
    fcurve_keys.write(empty_holder(action), [fcurve_keys.joined(parts) for parts in tracks.values()])
    return action


def cut_action(action: bpy.types.Action, first: int, last: int) -> bpy.types.Action:
    """A copy of one of our Actions with these frames only."""
    from ..armature import fcurve_keys
    from ..armature.actions import empty_holder, holder_of

    result = bpy.data.actions.new(action.name)
    holder = holder_of(action)
    found = [] if holder is None else fcurve_keys.read(holder)
    fcurve_keys.write(empty_holder(result), [fcurve_keys.cut(keys, first, last) for keys in found])
    copy_facts(action, result)
    return result


def shift(action: bpy.types.Action, frames: int) -> None:
    """Shift one of our Actions in time."""
    from ..armature import fcurve_keys
    from ..armature.actions import holder_of

    holder = holder_of(action)
    if holder is not None and frames:
        fcurve_keys.shift(holder, frames)
        FIRST_FRAME.write(action, FIRST_FRAME.read(action) + frames)


def _is_ours(strip: bpy.types.NlaStrip) -> bool:
    """Whether a strip was laid for a shot, or joins such strips alone. The Action of a shot may have been deleted
    since."""
    if strip.type == "META":
        return len(strip.strips) > 0 and all(_is_ours(part) for part in strip.strips)
    return strip.type == "CLIP" and (strip.action is None or SHOT.is_on(strip.action))
