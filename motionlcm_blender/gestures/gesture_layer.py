"""The gestures that a prompt names, performed on the motion that the network made of it.

The network learns whole bodies: steps, turns, sitting, falling. Its data hold too few everyday gestures, so of a nod or
of crossed arms only a hint comes out. Therefore legs, hips and sway stay those of the network, and arms, head and trunk
move through the poses of the gesture. Times and sizes differ by the seed. An action that bends the legs keeps the feet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..array_types import FloatArray
from ..motion import rotations as rot
from ..motion.skeleton import FPS, JOINTS
from .definitions import Gesture, GesturePose
from .performance import GestureKey, chest_axes, free_key, perform, varied_poses
from .prompt_gestures import PlannedGesture

SHORTEST = 16
"""Frames of a part of the motion in which a gesture is performed; in a shorter one it is left out."""
_SIZES = (0.95, 1.15)
_PAUSE, _STILL = (0.8, 1.6), (0.8, 1.6)
"""Seconds between two performances, and between the small movements of a pose that is held."""
_SEED = 7919
LEAST_JUMP = 0.15
"""Metres of the pelvis above its median from which a motion is a jump."""
RAISED, RAISED_SHARE = -0.2, 0.3
"""Metres of a wrist above its shoulder, along the chest, from which an arm counts as raised, and the share of the
frames from which it is lowered. A level forearm at a hanging upper arm, as in a run, is at -0.285."""
HANGING = GesturePose(hand=(0.25, -0.5, 0.05))


def add_gestures(
    joints: FloatArray,
    head_hands: FloatArray | None,
    planned: Sequence[PlannedGesture],
    seed: int,
    free: tuple[int, int] | None = None,
) -> tuple[FloatArray, FloatArray | None]:
    """Perform gestures on a motion.

    Args:
        joints: (T, 22, 3) metres, Y up.
        head_hands: (T, 3, 4) unit quaternions, rotations of head and hands (`motion.head_hands`), or None.
        planned: The gestures.
        seed: Decides times and sizes.
        free: First frame on which the motion may be changed, and the one after the last; None: all frames.

    Returns:
        Joints and rotations of the same shapes; without gestures the same arrays.
    """
    first, last = (0, len(joints)) if free is None else free
    for number, each in enumerate(planned):
        begin = first + round((last - first) * each.begin)
        end = first + round((last - first) * each.end)
        if end - begin < SHORTEST:
            continue
        generator = np.random.default_rng((_SEED, number, abs(int(seed))))
        keys = _keys(each, begin, end, end == len(joints), generator)
        if each.gesture.at_jump:
            keys = _at_jump(keys, joints, begin, end)
        if each.mirrored:
            keys = [key.mirrored() for key in keys]
        if _is_one_armed(each.gesture):
            keys = _with_lowered_arm(keys, joints[begin:end], 0 if each.mirrored else 1)
        moved, head = perform(joints, keys)
        joints = moved.astype(joints.dtype)
        if head_hands is not None:
            turned = rot.multiply(rot.from_matrix(head), head_hands[:, 0])
            head_hands = np.concatenate([turned[:, None], head_hands[:, 1:]], axis=1).astype(head_hands.dtype)
    return joints, head_hands


def _is_one_armed(gesture: Gesture) -> bool:
    return all(pose.hand is not None and pose.other is None for pose in gesture.poses)


def _with_lowered_arm(keys: list[GestureKey], joints: FloatArray, side: int) -> list[GestureKey]:
    """Keys that lower the arm of a side if the network often raises it: it attempts the gesture with the wrong arm.

    Args:
        keys: Keys of the other arm.
        joints: (T, 22, 3) metres, the part of the motion in which the gesture is performed.
        side: 0 for the left arm, 1 for the right one.
    """
    shoulder, wrist = (JOINTS.index(f"{'lr'[side]}_{name}") for name in ("shoulder", "wrist"))
    above = np.einsum("ti,ti->t", joints[:, wrist] - joints[:, shoulder], chest_axes(joints)[..., 1])
    if (above > RAISED).mean() < RAISED_SHARE:
        return keys
    hanging = varied_poses([HANGING], np.random.default_rng(side), (1.0, 1.0))[0][0][0]
    lowered = []
    for key in keys:
        arms = key.arms.copy()
        if not np.isnan(arms).all():
            arms[side] = hanging * np.array([1.0 - 2.0 * side, 1.0, 1.0])
        lowered.append(replace(key, arms=arms))
    return lowered


def _at_jump(keys: list[GestureKey], joints: FloatArray, begin: int, end: int) -> list[GestureKey]:
    """Keys moved in time: the first pose that is passed without a rest is at the top of the highest jump, if any."""
    peak = next((key.frame for key in keys if key.through), None)
    height = joints[begin:end, 0, 1]
    top = begin + int(height.argmax())
    is_jump = height.max() - np.median(height) > LEAST_JUMP and begin + SHORTEST // 4 < top < end - SHORTEST // 4
    if peak is None or not is_jump:
        return keys
    # The preparation is faster where the jump is early, and what follows where it is late.
    before = min(1.0, (top - begin) / max(peak - begin, 1e-6))
    after = min(1.0, (end - 1 - top) / max(keys[-1].frame - peak, 1e-6))
    return [replace(key, frame=top + (key.frame - peak) * (before if key.frame < peak else after)) for key in keys]


def _keys(
    planned: PlannedGesture, begin: int, end: int, ends_motion: bool, generator: np.random.Generator
) -> list[GestureKey]:
    """Keys of the left-sided gesture in frames `begin` to `end`; `ends_motion`: nothing comes after them."""
    keys = _timed(planned, begin, end, ends_motion, generator)
    if planned.gesture.lasts and ends_motion:
        return keys
    # One performance may be longer than the part of the motion: it is then played faster.
    shorter = min(1.0, (end - 1 - begin) / (keys[-1].frame - begin))
    return [replace(key, frame=begin + shorter * (key.frame - begin)) for key in keys]


def _timed(
    planned: PlannedGesture, begin: int, end: int, ends_motion: bool, generator: np.random.Generator
) -> list[GestureKey]:
    """Keys from frame `begin` on, at the gesture's own speed."""
    gesture, left = planned.gesture, planned.times
    ease = generator.uniform(0.35, 0.6, 2) * FPS
    wait = generator.uniform(0.05, 0.3) if gesture.lasts else generator.uniform(0.2, 0.6)
    frame = begin + min(wait * FPS, 0.15 * (end - begin))
    ease = np.minimum(ease, 0.25 * (end - begin))
    stays = gesture.lasts and ends_motion
    latest = float(end + 2 * FPS) if stays else end - 1 - ease[1]
    keys = [free_key(frame)]
    while True:
        frame = _performance(keys, gesture, frame + ease[0], latest, generator)
        if stays:
            return keys
        keys.append(free_key(frame + ease[1]))
        left = None if left is None else left - 1
        frame += ease[1] + generator.uniform(*_PAUSE) * FPS
        if gesture.lasts or left == 0:
            return keys
        if left is None and frame + ease[0] + _seconds(gesture) * FPS > latest:
            return keys
        keys.append(free_key(frame))


def _performance(
    keys: list[GestureKey], gesture: Gesture, frame: float, latest: float, generator: np.random.Generator
) -> float:
    """Append the poses of one performance from `frame` on, none after `latest`; returns the frame of the last one."""
    beat = generator.uniform(*gesture.beat) * FPS
    fewest, most = gesture.repeats
    repeats = int(generator.integers((fewest + most + 1) // 2, most + 1))
    moves = len(gesture.poses) > 1 and gesture.repeats[1] > 1
    poses = varied_poses(gesture.poses, generator, _SIZES)
    number, step = 0, 0.0
    while True:
        for place, (arms, angles) in enumerate(poses):
            frame += step * gesture.poses[place].time
            if number and frame > latest:
                return keys[-1].frame
            sized = angles * generator.uniform(0.92, 1.08)
            keys.append(GestureKey(frame, arms, sized, gesture.poses[place].through))
            step = beat * generator.uniform(0.88, 1.12)
        number += 1
        if gesture.lasts and moves:
            continue
        if gesture.lasts or number >= repeats:
            break
    until = latest if gesture.lasts else min(keys[-1].frame + generator.uniform(*gesture.hold) * FPS, latest)
    return _hold_last_pose(keys, gesture, until, generator)


def _hold_last_pose(keys: list[GestureKey], gesture: Gesture, until: float, generator: np.random.Generator) -> float:
    """Append small movements of the last pose until a frame; returns the frame of the last key."""
    frame = keys[-1].frame
    while frame + 4 < until:
        frame = min(frame + generator.uniform(*_STILL) * FPS, until)
        arms, angles = varied_poses(gesture.poses[-1:], generator, (1.0, 1.0))[0]
        near = 0.75 * keys[-1].arms + 0.25 * arms
        near /= np.maximum(np.linalg.norm(near, axis=-1, keepdims=True), 1e-6)
        keys.append(GestureKey(frame, near, 0.75 * keys[-1].angles + 0.25 * angles))
    return float(keys[-1].frame)


def _seconds(gesture: Gesture) -> float:
    """Usual duration of one performance, without easing in and out."""
    poses = sum(pose.time for pose in gesture.poses) * sum(gesture.repeats) / 2
    return poses * sum(gesture.beat) / 2 + sum(gesture.hold) / 2
