"""The takes of a character: Actions from one request, to compare, star, vary and accept."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..armature import character_lookup, take_index, take_properties
from ..armature.take_properties import (
    BATCH,
    BLENDS,
    CHARACTER,
    ID,
    LIVELINESS,
    PROMPT,
    SEED,
    SHOT,
    STAR,
    TAKE,
    removable,
)
from ..generation import orders
from ..scene import messages, shot_lookup
from ..scene.operator_base import MotionLCMOperator
from ..session import job_queue
from ..shots import generate_shots, nla_track, shot_list, shot_order
from .active_take import listed_take, present_take

if TYPE_CHECKING:
    from ..session.generation_worker import GenerationJobInput


def measures_of(made: take_properties.TakeProperties) -> list[str]:
    """The measures of a take in words, in the order of the list of takes."""
    named = (
        (iface_("path error {value:.1f} cm"), made.path_mean_cm),
        (iface_("facing error {value:.0f}°"), made.facing_off_deg),
        (iface_("worst foot drag {value:.0f} cm"), made.drag_cm),
        (iface_("energy {value:.0%} of captured motion"), made.energy_share),
    )
    return [text.format(value=value) for text, value in named if value is not None]


def takes_of(
    character: bpy.types.Object | None, sort: str = "NAME", among: Iterable[bpy.types.Action] | None = None
) -> list[bpy.types.Action]:
    """The takes of the chosen shot; or the takes of the active Action's request, and the character's starred takes.
    Starred takes come first.

    sort: a key of SORTS; numbers are sorted in ascending order. among: the Actions to search, None for all Actions of
    the file. Empty if the active Action is not ours. A preview of Live stands for the Action behind it.
    """
    present = listed_take(character)
    if character is None or present is None:
        return []
    if among is None:
        character_lookup.separate_copies()
    own = ID.read(character)
    found = [action for action in (bpy.data.actions if among is None else among) if CHARACTER.read(action) == own]
    if SHOT.is_on(present):
        shot = SHOT.read(present)
        found = [action for action in found if SHOT.read(action) == shot]
    else:
        batch = BATCH.read(present)
        found = [
            action for action in found if not SHOT.is_on(action) and (BATCH.read(action) == batch or STAR.read(action))
        ]

    def place(action: bpy.types.Action) -> tuple[bool, tuple[bool, float], int, str]:
        return not STAR.read(action), take_properties.rank(action, sort), TAKE.read(action), action.name

    return sorted(found, key=place)


def shown_takes(character: bpy.types.Object | None, sort: str = "NAME") -> list[bpy.types.Action]:
    """The same for drawing, which searches the index and not the whole file."""
    return takes_of(character, sort, take_index.get().actions_of(ID.read(character)) if character is not None else ())


def label(action: bpy.types.Action, present: bpy.types.Action | None) -> str:
    """The label of a take in the list: its difference to the active take, because there is little space."""
    made = take_properties.read(action)
    if present is None or made.prompt != PROMPT.read(present):
        return str(action.name.removeprefix("MotionLCM "))
    parts = [iface_("Seed {seed}").format(seed=made.seed)]
    if made.take is not None:
        parts.insert(0, iface_("Take {number}").format(number=made.take))
    if made.blends:
        parts.append(iface_("varied {percent:.0f} %").format(percent=100.0 * made.blends[-1]))
    if made.mirrored:
        parts.append(iface_("mirrored"))
    return ", ".join(parts)


def show(character: bpy.types.Object, action: bpy.types.Action) -> None:
    """Make one of our Actions active, for the character or its shot; the previous one is kept.

    Raises InvalidRequest if the character's Action cannot be changed.
    """
    character_lookup.check_writable(character)
    index = shot_lookup.index_of(character, SHOT.read(action))
    if index >= 0:
        shot_list.choose_take(character, index, action)
        return
    from ..armature.actions import assign

    assign(character, action)


class _OnTakes(MotionLCMOperator):
    """Base of operators that need a chosen character with takes."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return present_take(context.scene.motionlcm.character) is not None

    @staticmethod
    def writable(context: bpy.types.Context) -> bpy.types.Object:
        """The chosen character. Raises InvalidRequest if its Action cannot be changed."""
        character: bpy.types.Object = context.scene.motionlcm.character
        character_lookup.check_writable(character)
        return character


class MOTIONLCM_OT_show_take(_OnTakes, bpy.types.Operator):
    """Make this take the character's active Action"""

    bl_idname = "motionlcm.show_take"
    bl_label = "Show Take"
    bl_options = {"REGISTER", "UNDO"}

    name: bpy.props.StringProperty(name="Action", description="Action of the take")

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """Tooltip with the names of the measures that the list shows without."""
        action = bpy.data.actions.get(properties.name)
        measures = [] if action is None else measures_of(take_properties.read(action))
        what = iface_("Make this take the character's active Action")
        return ": ".join([what, ", ".join(measures)] if measures else [what])

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        action = bpy.data.actions.get(self.name)
        if action is None or action not in takes_of(context.scene.motionlcm.character):
            messages.show_message("This take was removed.", error=True)
            return {"CANCELLED"}
        show(context.scene.motionlcm.character, action)
        return None


class MOTIONLCM_OT_step_take(_OnTakes, bpy.types.Operator):
    """Show the next or the previous take. Playback of the timeline continues"""

    bl_idname = "motionlcm.step_take"
    bl_label = "Next Take"
    # Comparing switches takes many times, and one Ctrl-Z must undo all switches. Without any undo step the choice would
    # be lost with the next undo.
    bl_options = {"REGISTER", "UNDO_GROUPED"}
    bl_undo_group = "Compare Takes"

    step: bpy.props.IntProperty(
        name="Step", description="-1 shows the previous take, 1 the next take", default=1, min=-1, max=1
    )

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        chosen = context.scene.motionlcm
        found, present = takes_of(chosen.character, chosen.take_sort), present_take(chosen.character)
        if present not in found or len(found) < 2:
            messages.show_message(_alone(chosen.character, present, found))
            return {"CANCELLED"}
        following = found[(found.index(present) + self.step) % len(found)]
        show(chosen.character, following)
        messages.show_message(f"{following.name}, {found.index(following) + 1} of {len(found)}.")
        return {"FINISHED"}


def _alone(character: bpy.types.Object, present: bpy.types.Action | None, found: Sequence[bpy.types.Action]) -> str:
    """The sentence for a take without others in the list."""
    if present is not None and present not in found:
        return f'"{present.name}" was generated for another character, so "{character.name}" has no other takes of it.'
    return "This is the only take, so it stays."


class MOTIONLCM_OT_star_take(_OnTakes, bpy.types.Operator):
    """Star a take. A starred take stays in the list when another take is accepted"""

    bl_idname = "motionlcm.star_take"
    bl_label = "Star Take"
    bl_options = {"REGISTER", "UNDO"}

    name: bpy.props.StringProperty(
        name="Action", description="Action of the take. Without a name, the active take is used"
    )

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        action = bpy.data.actions.get(self.name) if self.name else present_take(context.scene.motionlcm.character)
        if action is None:
            return {"CANCELLED"}
        STAR.write(action, not STAR.read(action))
        return {"FINISHED"}


class MOTIONLCM_OT_accept_take(_OnTakes, bpy.types.Operator):
    """Keep the active take and remove the other takes of the list, except starred takes and takes used elsewhere"""

    bl_idname = "motionlcm.accept_take"
    bl_label = "Accept Take"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        chosen = context.scene.motionlcm
        present = present_take(chosen.character)
        assert present is not None  # poll has checked this
        found = takes_of(chosen.character)
        if present not in found:
            messages.show_message(_alone(chosen.character, present, found), error=True)
            return {"CANCELLED"}
        self.writable(context)
        gone = removable(found, present)
        bpy.data.batch_remove(gone)
        messages.show_message(f"Kept {present.name}; {len(gone)} other takes removed.")
        return {"FINISHED"}


class MOTIONLCM_OT_reject_take(_OnTakes, bpy.types.Operator):
    """Remove the active take and show the next take"""

    bl_idname = "motionlcm.reject_take"
    bl_label = "Reject Take"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        chosen = context.scene.motionlcm
        found, present = takes_of(chosen.character, chosen.take_sort), present_take(chosen.character)
        assert present is not None  # poll has checked this
        if present not in found or len(found) < 2:
            messages.show_message(_alone(chosen.character, present, found), error=True)
            return {"CANCELLED"}
        show(chosen.character, found[(found.index(present) + 1) % len(found)])
        if not removable([present], None):
            messages.show_message(
                f"{present.name} is starred or used elsewhere, so it was kept but is no longer active."
            )
            return {"FINISHED"}
        bpy.data.actions.remove(present)
        return {"FINISHED"}


class MOTIONLCM_OT_push_take(_OnTakes, bpy.types.Operator):
    """Push the active take to the NLA as a strip named by its prompt. The next take then does not replace it"""

    bl_idname = "motionlcm.push_take"
    bl_label = "Push to NLA"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> set[str] | None:
        character = self.writable(context)
        take = present_take(character)
        assert take is not None  # poll has checked this
        if SHOT.is_on(take):
            messages.show_message("The takes of a shot are already NLA strips.", error=True)
            return {"CANCELLED"}
        strip = nla_track.push(character, take, context.scene)
        blend = f" It blends in over {strip.blend_in:.0f} frames." if strip.blend_in else ""
        messages.show_message(
            f"{strip.name}: frames {strip.frame_start:.0f} to {strip.frame_end:.0f} in the NLA.{blend}"
        )
        return {"FINISHED"}


class _Remaking(orders.OrderOperator):
    """The shared part of the operators that generate another take from the active one, of a shot or not."""

    def present(self, context: bpy.types.Context) -> "GenerationJobInput":
        """The job input of the active take. Raises InvalidRequest if the take cannot be generated again."""
        character = character_lookup.find_character(context)
        take = present_take(character)
        if take is not None and SHOT.is_on(take):
            return shot_order.order_again(context, character, take)
        return orders.order_from_recipe(context, character)

    def submit(self, order: "GenerationJobInput") -> None:
        if order.shot:
            job_queue.get().enqueue([job_queue.QueuedJob(order.character, lambda: generate_shots.job_of(order))])
        else:
            super().submit(order)


class MOTIONLCM_OT_vary_take(_Remaking, bpy.types.Operator):
    """Generate variations of the active take. The panel sets their number"""

    bl_idname = "motionlcm.vary_take"
    bl_label = "Vary Take"
    bl_options = {"REGISTER"}

    share: bpy.props.FloatProperty(
        name="Amount", description="0 keeps the take, 1 gives an independent one", default=0.15, min=0.0, max=1.0
    )

    def order(self, context: bpy.types.Context) -> "GenerationJobInput":
        import random
        from dataclasses import replace

        from ...motionlcm_blender.generation.request import Blend

        order = self.present(context)
        blends = (*order.request.blends, Blend(random.randint(0, 2**31 - 1), self.share))
        return replace(order, request=replace(order.request, blends=blends, takes=context.scene.motionlcm.takes))


class MOTIONLCM_OT_blend_takes(_Remaking, bpy.types.Operator):
    """Generate a take between the active take and the starred take of the same length and prompt"""

    bl_idname = "motionlcm.blend_takes"
    bl_label = "Blend with Starred"
    bl_options = {"REGISTER"}

    share: bpy.props.FloatProperty(
        name="Weight", description="0 gives the active take, 1 the starred take", default=0.5, min=0.0, max=1.0
    )

    def order(self, context: bpy.types.Context) -> "GenerationJobInput":
        from dataclasses import replace

        from ...motionlcm_blender.errors import InvalidRequest
        from ...motionlcm_blender.generation.request import Blend

        character = character_lookup.find_character(context)
        order, present = self.present(context), present_take(character)
        others = [a for a in takes_of(character) if STAR.read(a) and a != present and not BLENDS.is_on(a)]
        if not others:
            raise InvalidRequest("Star another take first that is neither a variation nor a blend.")
        blend = Blend(SEED.read(others[0]), self.share)
        own, other = order.request.liveliness, LIVELINESS.read(others[0])
        between = own + self.share * (other - own)
        request = replace(order.request, blends=(*order.request.blends, blend), liveliness=between)
        return replace(order, request=request)


class MOTIONLCM_OT_mirror_take(_Remaking, bpy.types.Operator):
    """Generate the active take with left and right swapped. Path and pins keep their places"""

    bl_idname = "motionlcm.mirror_take"
    bl_label = "Mirror Take"
    bl_options = {"REGISTER"}

    def order(self, context: bpy.types.Context) -> "GenerationJobInput":
        from dataclasses import replace

        order = self.present(context)
        return replace(order, request=replace(order.request, mirror=not order.request.mirror))


class MOTIONLCM_OT_retime_take(_Remaking, bpy.types.Operator):
    """Generate the active take with another speed. Path and pins keep their places and scale with the length"""

    bl_idname = "motionlcm.retime_take"
    bl_label = "Faster or Slower"
    bl_options = {"REGISTER"}

    speed: bpy.props.FloatProperty(
        name="Speed", description="2 doubles the speed, 0.5 halves it", default=1.25, min=0.25, max=4.0
    )

    def order(self, context: bpy.types.Context) -> "GenerationJobInput":
        from dataclasses import replace

        from ...motionlcm_blender.errors import InvalidRequest
        from ...motionlcm_blender.generation.variations import faster
        from ...motionlcm_blender.motion.skeleton import FPS

        order = self.present(context)
        if order.shot:
            raise InvalidRequest("The length of a shot sets its speed: change the end of the shot.")
        request = faster(order.request, self.speed)
        path = order.path_xz
        if path is not None:
            import numpy as np

            at, frames = np.linspace(0.0, len(path) - 1.0, request.frames), np.arange(len(path))
            path = np.stack([np.interp(at, frames, path[:, axis]) for axis in (0, 1)], axis=-1)
        return replace(order, request=request, seconds=request.frames / FPS, path_xz=path)


CLASSES = (
    MOTIONLCM_OT_show_take, MOTIONLCM_OT_step_take, MOTIONLCM_OT_star_take, MOTIONLCM_OT_accept_take,
    MOTIONLCM_OT_reject_take, MOTIONLCM_OT_vary_take, MOTIONLCM_OT_blend_takes, MOTIONLCM_OT_mirror_take,
    MOTIONLCM_OT_retime_take, MOTIONLCM_OT_push_take,
)  # fmt: skip
