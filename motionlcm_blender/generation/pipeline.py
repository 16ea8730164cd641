"""`MotionLCM`: the pipeline from a request to finished motions."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..errors import Cancelled, DeviceError, InvalidRequest
from ..motion import head_hands
from ..motion.features import contacts_from_features, standing_joints
from ..motion.metrics import foot_skate
from ..motion.skeleton import FPS, MAX_FRAMES
from ..postprocess.path_following import resampled_joints
from ..postprocess.transitions import aligned, at_origin, match_start
from .generated_motion import GeneratedMotion
from .inbetweening import place_end_pose
from .long_motion import generate_chained
from .motion_model import MotionModel, Progress
from .postprocessing import postprocess_motion
from .request import Hints, Request
from .variations import another_take, mirrored_motion, mirrored_request, retimed_request


class MotionLCM(MotionModel):
    """A loaded model that generates finished motions: sampling, then post-processing.

    Not safe for use by several threads at once; one worker at a time uses it.
    """

    def generate(
        self,
        request: Request,
        progress: Progress | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> list[GeneratedMotion]:
        """Generate one motion for each take.

        The same request gives the same motion, and take k the same as a request for seed + k. With a ground path the
        motion is put onto it (`path_following`); the network's own error is in `report`. With a start the first frames
        are exactly those given (`transitions`). A motion longer than the model makes at a time is made in pieces
        (`long_motion`).

        Args:
            request: what to generate.
            progress: called with a fraction 0..1 and what is done, between stages, from this thread.
            cancel: called between stages, from this thread; True stops.

        Returns:
            The motions, in the frame of the request: first root at the XZ origin, facing +Z.

        Raises:
            Cancelled: `cancel` returned True.
            InvalidRequest: the model cannot make the length, or has no control and cannot take a path.
            DeviceError: the device failed or has too little memory.
        """
        started = time.perf_counter()
        if request.mirror:
            made = self.generate(mirrored_request(request), progress, cancel)
            return [replace(mirrored_motion(motion), request=another_take(request, k)) for k, motion in enumerate(made)]
        if request.speed != 1.0:
            made = self.generate(retimed_request(request), progress, cancel)
            return [_retimed(motion, another_take(request, k), started) for k, motion in enumerate(made)]

        def stage(part: float, what: str) -> None:
            if cancel is not None and cancel():
                raise Cancelled
            if progress is not None:
                progress(part, what)

        in_pieces = self._takes_pieces(request)
        self.check_control(request)
        if in_pieces:
            return generate_chained(self, request, progress, cancel)
        stage(0.0, "Reading the prompt")
        text = self.encode_prompt(request.prompt.strip(), request.frames)
        try:
            sampled = self.sample_features(request, text, stage)
        except MemoryError as error:
            raise DeviceError("There is too little memory for this request; ask for fewer takes.") from error
        if request.end is not None and request.end_anywhere and self.architecture.control:
            return self._ended_anywhere(request, sampled.features, progress, cancel)
        stage(0.8, "Post-processing")
        takes = [another_take(request, k) for k in range(request.takes)]
        return [_finished(take, sampled.features[k], started, sampled.report) for k, take in enumerate(takes)]

    def _takes_pieces(self, request: Request) -> bool:
        """Whether the motion is longer than the model makes at a time. Raises InvalidRequest if it cannot be made."""
        if self.folder is None:
            return False
        shortest, longest = self.folder.frames
        chains = self.architecture.control and self.folder.can_continue
        if request.frames < shortest or (request.frames > longest and not chains):
            raise InvalidRequest(
                f"The model {self.name} makes {shortest / FPS:.1f} to {longest / FPS:.1f} seconds at a time, "
                f"not {request.frames / FPS:.1f}."
            )
        return bool(request.frames > longest)

    def _ended_anywhere(
        self, request: Request, features: np.ndarray, progress: Progress | None, cancel: Callable[[], bool] | None
    ) -> list[GeneratedMotion]:
        """Each take made again towards the end pose, put where the take got without it."""
        path = request.hints.root_xz if request.hints is not None else None
        made = []
        for k in range(request.takes):
            own, joints = another_take(request, k), standing_joints(features[k]).astype(np.float64)
            if request.start is not None:
                joints = aligned(joints, at_origin(request.start.joints))
            assert request.end is not None
            towards = replace(own, end=place_end_pose(request.end, joints, path), end_anywhere=False)
            made.append(replace(self.generate(towards, progress, cancel)[0], request=own))
        return made

    def warm_up(self) -> None:
        """Do what a first request would wait for: read the text encoder, import, and on a card load and record kernels.

        With official models it takes as long as a few requests. Raises as `generate` does.
        """
        frames = min(self.folder.frames[1], MAX_FRAMES) if self.folder is not None else MAX_FRAMES
        request = Request("a person walks", frames)
        line = np.stack([np.zeros(frames), np.linspace(0.0, frames / FPS, frames)], 1)
        usual = [replace(request, hints=Hints.ground_path(line))] if self.architecture.control else []
        if self.backend.recorded is not None:
            usual = [request, *usual] * 2  # a card records what it is asked for a second time
        for each in usual or [request]:
            self.generate(each)


def _finished(request: Request, features: np.ndarray, started: float, refinement: dict[str, float]) -> GeneratedMotion:
    joints = standing_joints(features)
    if request.start is not None:
        joints = match_start(aligned(joints, at_origin(request.start.joints)), request.start.joints)
    contacts = contacts_from_features(features)
    warnings: list[str] = []
    if request.refine and not refinement and request.all_hints is not None:
        warnings.append("Refining needs PyTorch, which is not there: path and pins are met by corrections alone.")
    report = refinement | {"network_foot_skate_cm_s": foot_skate(joints)}
    return postprocess_motion(
        request, joints, contacts, report, started, warnings, head_hands.from_motion_features(features)
    )


def _retimed(motion: GeneratedMotion, request: Request, started: float) -> GeneratedMotion:
    """A motion played in the frames of a request, its feet, path and pins settled again."""
    at = np.linspace(0.0, motion.frames - 1.0, request.frames)
    joints = resampled_joints(motion.joints.astype(np.float64), at)
    contacts = motion.contacts[np.rint(at).astype(int)]
    turns = None if motion.head_hands is None else head_hands.resampled(motion.head_hands, at).astype(np.float32)
    return postprocess_motion(request, joints, contacts, dict(motion.report), started, motion.warnings, turns)
