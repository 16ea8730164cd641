"""Steps of the post-processing that complete actions which the prompt names: kicks, hops on one foot, gestures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..array_types import FloatArray
from ..gestures.gesture_layer import add_gestures
from ..gestures.prompt_gestures import prompt_gestures
from ..postprocess import hop_fitting, kick_fitting
from ..text.named_hop import named_hop
from ..text.named_kick import named_kick
from .action_parts import ActionPart
from .motion_state import MotionState, given_frames


def raise_kicks(state: MotionState) -> MotionState:
    """Make the kicks that the prompt names as high as people kick. Start, end and pins have priority."""
    if not state.given.request.gestures:
        return state
    stands = state.stands.reshape(len(state.joints), 2, 2).any(-1)
    fixed = stands | np.repeat(given_frames(state)[:, None], 2, axis=1)

    def raised(joints: FloatArray, part: ActionPart) -> FloatArray | None:
        named = named_kick(part.prompt)
        if named is None:
            return None
        own = fixed[part.begin : part.end]
        return kick_fitting.raise_kicks(joints, own, named.elevation, named.side, named.with_knee)

    return _of_each_part(state, raised)


def keep_foot_up(state: MotionState) -> MotionState:
    """Keep the free foot up in hops on one foot that the prompt names. Start, end and pins have priority."""
    request = state.given.request
    if not request.gestures or request.start is not None or request.end is not None:
        return state

    def kept_up(joints: FloatArray, part: ActionPart) -> FloatArray | None:
        named = named_hop(part.prompt)
        return None if named is None else hop_fitting.keep_foot_up(joints, named.side)

    return _of_each_part(state, kept_up)


def perform_gestures(state: MotionState) -> MotionState:
    """Perform the gestures that the prompt names with arms and head. Start, end and pins have priority."""
    request = state.given.request
    if not request.gestures:
        return state
    for part in _parts(state):
        planned = prompt_gestures(part.prompt)
        if planned:
            own = part.begin, part.end
            joints, head_hands = add_gestures(state.joints, state.head_hands, planned, request.seed, own)
            state = replace(state, joints=joints, head_hands=head_hands)
    return state


def _of_each_part(state: MotionState, step: Callable[[FloatArray, ActionPart], FloatArray | None]) -> MotionState:
    """Apply a step to the (frames, 22, 3) joints of each action; None leaves an action as it is."""
    joints = state.joints
    for part in _parts(state):
        made = step(joints[part.begin : part.end], part)
        if made is not None:
            joints = np.concatenate([joints[: part.begin], made.astype(np.float32), joints[part.end :]])
    return replace(state, joints=joints)


def _parts(state: MotionState) -> tuple[ActionPart, ...]:
    """The actions of the prompt with their frames; a prompt that was made as a whole is one, between start and end."""
    request, frames = state.given.request, len(state.joints)
    if state.given.parts:
        return state.given.parts
    first = 0 if request.start is None else request.start.frames
    last = frames - (0 if state.end is None else state.end.frames)
    return (ActionPart(request.prompt, first, last),)
