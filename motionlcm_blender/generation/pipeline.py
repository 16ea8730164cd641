"""`MotionLCM`: the pipeline from a request to finished motions."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial

import numpy as np

from ..array_types import FloatArray
from ..errors import Cancelled, DeviceError, InvalidRequest, ModelFolderError
from ..motion import head_hands
from ..motion.features import contacts_from_features, joints_from_features, standing_joints
from ..motion.metrics import foot_skate
from ..motion.skeleton import FPS, MAX_FRAMES
from ..postprocess.path_following import resampled_joints
from ..postprocess.transitions import aligned, at_origin, match_start
from ..text.asset_names import spelled_out
from ..text.prompt_vocabulary import Vocabulary, read_vocabulary
from .action_joining import generate_parts
from .action_parts import ActionPart, is_divisible, planned_parts, too_short_warning
from .generated_motion import GeneratedMotion
from .inbetweening import place_end_pose
from .long_motion import fitted_to_path, generate_chained, needs_stitching
from .motion_model import MotionModel, Progress
from .path_gait import cadence_of, without_path
from .pieces import Piece, piece_of, unchanging
from .pin_approach import approached, restore_request
from .postprocessing import postprocess_motion
from .prompt_path import on_named_path, without_named_path
from .request import Hints, Request
from .take_selection import chosen_takes, samples_of
from .variations import mirrored_motion, mirrored_request, retimed_request

logger = logging.getLogger(__name__)


class MotionLCM(MotionModel):
    """A loaded model that generates finished motions: sampling, then post-processing.

    Not thread-safe: only one worker may use an instance at a time.
    """

    def generate(
        self,
        request: Request,
        progress: Progress | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> list[GeneratedMotion]:
        """Generate one motion for each take.

        The same request gives the same motion, and each take the same as a request for one take with the take's own
        seed. Several takes are those of more samples that differ most (`take_selection`). A motion with a ground path
        is moved onto it (`path_following`); `report` has the network's own error. With a start the first frames are
        exactly those given (`transitions`). A motion longer than the model's limit is stitched (`long_motion`).

        Args:
            request: The request.
            progress: Called with a fraction 0..1 and the name of the stage, between stages, from this thread.
            cancel: Called between stages, from this thread; True stops.

        Returns:
            The motions, in the frame of the request: first root at the XZ origin, facing +Z.

        Raises:
            Cancelled: `cancel` returned True.
            InvalidRequest: The model cannot generate the length, or has no ControlNet for the path.
            DeviceError: The device failed or has too little memory.
        """
        started = time.perf_counter()
        derived = self._by_another_request(request, progress, cancel, started)
        if derived is not None:
            return derived

        def stage(part: float, what: str) -> None:
            if cancel is not None and cancel():
                raise Cancelled
            if progress is not None:
                progress(part, what)

        in_pieces = self._needs_pieces(request)
        self.check_control(request)
        if is_divisible(request):
            return self._in_parts(request, progress, cancel)
        if in_pieces:
            return generate_chained(self, request, progress, cancel)
        stage(0.0, "Reading the prompt")
        shown = self._shown_request(request)
        text = self.encode_prompt(self.rewriter.text(request), shown.frames)
        samples = samples_of(request, self.caption_liveliness.noise_factor(request, text))
        try:
            if shown is not request:
                return self._walks(request, shown, text, samples, stage, started)
            sampled = self.sample_features(replace(request, takes=len(samples)), text, stage, samples)
        except MemoryError as error:
            raise DeviceError("There is too little memory for this request; reduce the number of takes.") from error
        if request.end is not None and request.end_anywhere and self.architecture.control:
            return self._ended_anywhere(request, samples, sampled.features, progress, cancel)
        stage(0.8, "Post-processing")
        usual = partial(self._finished, started=started, report=sampled.report, progress=progress, cancel=cancel)
        kept = chosen_takes(request, joints_from_features(sampled.features))
        return [usual(samples[k], sampled.features[k]) for k in kept]

    def _in_parts(
        self, request: Request, progress: Progress | None, cancel: Callable[[], bool] | None
    ) -> list[GeneratedMotion]:
        """Generate each action of the prompt by itself; with too little time for that, all at once."""
        shortest = self.folder.frames[0] if self.folder is not None else 0
        parts = planned_parts(request, self.vocabulary, shortest)
        if parts:
            return generate_parts(self, request, parts, progress, cancel)
        warning = too_short_warning(request, shortest)
        motions = self.generate(replace(request, sequence=False), progress, cancel)
        return [replace(m, request=replace(m.request, sequence=True), warnings=(*m.warnings, warning)) for m in motions]

    @cached_property
    def vocabulary(self) -> Vocabulary | None:
        """Words of the training captions and lengths of actions; None if the model has no readable ones."""
        try:
            return None if self.folder is None else read_vocabulary(self.folder.path)
        except ModelFolderError as error:
            logger.warning("All actions are taken for equally long: %s", error)
            return None

    def _by_another_request(
        self, request: Request, progress: Progress | None, cancel: Callable[[], bool] | None, started: float
    ) -> list[GeneratedMotion] | None:
        """The motions of a request that is mirrored, retimed, an asset's name, or on a named path; else None."""
        if request.mirror:
            motions = self.generate(mirrored_request(request), progress, cancel)
            return [replace(mirrored_motion(motion), request=_take_of(request, motion)) for motion in motions]
        if request.speed != 1.0:
            motions = self.generate(retimed_request(request), progress, cancel)
            return [_retimed(motion, _take_of(request, motion), started) for motion in motions]
        words = spelled_out(request.prompt) if request.rewrite else request.prompt
        if words != request.prompt:
            motions = self.generate(replace(request, prompt=words), progress, cancel)
            return [replace(m, request=replace(m.request, prompt=request.prompt)) for m in motions]
        led = on_named_path(request, self.rewriter.find(request)) if self.architecture.control else None
        if led is None:
            return None
        return [without_named_path(motion) for motion in self.generate(led, progress, cancel)]

    def _shown_request(self, request: Request) -> Request:
        """The request that the network gets: a walk on a path is sampled without the path (`path_gait`)."""
        if request.start is not None or cadence_of(request) is None:
            return request
        return without_path(request, self.folder.frames[1] if self.folder is not None else MAX_FRAMES)

    def _walks(
        self,
        request: Request,
        shown: Request,
        text: FloatArray,
        samples: list[Request],
        stage: Progress,
        started: float,
    ) -> list[GeneratedMotion]:
        """Walks sampled without their path. A single one is kept for requests that differ in their path alone."""

        def sampled() -> FloatArray:
            return self.sample_features(replace(shown, takes=len(samples)), text, stage, samples).features

        if len(samples) == 1:
            free = {0: self.walks.get(shown, lambda: unchanging(piece_of(sampled()[0])))}
        else:
            features = sampled()
            free = {k: piece_of(features[k]) for k in chosen_takes(request, joints_from_features(features))}
        stage(0.8, "Post-processing")
        return [self._on_path(samples[k], walk, started) for k, walk in free.items()]

    def _on_path(self, request: Request, free: Piece, started: float) -> GeneratedMotion:
        """Post-process a walk that was sampled without its path; one that does more than walk is sampled with it."""
        walk = fitted_to_path(request, free)
        if walk is None:
            with_path = self.features(request)[0]
            return _finished(request, with_path, _sampled_joints(request, with_path), started, {})
        report = {"network_foot_skate_cm_s": foot_skate(walk.joints)}
        return postprocess_motion(request, walk.joints, walk.contacts, report, started, head_hands=walk.rotations)

    def _finished(
        self,
        request: Request,
        features: FloatArray,
        started: float,
        report: dict[str, float],
        progress: Progress | None,
        cancel: Callable[[], bool] | None,
    ) -> GeneratedMotion:
        """Post-process a take; one with far pins is generated again on a path to them."""
        led, joints = None, _sampled_joints(request, features)
        if request.hints is not None and self.architecture.control:
            led = approached(request, joints)
        if led is not None:
            return restore_request(self.generate(led, progress, cancel)[0], request)
        return _finished(request, features, joints, started, report)

    def _needs_pieces(self, request: Request) -> bool:
        """Whether the motion is stitched from several samples.

        Raises:
            InvalidRequest: The model cannot generate the length.
        """
        if self.folder is None:
            return False
        shortest, longest = self.folder.frames
        if request.frames < shortest:
            raise InvalidRequest(
                f"The model {self.name} makes at least {shortest / FPS:.1f} seconds, not {request.frames / FPS:.1f}."
            )
        return needs_stitching(request, longest)

    def _ended_anywhere(
        self,
        request: Request,
        samples: list[Request],
        features: FloatArray,
        progress: Progress | None,
        cancel: Callable[[], bool] | None,
    ) -> list[GeneratedMotion]:
        """Generate each take again towards the end pose, placed where the take arrives without it."""
        path = request.hints.root_xz if request.hints is not None else None
        motions = []
        for k in range(request.takes):
            own, joints = samples[k], standing_joints(features[k]).astype(np.float64)
            if request.start is not None:
                joints = aligned(joints, at_origin(request.start.joints))
            assert request.end is not None
            towards = replace(own, end=place_end_pose(request.end, joints, path), end_anywhere=False)
            motions.append(replace(self.generate(towards, progress, cancel)[0], request=own))
        return motions

    def warm_up(self) -> None:
        """Do the one-time work of a first request: text encoder, imports and, on a GPU, kernels.

        With official models this takes as long as a few requests. Raises as `generate` does.
        """
        frames = min(self.folder.frames[1], MAX_FRAMES) if self.folder is not None else MAX_FRAMES
        request = Request("a person walks", frames)
        line = np.stack([np.zeros(frames), np.linspace(0.0, frames / FPS, frames)], 1)
        along = replace(request, prompt="a person dances", hints=Hints.ground_path(line))  # a walk is made without it
        usual = [along] if self.architecture.control else []
        if self.backend.recorded is not None:
            usual = [request, *usual] * 2  # a GPU captures a graph on the second use of its key
        for each in usual or [request]:
            self.generate(each)


def _take_of(request: Request, motion: GeneratedMotion) -> Request:
    """The request of one take, with the noise that its motion was sampled from."""
    made = motion.request
    return replace(request, seed=made.seed, blends=made.blends, liveliness=made.liveliness, takes=1)


def _finished(
    request: Request, features: FloatArray, joints: FloatArray, started: float, refinement: dict[str, float]
) -> GeneratedMotion:
    """Post-process a take. joints: those of `_sampled_joints`."""
    contacts = contacts_from_features(features)
    warnings: list[str] = []
    if request.refine and not refinement and request.all_hints is not None:
        warnings.append("Refining needs PyTorch, which is not there: path and pins are met by corrections alone.")
    report = refinement | {"network_foot_skate_cm_s": foot_skate(joints)}
    return postprocess_motion(
        request, joints, contacts, report, started, warnings, head_hands.from_motion_features(features)
    )


def _sampled_joints(request: Request, features: FloatArray) -> FloatArray:
    """(T, 22, 3) joints of sampled features; with a start, moved to it."""
    joints = standing_joints(features)
    if request.start is None:
        return joints
    return match_start(aligned(joints, at_origin(request.start.joints)), request.start.joints)


def _retimed(motion: GeneratedMotion, request: Request, started: float) -> GeneratedMotion:
    """A motion resampled to the frames of a request, with feet, path and pins post-processed again."""
    at = np.linspace(0.0, motion.frames - 1.0, request.frames)
    joints = resampled_joints(motion.joints.astype(np.float64), at)
    contacts = motion.contacts[np.rint(at).astype(int)]
    rotations = None if motion.head_hands is None else head_hands.resampled(motion.head_hands, at).astype(np.float32)
    performed = replace(request, gestures=False)  # they are part of the motion already
    whole = (ActionPart("", 0, request.frames),) if is_divisible(request) else ()  # its turns are fitted already
    retimed = postprocess_motion(
        performed, joints, contacts, dict(motion.report), started, motion.warnings, rotations, whole
    )
    return replace(retimed, request=request)
