"""A shot as a source of job inputs: it continues the shot before it and may end in the pose of the shot after it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import bpy
import numpy as np

from ..controls.pins import MotionLCMPin, pins_for
from ..generation.order_builder import KnownRig, PanelOrderBuilder
from ..rigs.recognised import current_placement
from ..scene import shot_lookup
from ..scene.scene_time import rate_of, scene_frames_each
from . import shot_list, shot_transitions
from .shot_list import MotionLCMShot
from .shot_transitions import Beginning, Ending

FAR_FROM_PATH = 0.5
"""Metres from the last pose to the start of the path, above which the animator gets a warning."""


class ShotOrderBuilder(PanelOrderBuilder):
    """A shot's prompt, frames and path, and its neighbours."""

    def __init__(
        self,
        context: bpy.types.Context,
        character: bpy.types.Object,
        shot: MotionLCMShot,
        known: KnownRig | None = None,
    ) -> None:
        super().__init__(context, character, known)
        self.of, self.shot = shot, shot.uid
        self.scene_frames_per_model_frame = scene_frames_each(self.scene)
        self.beginning: Beginning | None = None
        self.ending: Ending | None = None
        index = shot_lookup.index_of(character, shot.uid)
        self.earlier, self.following = shot_list.before(character, index), shot_list.after(character, index)

    def begin(self) -> int:
        return int(self.of.first)

    def find_timing(self) -> None:
        shot = self.of
        length = (shot.last - shot.first) / self.scene_frames_per_model_frame
        self.frames = math.ceil(length - 1e-6) + 1  # model frames, at the shot's own scene frames
        self.first_frame, self.scene_frames = shot.first, shot.last - shot.first + 1
        self.seconds = (shot.last - shot.first) / rate_of(self.scene)
        self.prompt, self.seed, self.takes = shot.prompt.strip(), shot.seed, shot.takes
        self.liveliness = shot.liveliness
        self.path_object, self.path_part = shot.path, (shot.path_from, shot.path_to)
        self.rest_placement = self.placement = current_placement(self.character, self.rig, self.units_per_metre)

    def find_start_and_end(self) -> None:
        self.beginning = self._find_beginning()
        if self.beginning is None:
            super().find_start_and_end()
        else:
            self._go_on_from(self.beginning)
        ending = self._find_ending()
        if ending is not None:
            self._come_to(ending)

    def find_ground(self) -> None:
        super().find_ground()
        if self.settings.ground is not None and self.ground is not None and self.beginning is not None:
            self.start = shot_transitions.lowered(self.beginning.start, self.ground.heights(self.beginning.way))
        if self.ending is not None:  # the heights to subtract are known only now
            self.end, self.end_anywhere = self.ending.seen_from(self.placement, self.ground), self.ending.anywhere

    def pins(self) -> Sequence[MotionLCMPin]:
        """The scene's pins and the shot's own pins that lie on its frames."""
        first, last = self.of.first, self.of.last
        pins = pins_for((*self.settings.pins, *self.of.pins), self.character)
        return [pin for pin in pins if min(pin.first, pin.last) <= last and max(pin.first, pin.last) >= first]

    def _find_beginning(self) -> Beginning | None:
        shot, earlier = self.of, self.earlier
        if shot.start_pose is not None:
            return shot_transitions.start_in_pose(
                shot.start_pose, self.character, self.rig, self.units_per_metre, self.rest_placement, self.path_xz
            )
        if earlier is None:
            return None
        if earlier.action is None:
            self.warnings.append(
                f'"{earlier.name}" has no motion yet, so "{shot.name}" starts where the character stands.'
            )
            return None
        on_ground = self.settings.ground is not None
        each = self.scene_frames_per_model_frame
        return shot_transitions.start_after(earlier, self.character, self.rig, self.units_per_metre, each, on_ground)

    def _go_on_from(self, beginning: Beginning) -> None:
        self.placement, self.start, self.seam = beginning.placement, beginning.start, beginning.seam
        self.lead_in_frames = beginning.seam.frame
        if self.path_xz is None:
            return
        self.path_xz, distance = shot_transitions.joined_path(beginning.way, self.path_xz)
        if distance > FAR_FROM_PATH:
            self.warnings.append(
                f'Path "{self.path_name}" begins {distance:.1f} m from the start of "{self.of.name}": the character '
                "first walks to the path."
            )

    def _find_ending(self) -> Ending | None:
        """The end of the shot: the start of a locked shot after it, or its own end pose.

        If only the start of the shot moved, and by little, the shot keeps its end pose, so that later shots stay valid.
        """
        shot, following = self.of, self.following
        made = following if following is not None and following.action is not None else None
        rig, units, each = self.rig, self.units_per_metre, self.scene_frames_per_model_frame
        if made is not None and made.locked:
            return shot_transitions.end_before(made, self.character, rig, units, each)
        if shot.end_pose is not None:
            return shot_transitions.end_in_pose(shot.end_pose, self.character, rig, units)
        if (
            made is not None
            and shot.entry
            and shot.action is not None
            and self.beginning is not None
            and not made.stale
            and shot_transitions.hardly_moved(self.beginning, shot, self.character, rig, units, each)
        ):
            return shot_transitions.end_before(made, self.character, rig, units, each)
        return None

    def _come_to(self, ending: Ending) -> None:
        self.ending, self.landing, self.lead_out_frames = ending, ending.landing, ending.tail
        if self.path_xz is not None:
            self.path_xz = np.concatenate([self.path_xz, ending.joints[1:, 0][:, [0, 2]]])
