"""Builds the input of a generation job decision by decision, from one of three sources: the scene, a shot, or a recipe.

The builder decides in this order: length and first frame, path, start and end, ground, pins. Each step reads the
decisions of earlier steps. A new control is one more step, or one more method of a source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...motionlcm_blender import __version__
from ...motionlcm_blender.export.clip_output import EndPose, StartPose
from ...motionlcm_blender.generation.request import Request
from ...motionlcm_blender.motion.loops import Travel
from ...motionlcm_blender.motion.motion import Motion
from ...motionlcm_blender.motion.skeleton import FPS
from ...motionlcm_blender.motion.world_transform import Placement
from ...motionlcm_blender.postprocess.foot_lock import FootLock
from ...motionlcm_blender.postprocess.terrain import Ground
from ...motionlcm_blender.recipes.recipe import Recipe, version_warning
from ...motionlcm_blender.recipes.replay import frames_at
from ..armature.interference import interferences
from ..armature.pose_keys import EulerBones, euler_bones
from ..armature.root_motion import travel_of
from ..armature.smpl_rig import Rig
from ..controls.facing import facing_of
from ..controls.ground import height_field, moves_between
from ..controls.known_ground import KnownGround
from ..controls.known_path import KnownPath
from ..controls.pins import pins_for, sample_pins
from ..controls.trajectory import Trajectory, check_independent, check_path_object, sample_path
from ..rigs import recognised
from ..rigs.recognised import BodyRig, rest_placement_of
from ..scene.dependencies import is_carried
from ..scene.handles import handle_of
from ..scene.scene_time import at_frame, check_range, may_change, rate_of, scene_frames_each, start_of_motion
from ..session import model_choice
from ..session.generation_worker import GenerationJobInput

if TYPE_CHECKING:
    from ..controls.pins import MotionLCMPin


@dataclass(frozen=True, eq=False)
class KnownRig:
    """What was read of the scene before: a character, and path and ground of previews."""

    rig: Rig | BodyRig
    units_per_metre: float
    ground: KnownGround | None = None
    path: KnownPath = field(default_factory=KnownPath)


def read_rig_of(character: bpy.types.Object) -> KnownRig:
    """Read a character and store the answer on it, for the panel. Raises InvalidRequest or NotHumanoid."""
    rig = recognised.read_and_note(character)
    return KnownRig(rig, recognised.units_per_metre(character, rig))


class OrderBuilder:
    """The shared part of all sources. The attributes are the decisions so far, in metres of the character and engine
    axes."""

    def __init__(self, context: bpy.types.Context, character: bpy.types.Object, known: KnownRig | None = None) -> None:
        """Prepare the builder. known: the character as it was read before, to read the scene in little time; what
        interferes with the motion is not looked for then."""
        self.context, self.scene, self.character, self.known = context, context.scene, character, known
        if known is None:
            context.view_layer.update()  # a script may have moved the character after the last evaluation
            known = read_rig_of(character)
        self.rig, self.units_per_metre, self.known_path = known.rig, known.units_per_metre, known.path
        doubt = recognised.doubt_of(self.rig)
        self.warnings: list[str] = [doubt] if doubt else []
        self.first_frame = 1
        self.seconds = 0.0
        self.rest_placement = self.placement = Placement(np.zeros(3), 0.0)
        self.path_name, self.ground_name = "", ""
        self.path_xz: np.ndarray | None = None
        self.ground: Ground | None = None
        self.travel, self.loop = "hips", False
        self.key_tolerance: float | None = None
        self.seam: StartPose | None = None
        self.landing: EndPose | None = None
        self.scene_frames: int | None = None
        self.shot, self.expected_model = "", ""

    def build(self) -> GenerationJobInput:
        """Make all decisions. Raises InvalidRequest with one sentence."""
        self.find_timing()
        check_range(self.scene, self.first_frame, self.first_frame + self.seconds * rate_of(self.scene))
        self.find_path()
        self.find_start_and_end()
        self.find_ground()
        self.find_pins()
        request = self.make_request()
        if self.known is None:
            causes = interferences(self.character, self.rig, bool(self.shot), self.travel == "root")
            self.warnings += [cause.sentence for cause in causes]
        return GenerationJobInput(
            request=request,
            skeleton=self.rig.skeleton,
            placement=self.placement,
            fps=rate_of(self.scene),
            first_frame=self.first_frame,
            character=handle_of(self.character),
            scene=handle_of(self.scene),
            choice=model_choice.chosen(),
            units_per_metre=self.units_per_metre,
            path_name=self.path_name,
            path_xz=self.path_xz,
            warnings=tuple(self.warnings),
            seconds=self.seconds,
            ground=self.ground,
            ground_name=self.ground_name,
            rest_placement=self.rest_placement,
            travel=self._travel(),
            loop=self.loop,
            key_tolerance=self.key_tolerance,
            euler=self._euler_bones(),
            body=self._body(),
            seam=self.seam,
            landing=self.landing,
            scene_frames=self.scene_frames,
            shot=self.shot,
            expected_model=self.expected_model,
        )

    def _travel(self) -> Travel:
        """What carries the root motion. Raises InvalidRequest if this armature cannot."""
        in_bone = self.travel == Travel.BONE.value
        return travel_of(
            self.travel, self.character, recognised.root_bone(self.character, self.rig) if in_bone else None
        )

    def _body(self) -> BodyRig | None:
        """An armature without SMPL's bone names; with its root bone at rest if that carries the root motion."""
        if isinstance(self.rig, Rig):
            return None
        return recognised.with_root_at_rest(self.character, self.rig) if self.travel == "bone" else self.rig

    def _euler_bones(self) -> EulerBones | None:
        """The bones in Euler modes of an armature with SMPL bones; other armatures find them by themselves."""
        if not isinstance(self.rig, Rig) or self.key_tolerance is None:
            return None
        return euler_bones(self.character, self.rig, self.units_per_metre, self.travel == "hips")

    def find_timing(self) -> None:
        """Decide the length and the first frame."""

    def find_path(self) -> None:
        """Decide the path and the ground along a path that rises and falls."""

    def find_start_and_end(self) -> None:
        """Decide the placement of the motion's coordinate frame in the world, and its start and end poses."""

    def find_ground(self) -> None:
        """Decide the heights of the ground."""

    def find_pins(self) -> None:
        """Decide the pins."""

    def make_request(self) -> Request:
        """Build the request for the model."""
        raise NotImplementedError

    def read_heights(self, mesh: bpy.types.Object) -> None:
        """Sample the heights of a mesh along the path or, without a path, around the start."""
        check_independent(f'Ground "{mesh.name}"', mesh, self.character, self.travel, shape=True)
        places = self.placement.origin[[0, 2]][None] if self.path_xz is None else self.path_xz
        floor = float(self.placement.origin[1])
        known = self.known.ground if self.known is not None else None
        read = height_field if known is None else known.height_field
        with at_frame(self.scene, self.first_frame, may_change(mesh)):
            self.ground, warnings = read(self.context, mesh, places, self.path_xz is None, floor, self.units_per_metre)
        self.warnings += warnings
        last = self.first_frame + self.seconds * rate_of(self.scene)
        if may_change(mesh) and moves_between(self.scene, mesh, self.first_frame, last, self.units_per_metre):
            self.warnings.append(f'Ground "{mesh.name}" moves: its place on frame {self.first_frame} is used.')


class PanelOrderBuilder(OrderBuilder):
    """The shared part of the scene and a shot: the panel's feet, ground, pins, steps and keys."""

    def __init__(self, context: bpy.types.Context, character: bpy.types.Object, known: KnownRig | None = None) -> None:
        super().__init__(context, character, known)
        self.settings = context.scene.motionlcm
        self.prompt, self.seed, self.takes, self.liveliness = "", 0, 1, 1.0
        self.frames = 0
        """Frames of the model that are written; the two numbers below come before and after them."""
        self.lead_in_frames = self.lead_out_frames = 0
        self.path_object: bpy.types.Object | None = None
        self.walked: Trajectory | None = None
        self.path_part = (0.0, 1.0)
        self.start: Motion | None = None
        self.end: Motion | None = None
        self.end_anywhere = False
        self.floor = 0.0
        self.pinned: tuple[np.ndarray, np.ndarray] | None = None
        self.key_tolerance = self.settings.key_tolerance if self.settings.key_mode == "FITTED" else None
        self.ground_name = self.settings.ground.name if self.settings.ground is not None else ""

    def build(self) -> GenerationJobInput:
        if self.known is not None:
            self.key_tolerance = None
            return super().build()
        carried = is_carried(self.character)
        with at_frame(self.scene, self.begin(), carried):
            self.rig = recognised.read_character(self.character)
            self.units_per_metre = recognised.units_per_metre(self.character, self.rig)  # a parent may change the scale
            order = super().build()
        if not carried:
            return order
        warning = f'The motion of "{self.character.name}" is made for its place on frame {self.first_frame}.'
        return replace(order, warnings=(*order.warnings, warning))

    def begin(self) -> int:
        """The first frame of the motion."""
        raise NotImplementedError

    def find_path(self) -> None:
        self.floor = float(self.rest_placement.origin[1])
        path = self.path_object
        if path is None:
            return
        check_path_object(path, self.character)
        eases = (self.settings.ease_in, self.settings.ease_out)
        walked = sample_path(
            self.context,
            path,
            self.frames,
            self.first_frame,
            self.units_per_metre,
            eases,
            self.path_part,
            self.known_path,
        )
        self.walked, self.path_name = walked, path.name
        self.path_xz, self.ground = walked.xz, walked.ground
        self.warnings += walked.warnings
        self.floor = self.floor if walked.floor is None else walked.floor

    def find_start_and_end(self) -> None:
        if self.walked is not None:
            start = self.walked.xz[0]
            self.placement = Placement(np.array([start[0], self.floor, start[1]]), self.walked.heading)

    def find_ground(self) -> None:
        if self.settings.ground is not None:
            self.read_heights(self.settings.ground)

    def find_pins(self) -> None:
        frames = self.frames + self.lead_in_frames + self.lead_out_frames
        first = self.first_frame - self.lead_in_frames * scene_frames_each(self.scene)
        for pin in self.pins():
            if pin.active and pin.target is not None:
                check_independent(f'Pin "{pin.target.name}"', pin.target, self.character, self.travel)
        pinned = sample_pins(self.context, self.pins(), frames, first, self.units_per_metre)
        if pinned is not None:
            self.pinned = pinned[:2]
            self.warnings += pinned[2]

    def pins(self) -> Sequence[MotionLCMPin]:
        """The pins to apply."""
        return pins_for(self.settings.pins, self.character)

    def facing(self) -> np.ndarray | None:
        """(frames,) radians to face, or None to face along the motion."""
        return None

    def make_request(self) -> Request:
        return Request(
            self.prompt,
            self.frames + self.lead_in_frames + self.lead_out_frames,
            seed=self.seed,
            takes=self.takes,
            liveliness=self.liveliness,
            steps=int(self.settings.steps),
            hints=self.known_path.hints(self.path_xz, self.pinned, self.placement),
            start=self.start,
            end=self.end,
            end_anywhere=self.end_anywhere,
            feet=FootLock(self.settings.feet),
            facing=self.facing(),
            gestures=self.settings.gestures,
            sequence=self.settings.sequence,
            rewrite=self.settings.rewrite,
            caption_liveliness=self.settings.caption_liveliness,
            **self.options(),
        )

    def options(self) -> dict[str, Any]:
        """Further fields of the request."""
        return {}


class SceneOrderBuilder(PanelOrderBuilder):
    """The panel's prompt, length and path."""

    def __init__(
        self,
        context: bpy.types.Context,
        character: bpy.types.Object,
        frames: int,
        known: KnownRig | None = None,
        begin: int | None = None,
    ) -> None:
        """Prepare the builder. begin: first frame of keys; None: by the settings."""
        super().__init__(context, character, known)
        self.frames = frames
        self._begin = start_of_motion(self.scene, self.settings.start) if begin is None else begin

    def begin(self) -> int:
        return self._begin

    def find_timing(self) -> None:
        settings = self.settings
        self.first_frame, self.seconds = self._begin, self.frames / FPS
        self.prompt, self.seed, self.takes = settings.prompt.strip(), settings.seed, settings.takes
        self.liveliness = settings.liveliness
        self.travel, self.loop = settings.travel, settings.loop
        self.path_object = settings.path
        self.rest_placement = rest_placement_of(self.character, self.rig, self.units_per_metre)
        self.placement = self.rest_placement

    def facing(self) -> np.ndarray | None:
        target = self.settings.facing_object if self.settings.facing == "OBJECT" else None
        if target is not None:
            check_independent(f'Facing "{target.name}"', target, self.character, self.travel)
        return facing_of(
            self.context, self.path_xz, self.frames, self.first_frame, self.placement, self.units_per_metre
        )

    def options(self) -> dict[str, Any]:
        return {"refine": self.settings.refine}


class RecipeOrderBuilder(OrderBuilder):
    """A recipe: the same motion in the same place of the world and on the same frames."""

    def __init__(
        self,
        context: bpy.types.Context,
        character: bpy.types.Object,
        recipe: Recipe,
        own: bool,
        ground_by_name: bool = False,
    ) -> None:
        """Prepare the builder.

        Args:
            context: Context of the target scene.
            character: The character to animate.
            recipe: The recipe.
            own: Whether the recipe was made for this character and contains its placement.
            ground_by_name: Whether the recipe is an older one, with the name of its ground instead of the heights.
        """
        super().__init__(context, character)
        self.recipe = recipe.for_size(self.units_per_metre)
        self.own, self.ground_by_name = own, ground_by_name

    def find_timing(self) -> None:
        recipe = self.recipe
        self.units_per_metre = recipe.units_per_metre
        self.first_frame, self.seconds = recipe.first_frame, recipe.seconds
        self.scene_frames = frames_at(recipe, rate_of(self.scene))
        self.travel, self.loop, self.key_tolerance = recipe.travel.value, recipe.loop, recipe.key_tolerance
        self.expected_model = recipe.origin.model_sha256
        if (sentence := version_warning(recipe.origin, __version__)) is not None:
            self.warnings.append(sentence)

    def find_path(self) -> None:
        self.path_name, self.path_xz = self.recipe.path, self.recipe.path_xz

    def find_start_and_end(self) -> None:
        recipe = self.recipe
        if self.own and recipe.standing is not None:
            self.rest_placement = recipe.standing
        else:
            self.rest_placement = rest_placement_of(self.character, self.rig, self.units_per_metre)
        self.placement, self.seam, self.landing = recipe.placement, recipe.seam, recipe.landing

    def find_ground(self) -> None:
        self.ground, self.ground_name = self.recipe.ground, self.recipe.ground_name
        if not self.ground_by_name or not self.ground_name:
            return
        mesh = self.scene.objects.get(self.ground_name)
        if mesh is None:
            self.warnings.append(f'The ground "{self.ground_name}" was removed: a level floor is used.')
        else:
            self.read_heights(mesh)

    def make_request(self) -> Request:
        return self.recipe.request
