"""Parts of a motion: which frames belong to which of the actions that a prompt names one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..array_types import FloatArray
from ..motion.skeleton import FPS
from ..text.action_sequence import Action, action_sequence, is_sequence
from ..text.length_suggestion import often, seconds_in_sequence
from ..text.prompt_vocabulary import Vocabulary
from .request import Request

SHORTEST = 20
"""Frames of the shortest part: a jump from crouching to landing."""


@dataclass(frozen=True)
class ActionPart:
    """The frames of one action.

    Attributes:
        prompt: The prompt of the action.
        begin: First frame.
        end: Frame after the last one.
    """

    prompt: str
    begin: int
    end: int


def is_divisible(request: Request) -> bool:
    """Whether the prompt names several actions, and nothing but the prompt directs the motion."""
    directed = request.hints, request.facing, request.end
    return request.sequence and all(each is None for each in directed) and is_sequence(action_sequence(request.prompt))


def planned_parts(request: Request, vocabulary: Vocabulary | None, shortest: int = SHORTEST) -> tuple[ActionPart, ...]:
    """Divide a motion among the actions that its prompt names one after the other.

    Args:
        request: A request that `is_divisible`.
        vocabulary: Vocabulary of the model, with the lengths of actions; None: all are taken for equally long.
        shortest: Smallest number of frames that the model makes.

    Returns:
        The parts, which cover the frames after the start; empty if there is too little time for them.
    """
    first = 0 if request.start is None else request.start.frames
    free, least = request.frames - first, max(SHORTEST, shortest)
    prompts, weights = _unrolled(action_sequence(request.prompt), free, least, vocabulary)
    if len(prompts) * least > free:
        return ()
    ends = first + np.rint(np.cumsum(_shares(weights, free, least))).astype(int)
    begins = [first, *ends[:-1]]
    return tuple(ActionPart(p, int(b), int(e)) for p, b, e in zip(prompts, begins, ends, strict=True))


def too_short_warning(request: Request, shortest: int = SHORTEST) -> str:
    """A sentence for a request that has too little time for the actions of its prompt."""
    actions = action_sequence(request.prompt)
    count = sum(len(action.prompts) * (action.times or 1) for action in actions)
    seconds = count * max(SHORTEST, shortest) / FPS
    return f"The prompt names {count} actions, which need {seconds:.1f} seconds; in less they are mixed."


def _unrolled(
    actions: Sequence[Action], frames: int, least: int, vocabulary: Vocabulary | None
) -> tuple[list[str], list[float]]:
    """The prompt and the usual seconds of each part; what has no number is done as often as there is time for."""
    seconds = [seconds_in_sequence(action, vocabulary) for action in actions]
    usual = [action.times or often(action) for action in actions]
    total = sum(s * n for s, n in zip(seconds, usual, strict=True))
    prompts: list[str] = []
    weights: list[float] = []
    for each, count, action in zip(seconds, usual, actions, strict=True):
        share = each * count * frames / total
        most = int(share / (least * len(action.prompts)))
        times = action.times or max(1, min(most, round(share / (each * FPS))))
        prompts += list(action.prompts) * times
        weights += [each / len(action.prompts)] * (len(action.prompts) * times)
    return prompts, weights


def _shares(weights: Sequence[float], frames: int, least: int) -> FloatArray:
    """Frames of each part in proportion to the weights, none shorter than `least`."""
    wanted = np.asarray(weights, float)
    short = np.zeros(len(wanted), bool)
    while True:
        left = frames - least * short.sum()
        shares = np.where(short, least, wanted * left / max(wanted[~short].sum(), 1e-9))
        below = ~short & (shares < least)
        if not below.any():
            return shares
        short |= below
