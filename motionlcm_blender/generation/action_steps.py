"""Steps of the post-processing that complete actions which the prompt names: kicks, hops on one foot, gestures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..gestures.gesture_layer import add_gestures
from ..gestures.prompt_gestures import prompt_gestures
from ..postprocess import hop_fitting, kick_fitting
from ..text.named_hop import named_hop
from ..text.named_kick import named_kick
from .motion_state import MotionState, given_frames


def raise_kicks(state: MotionState) -> MotionState:
    """Make the kick that the prompt names as high as people kick. Start, end and pins have priority."""
    request = state.given.request
    named = named_kick(request.prompt) if request.gestures else None
    if named is None:
        return state
    stands = state.stands.reshape(len(state.joints), 2, 2).any(-1)
    held = np.repeat(given_frames(state)[:, None], 2, axis=1)
    joints = kick_fitting.raise_kicks(state.joints, stands | held, named.elevation, named.side, named.with_knee)
    return replace(state, joints=joints.astype(np.float32))


def keep_foot_up(state: MotionState) -> MotionState:
    """Keep the free foot up in hops on one foot that the prompt names. Start, end and pins have priority."""
    request = state.given.request
    named = named_hop(request.prompt) if request.gestures and request.start is None and request.end is None else None
    if named is None:
        return state
    return replace(state, joints=hop_fitting.keep_foot_up(state.joints, named.side).astype(np.float32))


def perform_gestures(state: MotionState) -> MotionState:
    """Perform the gestures that the prompt names with arms and head. Start, end and pins have priority."""
    request = state.given.request
    planned = prompt_gestures(request.prompt) if request.gestures else ()
    if not planned:
        return state
    frames = len(state.joints)
    first = 0 if request.start is None else request.start.frames
    last = frames - (0 if state.end is None else state.end.frames)
    joints, head_hands = add_gestures(state.joints, state.head_hands, planned, request.seed, (first, last))
    return replace(state, joints=joints, head_hands=head_hands)
