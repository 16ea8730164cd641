"""Feet of a motion on a body of other proportions: flat where they stand, planted, soles on the floor.

World rotations are relative to the T-pose. Metres, Y up, 20 fps; sides left, right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray
from ..motion import rotations as rot
from ..motion.foot_contacts import foot_contacts, stance_mask
from ..motion.motion import Motion
from ..motion.skeleton import FOOT_JOINTS, SMPL
from ..motion.smoothing import smooth, smoothstep
from ..postprocess.correction_splines import smoothing_spline
from ..postprocess.foot_lock import FIRM, FULL_LOCK, NO_LOCK, stance_labels
from ..postprocess.leg_ik import lengths, place_feet, solve_legs
from .mapped_joints import ANKLES, HIPS, KNEES, TOES

_ANKLES, _TOES = list(ANKLES), list(TOES)
_FLAT_SIGMA = 1.0
"""Frames over which a foot turns flat before and after it stands on heel and toe."""
_MOST_TILT = np.radians(20.0)
"""Largest turn between the T-pose's foot and the motion's standing foot that counts as the same flat foot."""
_FLOATS = 0.08
"""Metres by which a standing toe joint may lie above or below the floor and is put onto it."""
_STEP_HEIGHT = (0.12, 0.35)
"""Metres of a sole above the floor from which its height counts less than the leg's direction, and not at all."""
_LEVEL = 0.02
"""Metres by which ankle and toe joint of a flat foot may be off their height above each other."""
_CARRIED, _SWING_SIGMA = 0.05, 2.0
"""Metres by which a swinging foot is lower than its hip carries it, and frames over which that begins and ends."""
_REACH, STRAIGHT, _MOST_LOWERING = 0.98, 0.985, 0.25
"""Parts of its length to which a standing leg stretches, and at most stretches where a generated motion's leg does, and
the largest distance, metres, by which a body is lowered for that."""
_STEP, _CREEP = 0.08, 0.1
"""Metres of toe travel from which a stance contains a step, and m/s above which its frames are those of the step."""
_RELEASE = 0.01
"""Weight of the pull to zero in the correction of a foot's place: a swinging foot follows its leg's directions again
after about three frames (`smoothing_spline`)."""
_STANDING_ANKLE = 0.04
"""Metres of the ankle above the toe joint in a standing foot, for motions in which no foot stands flat."""


@dataclass(frozen=True, eq=False)
class Stances:
    """What the feet of a motion do.

    Attributes:
        stands: (T, 2, 2) bool: heel and toe (last axis) of left and right foot (middle axis) that stand.
        labels: (T, 2) number of the stance of each foot, -1 in a swing.
        rise: Metres of the ankles above the toe joints of the motion's feet that stand flat.
    """

    stands: BoolArray
    labels: IntArray
    rise: float

    @property
    def flat(self) -> BoolArray:
        """(T, 2) bool: heel and toe stand."""
        result: BoolArray = self.stands.all(-1) & (self.labels >= 0)
        return result


def find_stances(motion: Motion, performed: FloatArray) -> Stances:
    """Find the stances of a motion: those of its contacts or, without contacts, of its positions.

    Contacts hold a while after a heel has left the floor; a foot that tilts stands on its toe or its heel alone.

    Args:
        motion: The motion.
        performed: (T, 22, 3) joints of its SMPL result, metres.
    """
    stands = np.asarray(motion.contacts) > 0.5
    if not stands.any():
        stands = stance_mask(motion.joints, foot_contacts(motion.joints, motion.fps).astype(np.float64), motion.fps)
        stands = without_steps(stands, motion.joints, motion.fps)
    sides = stands.reshape(len(stands), 2, 2).copy()
    above = (performed[:, _ANKLES] - performed[:, _TOES])[..., 1]
    both = sides.all(-1)
    rise = float(np.median(above[both])) if both.any() else _STANDING_ANKLE
    sides[..., 0] &= ~(both & (above - rise > _LEVEL))
    sides[..., 1] &= ~(both & (above - rise < -_LEVEL))
    labels = np.stack([stance_labels(sides[:, side].any(-1)) for side in (0, 1)], axis=1)
    return Stances(sides, labels, rise)


def without_steps(contacts: BoolArray, joints: FloatArray, fps: float) -> BoolArray:
    """Contacts (T, 4) without the frames of slow steps, which are as low and slow as a blurred stance of a network.

    Args:
        contacts: (T, 4) bool.
        joints: (T, 22, 3) metres.
        fps: Frames per second.
    """
    feet = joints[:, FOOT_JOINTS]
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * fps if len(feet) > 1 else np.zeros(feet.shape[:2])
    kept = contacts.copy()
    for side in (0, 1):
        label, toe = stance_labels(contacts[:, 2 * side : 2 * side + 2].any(axis=1)), feet[:, 2 * side + 1]
        for number in range(int(label.max(initial=-1)) + 1):
            mine = label == number
            if np.linalg.norm(np.ptp(toe[mine], axis=0)) > _STEP:
                moves = mine & (speed[:, 2 * side + 1] > _CREEP)
                kept[moves, 2 * side : 2 * side + 2] = False
    return kept


def flatten_feet(world: FloatArray, stances: Stances) -> None:
    """Turn the feet in place so that they are flat where they stand on heel and toe.

    A motion's standing foot may lie a few degrees off the T-pose's. The mean of these turns is taken out of the whole
    motion, the rest of it where the foot stands flat.

    Args:
        world: (T, 24, 4) world rotations; those of ankles and toes change.
        stances: The stances.
    """
    flat = stances.flat
    off: list[FloatArray | None] = []
    level = []
    for side, ankle in enumerate(ANKLES):
        ahead = rot.rotate(world[:, ankle], SMPL.offsets[TOES[side]])
        heading = np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 2]))
        on = flat[:, side]
        if on.any():  # a flat foot keeps its direction
            label = stances.labels[on, side]
            sums = np.bincount(label, heading[on]) / np.maximum(np.bincount(label), 1)
            heading[on] = sums[label]
        level.append(rot.from_axis_angle((0.0, 1.0, 0.0), heading))
        off.append(_mean_turn(rot.multiply(rot.inverse(level[side]), world[:, ankle])[on]) if on.any() else None)
    mirror = np.array([1.0, 1.0, -1.0, -1.0])
    for side, ankle in enumerate(ANKLES):
        own, other = off[side], off[1 - side]
        calibration = own if own is not None else rot.IDENTITY if other is None else other * mirror
        turned = rot.multiply(world[:, ankle], rot.inverse(calibration))
        weight = flat[:, side].astype(np.float64)
        if len(weight) > 4:
            weight = np.maximum(weight, smooth(weight, _FLAT_SIGMA).clip(0.0, 1.0))
        world[:, ankle] = rot.slerp(turned, level[side], weight)
        world[:, TOES[side]] = world[:, ankle]


def pitch_long_feet(world: FloatArray, feet: FloatArray, source_feet: FloatArray, clearance: FloatArray) -> None:
    """Pitch feet that are longer than those of the motion's body less, in place, so that the heels rise as high.

    A foot that rolls over its toe carries the ankle along by its length times its pitch. On a long foot the same pitch
    carries the ankle away from where the leg's directions put it.

    Args:
        world: (T, 24, 4) world rotations; those of ankles and toes change.
        feet: (2, 3) offsets of the toe joints of this body, metres.
        source_feet: (2, 3) the same of the motion's body.
        clearance: (T, 2) metres of the soles above the floor (`foot_clearance`). High feet keep their pitch.
    """
    for side, (ankle, toe) in enumerate(zip(ANKLES, TOES, strict=True)):
        part = float(lengths(source_feet[side]) / max(float(lengths(feet[side])), 1e-9))
        if part >= 1.0:
            continue
        aside = rot.rotate(world[:, ankle], np.array([1.0, 0.0, 0.0]))
        level = rot.from_axis_angle((0.0, 1.0, 0.0), np.arctan2(-aside[:, 2], aside[:, 0]))
        high = smoothstep(clearance[:, side], *_STEP_HEIGHT)
        world[:, ankle] = rot.slerp(level, world[:, ankle], part + (1.0 - part) * high)
        world[:, toe] = world[:, ankle]


def _mean_turn(turns: FloatArray) -> FloatArray:
    """(4,) mean of quaternions (n, 4); no turn if it is too large for a foot that stands."""
    mean = rot.normalise((turns * np.where(turns[:, :1] < 0.0, -1.0, 1.0)).mean(0))
    return mean if float(rot.angle_of(mean)) < _MOST_TILT else rot.IDENTITY


def foot_clearance(source: FloatArray, stances: Stances, level: bool) -> FloatArray:
    """Height of the soles above the floor in a motion.

    Args:
        source: (T, 22, 3) joints of the motion.
        stances: Its stances.
        level: Whether the floor is level at y = 0. Then standing feet are on it, whatever their height in the motion.

    Returns:
        (T, 2) metres, not below 0 on a level floor.
    """
    toe, ankle = source[:, _TOES, 1], source[:, _ANKLES, 1]
    clearance = np.minimum(toe, ankle - stances.rise)
    if not level:
        return clearance
    on = stances.labels >= 0
    for side in (0, 1):
        if on[:, side].any():
            rest = float(np.median(clearance[on[:, side], side]))
            clearance[:, side] -= rest if abs(rest) < _FLOATS else 0.0
            weight = FIRM * on[:, side].astype(np.float64)
            floats = smoothing_spline(clearance[:, side : side + 1], weight, _RELEASE)[:, 0]
            clearance[:, side] -= np.clip(floats, -_FLOATS, _FLOATS)
            clearance[on[:, side], side] = 0.0
    return np.maximum(clearance, 0.0)


def plant_feet(
    joints: FloatArray,
    feet: FloatArray,
    clearance: FloatArray,
    heights: FloatArray,
    stances: Stances,
    straight: float,
) -> tuple[FloatArray, FloatArray]:
    """Put the feet onto the floor and hold them where they stand; the legs follow.

    Args:
        joints: (T, 22, 3) of the body, with its own bone lengths.
        feet: (T, 2, 3) vectors from ankle to toe joint.
        clearance: (T, 2) metres of the soles above the floor (`foot_clearance`).
        heights: (2, 2) metres of ankle and toe joint (columns) above the floor of a standing foot.
        stances: The stances.
        straight: Part of its length to which a standing leg stretches at most.

    Returns:
        Joints (T, 22, 3), and feet (T, 2, 3): a leg that does not reach rolls its foot over the toe.
    """
    # The lower end of the sole has the clearance: the ankle's where the toe is raised, the toe's where the heel is.
    above = np.maximum(heights[:, 0], heights[:, 1] - feet[..., 1])
    ankles = joints[:, _ANKLES].copy()
    high = smoothstep(clearance, *_STEP_HEIGHT)
    heights_wanted = (1.0 - high) * (clearance + above) + high * ankles[..., 1]
    # A swinging foot that a raised hip carries along is not pulled down to the floor.
    ankles[..., 1] = heights_wanted + _swings(stances) * np.maximum(ankles[..., 1] - heights_wanted - _CARRIED, 0.0)
    toes = ankles + feet
    for side in (0, 1):
        ankles[:, side, [0, 2]] += _hold(toes[:, side, [0, 2]], feet[:, side, [0, 2]], stances, side)
    stands, up = stances.labels >= 0, np.array([0.0, 1.0, 0.0])
    lowered = joints - _lowering(joints, ankles, stands, straight)[:, None, None] * up
    solved = solve_legs(lowered, ankles, feet, stances.flat, stands)
    # Easing the knees may have raised the body off its feet. A foot on its toe may have rolled.
    heel, on = (stands & stances.stands[..., 0])[..., None], stands[..., None]
    rolled = solved[:, _TOES] - solved[:, _ANKLES]
    on_toe = ankles + feet - rolled
    ankles = np.where(heel, ankles, np.where(on, on_toe, solved[:, _ANKLES]))
    feet = np.where(heel, feet, rolled)
    lowered = solved - _lowering(solved, ankles, stands, straight)[:, None, None] * up
    return place_feet(lowered, ankles, ankles + feet), feet


def _swings(stances: Stances) -> FloatArray:
    """(T, 2) weights: 1 in a swing, 0 in a stance, with soft changes on the side of the swing."""
    stands = (stances.labels >= 0).astype(np.float64)
    if len(stands) < 8:
        return 1.0 - stands
    near = np.maximum(stands, smooth(stands, _SWING_SIGMA) * 2.0).clip(0.0, 1.0)
    return 1.0 - near


def _lowering(joints: FloatArray, ankles: FloatArray, stands: BoolArray, straight: float) -> FloatArray:
    """(T,) metres to lower a body so that its legs reach the standing feet."""
    hips, knees, ends = (joints[:, list(part)] for part in (HIPS, KNEES, ANKLES))
    whole = lengths(knees - hips) + lengths(ends - knees)
    reach = np.minimum(lengths(ends - hips), straight * whole)
    reach = np.maximum(_REACH * whole, reach)
    aside = ((ankles - hips)[..., [0, 2]] ** 2).sum(-1)
    missing = (hips - ankles)[..., 1] - np.sqrt(np.maximum(reach**2 - aside, 0.0))
    need: FloatArray = np.where(stands, np.clip(missing, 0.0, _MOST_LOWERING), 0.0).max(1)
    if len(need) < 5 or not need.any():
        return need
    widest = np.lib.stride_tricks.sliding_window_view(np.pad(need, 3, mode="edge"), 7).max(-1)
    result: FloatArray = np.maximum(smooth(widest, 2.0), need)
    return result


def _hold(toe: FloatArray, foot: FloatArray, stances: Stances, side: int) -> FloatArray:
    """(T, 2) move over the floor that keeps a foot in place during each of its stances, and fades between them."""
    label = stances.labels[:, side]
    on = label >= 0
    if not on.any():
        return np.zeros_like(toe)
    heel_only = on & stances.stands[:, side, 0] & ~stances.stands[:, side, 1]
    flat, ankle = stances.flat[:, side], toe - foot
    move = np.zeros_like(toe)
    for number in range(int(label.max()) + 1):
        rolls, pivots, both = (part & (label == number) for part in (heel_only, ~heel_only, flat))
        if pivots.any():
            place = toe[pivots].mean(0)
            move[pivots] = place - toe[pivots]
        if rolls.any():  # the heel stands where it stays when the toe comes down
            heel = place - foot[both].mean(0) if both.any() else ankle[rolls].mean(0)
            move[rolls] = heel - ankle[rolls]
    far = np.linalg.norm(move, axis=-1)
    weight = FIRM * on * (1.0 - smoothstep(far, FULL_LOCK, NO_LOCK))
    carried = smoothing_spline(move, weight, _RELEASE)
    return np.where((on & (far < FULL_LOCK))[:, None], move, carried)


def turn_legs(world: FloatArray, offsets: FloatArray, joints: FloatArray, feet: FloatArray) -> None:
    """Turn the legs in place, the shortest way, so that they point at joints that `plant_feet` has moved.

    Args:
        world: (T, 24, 4) world rotations.
        offsets: (24, 3) of the body.
        joints: (T, 22, 3) with the body's bone lengths.
        feet: (T, 2, 3) vectors from ankle to toe joint.
    """
    for side in (0, 1):
        hip, knee, ankle, toe = HIPS[side], KNEES[side], ANKLES[side], TOES[side]
        for joint, child, now in (
            (hip, knee, joints[:, knee] - joints[:, hip]),
            (knee, ankle, joints[:, ankle] - joints[:, knee]),
            (ankle, toe, feet[:, side]),
        ):
            before = rot.rotate(world[:, joint], offsets[child])
            world[:, joint] = rot.multiply(rot.between(before, now), world[:, joint])
        world[:, toe] = world[:, ankle]
