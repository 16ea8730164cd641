"""Generate: from the scene's settings to an order, and from a result to keys."""

import uuid
from typing import TYPE_CHECKING

import bpy

from . import drawing, engine, jobs, settings

if TYPE_CHECKING:
    import numpy as np

    from ..motionlcm_blender.generation.request import Request
    from ..motionlcm_blender.keyframes.keys import SparseKeys
    from ..motionlcm_blender.recipes.recipe import Recipe
    from .actions import Channel
    from .rig import Rig
    from .worker import Handle, Order, Result

WHOLE = "recipe"
"""Custom property that says that a recipe tells everything; older ones name a ground and leave out what a shot goes on
from."""


def order_from_scene(context: bpy.types.Context) -> "Order":
    """Check the scene's settings and read character and path. Raises InvalidRequest with one sentence."""
    import numpy as np

    from ..motionlcm_blender.generation.request import Request
    from ..motionlcm_blender.motion.skeleton import FPS
    from ..motionlcm_blender.motion.world_transform import Placement, canonicalise
    from ..motionlcm_blender.postprocess.foot_lock import FootLock
    from ..motionlcm_blender.recipes.recipe import hints_of
    from .carrier import standing_before, travel_of
    from .control import facing_of
    from .pins import pins_for, sample_pins
    from .rig import euler_bones, read_rig, units_per_metre
    from .scene_time import stretch
    from .trajectory import sample_path
    from .worker import Order

    scene, chosen = context.scene, context.scene.motionlcm
    frames = frames_of(chosen.length)
    Request(chosen.prompt.strip(), frames)  # says what is wrong before anything is read
    character = find_character(context)
    context.view_layer.update()
    rig = read_rig(character)
    units = units_per_metre(character, rig)
    starts = scene.frame_current if chosen.start == "CURRENT_FRAME" else scene.frame_start
    first_frame = round(starts / stretch(scene))
    standing = standing_before(character, rig, units)
    placement, path_xz, path_name, ground = standing, None, "", None
    warnings: tuple[str, ...] = ()
    if chosen.path is not None:
        check_path_object(chosen.path, character)
        eases = (chosen.ease_in, chosen.ease_out)
        trajectory = sample_path(context, chosen.path, frames, first_frame, units, eases)
        placement = canonicalise(trajectory.xz)[1]
        floor = standing.origin[1] if trajectory.floor is None else trajectory.floor
        origin = np.array([placement.origin[0], floor, placement.origin[2]])
        placement = Placement(origin, placement.heading)
        path_xz, path_name, warnings = trajectory.xz, chosen.path.name, trajectory.warnings
        ground = trajectory.ground
    if chosen.ground is not None:
        from .terrain import height_field

        places = placement.origin[[0, 2]][None] if path_xz is None else path_xz
        floor = float(placement.origin[1])
        ground, told = height_field(context, chosen.ground, places, path_xz is None, floor, units)
        warnings += told
    pinned = sample_pins(context, pins_for(chosen.pins, character), frames, first_frame, units)
    if pinned is not None:
        warnings += pinned[2]
    request = Request(
        chosen.prompt.strip(),
        frames,
        seed=chosen.seed,
        takes=chosen.takes,
        steps=int(chosen.steps),
        hints=hints_of(path_xz, None if pinned is None else pinned[:2], placement),
        feet=FootLock(chosen.feet),
        facing=facing_of(context, path_xz, frames, first_frame, placement, units),
        refine=chosen.refine,
    )
    if is_carried(character):
        warnings += (f'"{character.name}" hangs from something that may move: it is placed as it stands now.',)
    return Order(
        request=request,
        skeleton=rig.skeleton,
        placement=placement,
        fps=scene.render.fps / scene.render.fps_base,
        first_frame=first_frame,
        character=handle_of(character),
        scene=handle_of(scene),
        choice=engine.chosen(),
        units_per_metre=units,
        path_name=path_name,
        path_xz=path_xz,
        warnings=warnings,
        seconds=frames / FPS,
        ground=ground,
        ground_name=chosen.ground.name if chosen.ground is not None else "",
        standing=standing,
        travel=travel_of(chosen.travel, character),
        loop=chosen.loop,
        key_tolerance=chosen.key_tolerance if chosen.key_mode == "FITTED" else None,
        euler=euler_bones(character, rig, units, chosen.travel == "hips"),
    )


def frames_of(seconds: float) -> int:
    """Frames of the model for a length in seconds. Raises InvalidRequest if it cannot make that many."""
    from ..motionlcm_blender.errors import InvalidRequest
    from ..motionlcm_blender.generation.request import MAX_CHAINED_FRAMES
    from ..motionlcm_blender.motion.skeleton import FPS, MIN_FRAMES

    frames = round(seconds * FPS)
    if frames > MAX_CHAINED_FRAMES:
        raise InvalidRequest(f"{seconds:.1f} s is too long: {MAX_CHAINED_FRAMES / FPS:.0f} s at most are made at once.")
    if frames < MIN_FRAMES:
        raise InvalidRequest(f"{seconds:.1f} s is too short: the model makes at least {MIN_FRAMES / FPS:.1f} s.")
    return frames


def find_character(context: bpy.types.Context) -> bpy.types.Object:
    """The chosen character; where none is chosen, the active armature or the only one that fits.

    Raises InvalidRequest if there is none, or it cannot be written to.
    """
    from ..motionlcm_blender.errors import InvalidRequest
    from .rig import is_character

    scene = context.scene
    character = scene.motionlcm.character
    if character is not None and scene.objects.get(character.name) != character:
        raise InvalidRequest(f'The character "{character.name}" is not in this scene: choose another.')
    if character is None:
        active = settings.armature_of(context.active_object)
        fitting = [active] if is_character(active) else [obj for obj in scene.objects if is_character(obj)]
        if len(fitting) != 1:
            raise InvalidRequest("No character is chosen: choose an armature with SMPL bones, or press Add Character.")
        character = scene.motionlcm.character = fitting[0]
    check_writable(character)
    return character


def write_result(order: "Order", result: "Result", batch: str | None = None) -> str:
    """Write a result as a new Action of the character, as one undo step; returns the sentence to show.

    batch: what the takes that belong together have in common; None: those of this result alone do.
    Raises InvalidRequest if the character or the scene has gone in the meantime; then nothing was changed.
    """
    from .actions import new_action, repeat_forever
    from .rig import read_rig
    from .scene_time import make_room, show_within

    scene, character = find_both(order.scene, order.character)
    check_writable(character)
    rig = read_rig(character)
    for view_layer in scene.view_layers:
        view_layer.update()
    request = order.request
    belongs = {"character_id": identity(character), "batch": batch or uuid.uuid4().hex[:12]}
    for take in reversed((result, *result.others)):  # the first one comes last, and stays
        times, channels = written_channels(character, rig, order, take)
        told = recipe(order, take) | belongs
        action = new_action(character, action_name(take.request), times, channels, told)
        keep(action, order, take)
        if order.loop:
            repeat_forever(character)
    character.data.pose_position = "POSE"
    make_room(scene, times[0], times[-1])
    settings.remember_prompt(scene.motionlcm, request.prompt)
    show_within(scene, times[0], times[-1])
    push_undo(f"MotionLCM: {request.prompt[:40]}")
    play(scene)
    milliseconds = 1000.0 * max(take.report.get("seconds", 0.0) for take in (result, *result.others))
    made = f"{len(times)} frames from frame {order.first_frame}, made in {milliseconds:.0f} ms."
    return made if not result.others else f"{len(result.others) + 1} takes of {made}"


def action_name(request: "Request") -> str:
    """What the Action of a take is called."""
    name = f"MotionLCM {request.prompt[:40].strip()} s{request.seed}"
    if request.blends:
        name += f" v{request.blends[-1].towards % 10000}"
    return name + (" mirrored" if request.mirror else "")


def identity(character: bpy.types.Object) -> str:
    """A name of the character that stays, whatever it is called; its Actions carry it."""
    if "motionlcm_id" not in character:
        character["motionlcm_id"] = uuid.uuid4().hex[:12]
    return str(character["motionlcm_id"])


def written_channels(
    character: bpy.types.Object, rig: "Rig", order: "Order", result: "Result"
) -> "tuple[np.ndarray, list[Channel]]":
    """Scene frames (K,) and a result as channels of the character as it stands now."""
    from dataclasses import replace

    import numpy as np

    from ..motionlcm_blender.keyframes.keys import place_keys
    from ..motionlcm_blender.motion.loops import Travel
    from ..motionlcm_blender.motion.world_transform import Placement, place_clip
    from .actions import channels_of
    from .carrier import bone_channels, object_channels, standing_now
    from .rig import pose_channels, pose_keys

    units, clip, keys = order.units_per_metre, result.clip, result.keys
    carried: list[Channel] = []
    if order.travel is not Travel.HIPS:  # where the object stands now, which an Action may have moved since
        now = standing_now(character, rig, units)
        here = Placement(now.origin * [1.0, 0.0, 1.0], now.heading)
        clip, keys = place_clip(clip, here), None if keys is None else place_keys(keys, here)
        if result.carrier is not None:
            channels = bone_channels if order.travel is Travel.BONE else object_channels
            carried = channels(character, result.carrier, now, units)
    in_bone = order.travel is Travel.BONE
    pose, fitted = pose_channels(clip, character, rig, units, in_bone), None
    if keys is not None:
        location, turned, played = pose_keys(keys, character, rig, units, order.euler, in_bone)
        pose, fitted = replace(pose, rotations=pose.rotations | played), (location, turned)
    times = order.first_frame + np.arange(clip.frames, dtype=np.float64)
    return times, channels_of(character, pose, fitted) + carried


def key_numbers(keys: "SparseKeys | None") -> dict[str, object]:
    """What a recipe tells of fitted keys; zeros for a key on every frame."""
    if keys is None:
        return {"keys_per_second": 0.0, "keys_error_mm": 0.0, "keys_share": 1.0}
    return {
        "keys_per_second": keys.keys_per_second, "keys_error_mm": keys.max_error_mm,
        "keys_share": keys.count / keys.dense_count,
    }  # fmt: skip


_kept: "dict[int, tuple[Order, Result]]" = {}
"""The latest results by their Action's session id, so that keys can be fitted again without making the motion again."""
MOST_KEPT = 32


def keep(action: bpy.types.Action, order: "Order", result: "Result") -> None:
    """Remember what an Action was made of; the oldest is forgotten."""
    _kept[action.session_uid] = (order, result)
    while len(_kept) > MOST_KEPT:
        del _kept[next(iter(_kept))]


def refit(context: bpy.types.Context, character: bpy.types.Object) -> str:
    """Fit the keys of the character's present Action again, by the panel's settings; returns the sentence to show.

    Raises InvalidRequest if the motion as made is no longer known.
    """
    from dataclasses import replace

    from ..motionlcm_blender.errors import InvalidRequest
    from ..motionlcm_blender.motion.loops import Travel
    from .actions import repeat_forever, rewrite
    from .rig import euler_bones, read_rig
    from .worker import fitted_keys

    data = character.animation_data
    action = data.action if data is not None else None
    if action is None or action.session_uid not in _kept:
        raise InvalidRequest("The motion of this Action is not in memory any more: press Again, then its keys follow.")
    chosen = context.scene.motionlcm
    order, result = _kept[action.session_uid]
    order = replace(order, first_frame=int(action["motionlcm_first_frame"]))  # a shot may have been moved since
    tolerance = chosen.key_tolerance if chosen.key_mode == "FITTED" else None
    rig = read_rig(character)
    euler = euler_bones(character, rig, order.units_per_metre, order.travel is Travel.HIPS)
    order = replace(order, key_tolerance=tolerance, euler=euler)
    keys = None if tolerance is None else fitted_keys(result.clip, tolerance, order)
    result = replace(result, keys=keys)
    times, channels = written_channels(character, rig, order, result)
    rewrite(character, times, channels, {"key_tolerance": tolerance or 0.0, **key_numbers(keys)})
    keep(action, order, result)
    if order.loop:
        repeat_forever(character)
    if keys is None:
        return "A key on every frame."
    return f"{keys.keys_per_second:.0f} keys a second, at most {keys.max_error_mm:.1f} mm off."


def recipe(order: "Order", result: "Result") -> dict[str, object]:
    """What it takes to make the same motion again, and where it comes from; plain values for custom properties."""
    from datetime import UTC, datetime

    from ..motionlcm_blender.recipes.serialization import VERSION, flat_values

    values: dict[str, object] = {WHOLE: VERSION, **flat_values(recipe_made(order, result)), **key_numbers(result.keys)}
    for name in ("path_mean_cm", "path_max_cm", "pin_mean_cm", "pin_max_cm", "foot_skate_cm_s"):
        if name in result.report:
            values[name] = float(result.report[name])
    values["milliseconds"] = 1000.0 * float(result.report.get("seconds", 0.0))
    values["made"] = datetime.now(UTC).isoformat(timespec="milliseconds")
    return values


def recipe_made(order: "Order", result: "Result") -> "Recipe":
    """The recipe of one result of an order."""
    from dataclasses import replace

    from ..motionlcm_blender import __version__
    from ..motionlcm_blender.recipes.recipe import Origin, Recipe

    return Recipe(
        replace(result.request, takes=1),
        order.placement,
        order.seconds,
        order.first_frame,
        scene_fps=order.fps,
        units_per_metre=order.units_per_metre,
        path=order.path_name,
        path_xz=order.path_xz,
        ground=order.ground,
        ground_name=order.ground_name,
        standing=order.standing,
        travel=order.travel,
        loop=order.loop,
        key_tolerance=order.key_tolerance,
        seam=order.seam,
        landing=order.landing,
        scene_frames=order.scene_frames,
        origin=Origin(result.model_name, result.model_hash, result.licence, result.attribution, __version__),
    )


def recipe_in(action: bpy.types.Action | None) -> "Recipe":
    """The recipe an Action carries. Raises InvalidRequest if it carries none, or none that is whole."""
    from ..motionlcm_blender.errors import InvalidRequest
    from ..motionlcm_blender.recipes.serialization import from_flat
    from .actions import facts_of

    told = facts_of(action)
    if WHOLE not in told and "shot" in told:
        raise InvalidRequest(
            "This Action is a shot's of an earlier version, which does not tell what it goes on from: generate it "
            "among the shots."
        )
    try:
        return from_flat(told)
    except InvalidRequest as error:
        raise InvalidRequest(f"The Action carries no whole recipe, so it cannot be made again. {error}") from error


def recipe_is_old(action: bpy.types.Action) -> bool:
    """Whether an Action's recipe leaves to the scene what one of today tells."""
    from .actions import RECIPE

    return RECIPE + WHOLE not in action


def order_from_recipe(
    context: bpy.types.Context, character: bpy.types.Object, action: bpy.types.Action | None = None
) -> "Order":
    """The order that makes an Action again for a character, from the Action's custom properties alone.

    action: None: the character's present one. Raises InvalidRequest if it is not one of ours.
    """
    from dataclasses import replace

    from .actions import facts_of

    if action is None:
        action = character.animation_data.action if character.animation_data is not None else None
    made, told = recipe_in(action), facts_of(action)
    own = "motionlcm_id" in character and told.get("character_id") == character["motionlcm_id"]
    order = order_of(context, character, made, own)
    if "cut" in told:
        warning = "This Action was cut or joined since: the motion is made as it was before that."
        order = replace(order, warnings=(*order.warnings, warning))
    if action is None or not recipe_is_old(action) or not made.ground_name:
        return order
    from .terrain import height_field

    mesh = context.scene.objects.get(made.ground_name)
    if mesh is None:
        warning = f'The ground "{made.ground_name}" is no longer here: the floor is level.'
        return replace(order, warnings=(*order.warnings, warning))
    places = order.placement.origin[[0, 2]][None] if order.path_xz is None else order.path_xz
    floor = float(order.placement.origin[1])
    ground, warnings = height_field(context, mesh, places, order.path_xz is None, floor, order.units_per_metre)
    return replace(order, ground=ground, warnings=order.warnings + warnings)


def order_of(context: bpy.types.Context, character: bpy.types.Object, recipe: "Recipe", own: bool) -> "Order":
    """The order that makes a recipe for a character, in the same place of the world and on the same frames.

    own: it was made for this character, and knows where it stood. Raises InvalidRequest if the character
    cannot take it.
    """
    from ..motionlcm_blender.recipes.replay import frames_at
    from .carrier import standing_before, travel_of
    from .rig import euler_bones, read_rig, units_per_metre
    from .worker import Order

    context.view_layer.update()
    rig, scene = read_rig(character), context.scene
    recipe = recipe.for_size(units_per_metre(character, rig))
    units = recipe.units_per_metre
    fps = scene.render.fps / scene.render.fps_base
    return Order(
        request=recipe.request,
        skeleton=rig.skeleton,
        placement=recipe.placement,
        fps=fps,
        first_frame=recipe.first_frame,
        character=handle_of(character),
        scene=handle_of(scene),
        choice=engine.chosen(),
        units_per_metre=units,
        path_name=recipe.path,
        path_xz=recipe.path_xz,
        seconds=recipe.seconds,
        ground=recipe.ground,
        ground_name=recipe.ground_name,
        standing=recipe.standing if own and recipe.standing is not None else standing_before(character, rig, units),
        travel=travel_of(recipe.travel.value, character),
        loop=recipe.loop,
        key_tolerance=recipe.key_tolerance,
        euler=euler_bones(character, rig, units, recipe.travel.value == "hips"),
        seam=recipe.seam,
        landing=recipe.landing,
        scene_frames=frames_at(recipe, fps),
        expected_model=recipe.origin.model_sha256,
    )


def find(collection: bpy.types.bpy_prop_collection, handle: "Handle") -> bpy.types.ID | None:
    """Find a scene or object again by its session id, under whatever name; None if it is gone."""
    named = collection.get(handle.name)
    if named is not None and named.session_uid == handle.session_uid:
        return named
    return next((each for each in collection if each.session_uid == handle.session_uid), None)


def find_both(scene: "Handle", character: "Handle") -> tuple[bpy.types.Scene, bpy.types.Object]:
    """A scene and a character in it, found again. Raises InvalidRequest if either is gone."""
    from ..motionlcm_blender.errors import InvalidRequest

    in_scene = find(bpy.data.scenes, scene)
    if in_scene is None:
        raise InvalidRequest("The scene was removed in the meantime, so the motion was not written.")
    found = find(in_scene.objects, character)
    if found is None:
        raise InvalidRequest(
            f'The character "{character.name}" was deleted in the meantime, so its motion was not written.'
        )
    return in_scene, found


def turn_of(order: "Order") -> jobs.Turn:
    """A place in the line for this order."""

    def start() -> jobs.Job:
        find_both(order.scene, order.character)  # while it waited either may have gone
        return jobs.Job(order, write_result)

    return jobs.Turn(order.character, start)


def handle_of(block: bpy.types.ID) -> "Handle":
    """How `find` finds a scene or object again."""
    from .worker import Handle

    return Handle(block.name, block.session_uid)


def check_writable(character: bpy.types.Object) -> None:
    """Raises InvalidRequest if the character cannot be given an Action."""
    from ..motionlcm_blender.errors import InvalidRequest

    if character.library is not None:
        raise InvalidRequest(f'"{character.name}" is linked from another file: make a library override of it first.')
    if character.animation_data is not None and character.animation_data.use_tweak_mode:
        raise InvalidRequest(f'"{character.name}" is in NLA tweak mode: leave it first.')


def is_carried(character: bpy.types.Object) -> bool:
    """Whether something else may move the armature object while the motion plays."""
    parent = character.parent
    while parent is not None:
        if parent.animation_data is not None or len(parent.constraints) > 0:
            return True
        parent = parent.parent
    return any(not constraint.mute for constraint in character.constraints)


def check_path_object(path: bpy.types.Object, character: bpy.types.Object) -> None:
    """Raises InvalidRequest if the path is moved by the character."""
    from ..motionlcm_blender.errors import InvalidRequest

    above: bpy.types.Object | None = path
    while above is not None:
        if above == character:
            raise InvalidRequest(f'Path "{path.name}": it is the character itself or hangs from it; choose another.')
        above = above.parent


def push_undo(message: str) -> None:
    """Make an undo step of what was done since the last one."""
    windows = bpy.context.window_manager.windows
    with bpy.context.temp_override(**({"window": windows[0]} if bpy.context.window is None and windows else {})):
        bpy.ops.ed.undo_push(message=message)


def play(scene: bpy.types.Scene) -> None:
    """Start playing in the first window that shows the scene, unless it plays already."""
    if bpy.app.background:
        return
    for window in bpy.context.window_manager.windows:
        if window.scene == scene and not window.screen.is_animation_playing:
            with bpy.context.temp_override(window=window, screen=window.screen):
                bpy.ops.screen.animation_play()
            return


class Ordering:
    """What the operators that start a job share: errors become a sentence in the panel and in the log."""

    if TYPE_CHECKING:

        def report(self, kind: set[str], message: str) -> None: ...

    def order(self, context: bpy.types.Context) -> "Order":
        raise NotImplementedError

    def submit(self, order: "Order") -> None:
        jobs.ask([turn_of(order)])

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            order = self.order(context)
        except Exception as error:
            character = context.scene.motionlcm.character
            if character is not None:  # it would be asked for again, so what it asked for before is not wanted
                jobs.drop(handle_of(character))
            jobs.tell(jobs.sentence_for(error), error=True)
        else:
            self.submit(order)
        if jobs.status.error:
            # A window shows the sentence in the panel; scripts in the background get an exception.
            self.report({"ERROR" if bpy.app.background else "WARNING"}, jobs.status.message)
            return {"CANCELLED"}
        return {"FINISHED"}


class MOTIONLCM_OT_generate(Ordering, bpy.types.Operator):
    """Make the motion for this prompt and path and give it to the character; pressed again, it starts over"""

    bl_idname = "motionlcm.generate"
    bl_label = "Generate"
    bl_options = {"REGISTER"}  # the undo step is made when the result is written

    def order(self, context: bpy.types.Context) -> "Order":
        if drawing.is_drawing(context):
            drawing.finish(context)
        return order_from_scene(context)


class MOTIONLCM_OT_generate_again(Ordering, bpy.types.Operator):
    """Make the character's present Action once more, from the recipe it carries"""

    bl_idname = "motionlcm.generate_again"
    bl_label = "Generate Again"
    bl_options = {"REGISTER"}

    def order(self, context: bpy.types.Context) -> "Order":
        return order_from_recipe(context, find_character(context))


class MOTIONLCM_OT_refit_keys(bpy.types.Operator):
    """Fit the keys of the present Action again with this tolerance; keys edited by hand are replaced"""

    bl_idname = "motionlcm.refit_keys"
    bl_label = "Refit Keys"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            jobs.tell(refit(context, find_character(context)))
        except Exception as error:
            jobs.tell(jobs.sentence_for(error), error=True)
            self.report({"ERROR" if bpy.app.background else "WARNING"}, jobs.status.message)
            return {"CANCELLED"}
        context.scene.frame_set(context.scene.frame_current)
        return {"FINISHED"}


class MOTIONLCM_OT_cancel(bpy.types.Operator):
    """Stop the generation that runs; nothing of it is written. With Shift: those that wait as well"""

    bl_idname = "motionlcm.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    everything: bpy.props.BoolProperty(
        name="Everything", description="Also what other characters wait for", default=False, options={"SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.everything = self.everything or event.shift
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return {"FINISHED"} if jobs.cancel(self.everything) else {"CANCELLED"}


CLASSES = (MOTIONLCM_OT_generate, MOTIONLCM_OT_generate_again, MOTIONLCM_OT_refit_keys, MOTIONLCM_OT_cancel)
