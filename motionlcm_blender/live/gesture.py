"""The states of one change of the scene, from its first movement to the finished motion, without Blender and clock.

A state of the scene is a short text, its fingerprint: two equal fingerprints give equal motions. Reading the scene
again and again therefore does no harm, and nothing that Live writes itself can start Live.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

SETTLE_SECONDS = 0.5
"""Time without a change after which a change counts as complete where Blender does not report its end, as of a number
that is dragged."""


class Next(Enum):
    """What is to be done next."""

    NOTHING = "nothing"
    RESTORE = "restore"
    FINISH = "finish"


class Phase(Enum):
    """STILL: nothing changes. FOLLOWING: previews follow the changes. FINISHING: the finished motion is being made."""

    STILL = "still"
    FOLLOWING = "following"
    FINISHING = "finishing"


@dataclass
class Gesture:
    """One change and what was made of it.

    Attributes:
        phase: The phase.
        base: Fingerprint of the scene before the change, whose motion is what the character shows; None: not known.
        wanted: Fingerprint of the newest state that was read.
        changed_at: Seconds, time of the newest change.
        dragged: Whether a modal operator, such as Move, ran during the change.
    """

    phase: Phase = Phase.STILL
    base: str | None = None
    wanted: str | None = None
    changed_at: float = 0.0
    dragged: bool = False

    def rest_at(self, state: str | None) -> None:
        """Take a state as the one that the character shows; nothing is to be done. None: it is not known."""
        self.phase, self.base, self.wanted, self.dragged = Phase.STILL, state, state, False

    def saw(self, state: str, now: float) -> bool:
        """Take in a state that was read. Returns whether a motion is to be made of it.

        The first state after `rest_at(None)` is the base.
        """
        if self.base is None and self.phase is Phase.STILL:
            self.rest_at(state)
            return False
        if state == self.wanted:
            return False
        self.phase, self.wanted, self.changed_at = Phase.FOLLOWING, state, now
        return True

    def step(self, now: float, dragging: bool) -> Next:
        """Advance in time.

        Args:
            now: Seconds.
            dragging: Whether a modal operator runs.

        Returns:
            RESTORE: the state is again that before the change, as after Esc: show what was before. FINISH: the change
            is complete: make the finished motion. The phase has changed accordingly.
        """
        if self.phase is not Phase.FOLLOWING:
            return Next.NOTHING
        if dragging:
            self.dragged = True
            return Next.NOTHING
        if not self.dragged and now - self.changed_at < SETTLE_SECONDS:
            return Next.NOTHING
        if self.wanted == self.base:
            self.rest_at(self.base)
            return Next.RESTORE
        self.phase = Phase.FINISHING
        return Next.FINISH

    def accepts(self, state: str, finished: bool) -> bool:
        """Whether an answer may still be shown.

        Previews of any state of this change are shown, the finished motion only if nothing changed since.
        """
        if finished:
            return self.phase is Phase.FINISHING and state == self.wanted
        return self.phase is not Phase.STILL

    def finished(self) -> None:
        """The finished motion is written."""
        self.rest_at(self.wanted)
