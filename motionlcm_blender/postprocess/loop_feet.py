"""Feet of a loop: standing feet stay in place where the end of a round fades into its start.

A loop is built on bone rotations (`motion.loops`), after retargeting; its start blends two sections whose feet stand
at different places. The loop is repeated, the feet of the rounds are locked (`foot_lock`), and the legs of the middle
round are bent to that: it continues itself as the loop did. Metres, Y up.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..array_types import FloatArray
from ..motion import rotations as rot
from ..motion.foot_contacts import foot_contacts, stance_mask
from ..motion.loops import FADE_SECONDS
from ..motion.motion import Clip
from ..motion.retarget import forward_kinematics
from ..motion.skeleton import JOINT_COUNT
from .foot_lock import lock_feet

LEGS = ((1, 4), (2, 5), (4, 7), (5, 8), (7, 10), (8, 11))
"""Joints of the legs, each with the joint at the other end of its bone, from the hips down."""
SHORTEST = 8
"""Frames of a loop below which nothing is held."""
LOOSE = 2.0
"""Factor on the speeds up to which a foot counts as standing: in a fade it slides."""


def hold_loop_feet(loop: Clip) -> Clip:
    """Lock the standing feet of a loop.

    Args:
        loop: A loop, from `motion.loops.looped`.

    Returns:
        The loop with its legs bent and its pelvis moved by some centimetres; it closes as before.
    """
    once = loop.frames - 1
    if once < SHORTEST:
        return loop
    joints = forward_kinematics(loop)[:, :JOINT_COUNT]
    step = loop.translation[-1] - loop.translation[0]
    rounds = np.concatenate([joints[:-1] + k * step for k in range(-1, 2)] + [joints[:1] + 2 * step])
    stands = stance_mask(rounds, foot_contacts(rounds, loop.fps).astype(np.float64), loop.fps)
    # In the fade, where feet slide, standing is judged on a slower clock.
    slow = loop.fps / LOOSE
    slides = stance_mask(rounds, foot_contacts(rounds, slow).astype(np.float64), slow)
    faded = np.arange(len(rounds)) % once <= round(FADE_SECONDS * loop.fps)
    stands |= slides & faded[:, None]
    locked = np.array(lock_feet(rounds, stands).joints[once : 2 * once + 1])
    locked[-1] = locked[0] + step
    return with_legs(loop, locked)


def with_legs(clip: Clip, joints: FloatArray) -> Clip:
    """Turn the leg bones of a clip, by the shortest rotations, so that they lie along those of given joints.

    Args:
        clip: The clip.
        joints: (T, 22, 3) metres, pelvis and legs as they should be, with the bone lengths of the clip.

    Returns:
        The clip with the pelvis and the legs of `joints`; bones keep their twist.
    """
    parents = clip.skeleton.parents
    rotations = np.array(clip.rotations, dtype=np.float64)
    world = np.array(rotations)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            world[:, joint] = rot.multiply(world[:, parent], rotations[:, joint])
    offsets = np.asarray(clip.skeleton.offsets, dtype=np.float64)
    turned = np.array(world)
    for joint, end in LEGS:
        now = rot.rotate(world[:, joint], offsets[end])
        turned[:, joint] = rot.multiply(rot.between(now, joints[:, end] - joints[:, joint]), world[:, joint])
        rotations[:, joint] = rot.multiply(rot.inverse(turned[:, parents[joint]]), turned[:, joint])
    for foot in (10, 11):  # the ball of the foot keeps its own rotation in the world
        rotations[:, foot] = rot.multiply(rot.inverse(turned[:, parents[foot]]), world[:, foot])
    return replace(clip, translation=np.array(joints[:, 0], np.float64), rotations=rot.continuous(rotations))
