"""Full-body IK for pins: hands, feet, head and pelvis at given positions.

The ControlNet brings a figure near its pins; this module closes the remaining gap. The gap of each pinned joint is
interpolated over the frames around it (`correction_splines`), and on every frame the body is bent to close it:
shoulders, elbows, hips and knees rotate easily, trunk and pelvis yield when a limb alone does not reach, and unpinned
feet stay in place. Damped least squares over all joints at once, each frame by itself and all frames in one batch
(Buss and Kim 2005, "Selectively damped least squares", section on pseudo-inverse with damping). Metres, Y up, 20 fps.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray
from ..motion.foot_contacts import stance_mask
from ..motion.metrics import pin_errors
from ..motion.rotations import unit
from ..motion.skeleton import CONTROLLED_JOINTS, FPS, JOINT_COUNT, JOINTS, PARENTS
from ..motion.smoothing import smoothstep
from .correction_splines import RELAX, blend_between_runs
from .foot_lock import checked, lock_feet
from .leg_ik import solve_legs
from .pin_moves import limbs, pelvis_shift, pin_runs, shift_root_to_pins, walking_seconds

CLOSE = 0.02
"""Metres: a pin with a larger error counts as missed."""
FAR_CM = 30.0
"""Centimetres by which a pin is missed that the character would have to walk to."""

_HIGHEST = {0: 1.6, 10: 1.7, 11: 1.7, 15: 2.2, 20: 2.7, 21: 2.7}
"""Heights, metres, that pelvis, feet, head and wrists reach when jumping and kicking."""
_LOWEST = -0.05
"""Metres above the ground; a lower pin is named in a warning."""
_FASTEST = {False: 10.0, True: 12.0}
"""Highest speeds, m/s, of the pelvis, and of hands, feet and head."""
_HANDS_FEET_HEAD = tuple(j for j in CONTROLLED_JOINTS if j != 0)
_FEET = ((7, 10), (8, 11))
_MOBILITY = {
    "pelvis": 0.02, "spine1": 0.06, "spine2": 0.08, "spine3": 0.08, "neck": 0.12, "l_collar": 0.05, "r_collar": 0.05,
    "l_shoulder": 1.0, "r_shoulder": 1.0, "l_elbow": 1.0, "r_elbow": 1.0,
    "l_hip": 1.0, "r_hip": 1.0, "l_knee": 1.0, "r_knee": 1.0, "l_ankle": 1.0, "r_ankle": 1.0,
}  # fmt: skip
"""Joint mobility, rad^2: diagonal of the inverse weight matrix of the damped least squares."""
_SHIFT = 0.02
"""Mobility of the pelvis position, m^2, in the same matrix."""
_HEAD = 15
_HINGES = {20: (16, 18, 20, 1.0), 21: (17, 19, 21, 1.0), 10: (1, 4, 7, -1.0), 11: (2, 5, 8, -1.0)}
"""Limb of each pinned joint: root, hinge, end, and the sign of the hinge's bend (forward or back)."""
_NUDGE, _CROUCH, _LOWEST_CROUCH = 0.25, 0.8, 0.6
"""Initial bend of a straight limb, radians; fraction of a head's way down that the pelvis moves; its limit, metres."""
_ITERATIONS = 24
_DAMPING = 5e-4
"""Added to the diagonal of the normal equations, so that a stretched limb does not jump."""
_FOOT_WEIGHT = 0.6
"""Weight of the ankles and of toes without a pin, beside 1 of a pin."""
_LONGEST_STEP = 0.25
"""Metres of a gap that one iteration closes: the linearisation is invalid for more."""
_STRETCH = 0.12
"""Metres by which trunk and pelvis extend a limb's reach; the target of a more distant pin is clamped to that."""
_LARGEST_TURN = 0.35
"""Radians by which one iteration rotates a joint at most: the linearisation is invalid for more."""


def hold_pins(
    joints: FloatArray, contacts: FloatArray | None, positions: FloatArray, mask: BoolArray, may_move: bool = True
) -> FloatArray:
    """Move pinned joints to their positions by full-body IK.

    Bones keep their lengths. An unreachable pin is approached: see `missed_pins`.

    Args:
        joints: (T, 22, 3) metres, Y up.
        contacts: (T, 4) in 0..1, or None: detected from the positions.
        positions: (T, 22, 3) metres as in `Hints`, in the frame of the joints. Only pelvis, feet, head and wrists
            count.
        mask: (T, 22, 3) bool, the pinned coordinates.
        may_move: Whether the whole figure may move over the floor to come within reach; not on a path.

    Returns:
        (T, 22, 3) float64.

    Raises:
        InvalidRequest: A shape does not fit, or a number is not finite.
    """
    source, touching = checked(joints, contacts)
    pinned = np.asarray(mask, bool) & np.isin(np.arange(JOINT_COUNT), CONTROLLED_JOINTS)[None, :, None]
    wanted = np.where(pinned, positions, source)
    if not pinned.any():
        return source
    if may_move:
        stands = stance_mask(source, touching)
        moved = shift_root_to_pins(source, wanted, pinned)
        if np.abs(moved).max() > 1e-3:
            source = source + moved[:, None]
            source = lock_feet(source, stands).joints
    elif pinned[:, 0, 1].any():
        source = source + pelvis_shift(source, wanted, pinned & np.array([False, True, False]))[:, None]
    return solve_pin_ik(source, wanted, pinned, may_move)


def missed_pins(joints: FloatArray, positions: FloatArray, mask: BoolArray, fps: float = FPS) -> list[str]:
    """Describe pins with an error above 2 cm: one sentence for each joint, with its worst frame."""
    errors = pin_errors(joints, positions, mask)
    sentences = []
    for joint in np.flatnonzero(np.isfinite(errors).any(0)):
        worst = int(np.nanargmax(errors[:, joint]))
        if errors[worst, joint] > CLOSE:
            distance, when = 100 * errors[worst, joint], worst / fps
            seconds = walking_seconds(joints, positions, mask, worst, int(joint))
            if distance > FAR_CM and seconds > when:
                sentences.append(
                    f"The pin of the {_joint_name(joint)} at {when:.1f} s is missed by {distance / 100:.1f} m: walking "
                    f"there takes about {seconds:.1f} s. Move it nearer, or later."
                )
                continue
            sentences.append(
                f"The pin of the {_joint_name(joint)} is missed by {distance:.0f} cm at {when:.1f} s: "
                "it is out of reach, or too far from where the motion goes."
            )
    return sentences


def pin_warnings(positions: FloatArray, mask: BoolArray, fps: float = FPS) -> list[str]:
    """Describe pins that no body reaches, or not that fast, before sampling: one sentence for each joint.

    positions, mask: (T, 22, 3) as in `Hints`, metres, the floor at 0.
    """
    positions, mask = np.asarray(positions, np.float64), np.asarray(mask, bool)
    sentences = []
    for joint in np.flatnonzero(mask.any((0, 2))):
        name = _joint_name(joint)
        height = np.where(mask[:, joint, 1], positions[:, joint, 1], 0.0)
        highest, lowest = int(height.argmax()), int(height.argmin())
        if height[highest] > _HIGHEST[joint]:
            sentences.append(
                f"The pin of the {name} at {highest / fps:.1f} s is {height[highest]:.1f} m up, higher than anyone's "
                f"{name} gets ({_HIGHEST[joint]:.1f} m)."
            )
        if height[lowest] < _LOWEST:
            sentences.append(
                f"The pin of the {name} at {lowest / fps:.1f} s is {-height[lowest]:.2f} m below the floor."
            )
        given = np.flatnonzero(mask[:, joint].all(-1) if joint else mask[:, 0, [0, 2]].all(-1))
        if len(given) < 2:
            continue
        axes = [0, 2] if joint == 0 else [0, 1, 2]
        speed = np.linalg.norm(np.diff(positions[given, joint][:, axes], axis=0), axis=-1) * fps / np.diff(given)
        worst = int(speed.argmax())
        if speed[worst] > _FASTEST[bool(joint)]:
            sentences.append(
                f"The pins of the {name} require {speed[worst]:.0f} m/s at {given[worst] / fps:.1f} s; "
                f"people reach about {_FASTEST[bool(joint)]:.0f}."
            )
    return sentences


def _joint_name(joint: int) -> str:
    name = JOINTS[joint].replace("_", " ")
    return f"left {name[2:]}" if name.startswith("l ") else f"right {name[2:]}" if name.startswith("r ") else name


def solve_pin_ik(source: FloatArray, wanted: FloatArray, pinned: BoolArray, may_move: bool) -> FloatArray:
    """Bend the body on every frame so that pinned joints, with gaps interpolated over time, meet their targets."""
    gaps = np.zeros_like(source)
    active: list[int] = []
    for joint in _HANDS_FEET_HEAD:
        known = pinned[:, joint].any(-1)
        if not known.any():
            continue
        gap = wanted[:, joint] - source[:, joint]
        far = float(np.linalg.norm(gap[known], axis=-1).max())
        gaps[:, joint] = blend_between_runs(gap, pin_runs(known), int(np.clip(RELAX + 14 * far, RELAX, 24)))
        active.append(joint)
    rows = np.flatnonzero(np.abs(gaps).max((1, 2)) > 1e-5)
    if not len(rows):
        return source
    targets = source[rows] + gaps[rows]
    joints, weights = list(active), [1.0] * len(active)
    for joint, root, length in limbs(source):
        if joint in active:
            aim = targets[:, joint] - source[rows, root]
            far = np.linalg.norm(aim, axis=-1, keepdims=True)
            # Clamp the gap to what the pelvis can yield: a gap that stays open would only shake the limb.
            targets[:, joint] = source[rows, root] + aim * np.minimum(1.0, (length + _STRETCH) / np.maximum(far, 1e-9))
    for ankle, toe in _FEET:  # the rest of a pinned foot moves with it, an unpinned foot stays
        if toe in active:
            targets[:, ankle] += gaps[rows, toe]
        else:
            joints.append(toe)
            weights.append(_FOOT_WEIGHT)
        joints.append(ankle)
        weights.append(_FOOT_WEIGHT)
    # An unpinned coordinate is free only on frames where the joint has no interpolated gap.
    free = pinned[rows].any(-1, keepdims=True) & ~pinned[rows]
    result = source.copy()
    fixed = pinned[rows, 0] | (np.array([True, False, True]) & (not may_move))
    start = prebend_limbs(source[rows], targets, gaps[rows], active, fixed)
    result[rows] = damped_least_squares(start, targets, free, tuple(joints), np.array(weights), fixed)
    return result


def prebend_limbs(
    pose: FloatArray, targets: FloatArray, gaps: FloatArray, active: list[int], fixed: BoolArray
) -> FloatArray:
    """Prepare frames (F, 22, 3) for the linearised IK, in which a straight body or limb cannot start to shorten.

    A head that must come down takes the pelvis along, with the legs bending over their feet. A straight arm or leg
    with a nearer pin is bent slightly in the natural direction of elbow or knee.
    """
    if _HEAD in active:
        drop = np.clip(-_CROUCH * gaps[:, _HEAD, 1], 0.0, _LOWEST_CROUCH) * ~fixed[:, 1]
        ankles, toes = pose[:, [7, 8]], pose[:, [10, 11]]
        neither = np.zeros((len(pose), 2), bool)
        moved = pose - np.array([0.0, 1.0, 0.0]) * drop[:, None, None]
        pose = np.where((drop > 1e-4)[:, None, None], solve_legs(moved, ankles, toes - ankles, neither, neither), pose)
    across = pose[:, 1] - pose[:, 2]
    ahead = np.stack([-across[:, 2], np.zeros(len(pose)), across[:, 0]], axis=-1)
    for joint, (root, middle, end, forward) in _HINGES.items():
        if joint not in active:
            continue
        upper, lower = pose[:, middle] - pose[:, root], pose[:, end] - pose[:, middle]
        whole = np.linalg.norm(upper, axis=-1) + np.linalg.norm(lower, axis=-1)
        now = np.linalg.norm(pose[:, end] - pose[:, root], axis=-1)
        spare = np.linalg.norm(pose[:, joint] - pose[:, root], axis=-1)
        spare -= np.linalg.norm(targets[:, joint] - pose[:, root], axis=-1)
        much = smoothstep(now / whole, 0.98, 0.995) * smoothstep(spare, 0.0, 0.03)
        axis = unit(np.cross(upper, forward * ahead), (0.0, 1.0, 0.0))
        pose = _turned(pose, np.zeros((len(pose), 3)), np.array([middle]), (_NUDGE * much[:, None] * axis)[:, None])
    return pose


@lru_cache(maxsize=1)
def _moved_by() -> BoolArray:
    """(22, 22) bool: entry [a, j] is True if rotating joint a moves joint j."""
    moved = np.zeros((JOINT_COUNT, JOINT_COUNT), bool)
    for joint in range(JOINT_COUNT):
        at = PARENTS[joint]
        while at >= 0:
            moved[at, joint] = True
            at = PARENTS[at]
    return moved


def damped_least_squares(
    source: FloatArray,
    targets: FloatArray,
    free: BoolArray,
    joints: tuple[int, ...],
    weights: FloatArray,
    fixed: BoolArray,
) -> FloatArray:
    """Bend frames (F, 22, 3) so that `joints` meet `targets`, by damped least squares.

    Each iteration solves (J W J^T + damping I) y = gap and applies the change W J^T y. J is the Jacobian of the joint
    positions by root move and joint rotation vectors, with rows scaled by `weights`; W has the mobilities. free: (F,
    22, 3) bool, coordinates without target; fixed: (F, 3) bool, coordinates of the pelvis that must not move.
    """
    index = list(joints)
    turning = np.array([JOINTS.index(name) for name in _MOBILITY])
    reaches = _moved_by()[turning][:, index]
    keep = reaches.any(1)
    turning, reaches = turning[keep], reaches[keep]
    mobility = np.repeat(np.array(list(_MOBILITY.values()))[keep], 3)
    mobility = np.concatenate([np.full(3, _SHIFT), mobility])
    strength = np.where(free[:, index], 0.0, weights[None, :, None]).reshape(len(source), -1)

    pose = source.copy()
    count = 3 * len(index)
    for _ in range(_ITERATIONS):
        gap = targets[:, index] - pose[:, index]
        far = np.linalg.norm(gap, axis=-1, keepdims=True)
        gap = gap * np.minimum(1.0, _LONGEST_STEP / np.maximum(far, 1e-9))
        residual = gap.reshape(-1, count) * strength
        if np.abs(residual).max() < 2e-4:
            break
        # The Jacobian: rotating joint a by w moves joint j by w x (p_j - p_a).
        arm = pose[:, None, index] - pose[:, turning, None]  # (F, A, K, 3)
        arm = np.where(reaches[None, :, :, None], arm, 0.0)
        jacobian = np.zeros((len(pose), len(index), 3, 3 + 3 * len(turning)))
        jacobian[..., :3] = np.eye(3) * ~fixed[:, None, None, :]
        x, y, z = (np.swapaxes(arm[..., i], 1, 2) for i in range(3))  # (F, K, A)
        turn = jacobian[..., 3:].reshape(len(pose), len(index), 3, len(turning), 3)
        turn[..., 0, :, 1], turn[..., 0, :, 2] = z, -y
        turn[..., 1, :, 0], turn[..., 1, :, 2] = -z, x
        turn[..., 2, :, 0], turn[..., 2, :, 1] = y, -x
        jacobian[..., 3:] = turn.reshape(len(pose), len(index), 3, -1)
        matrix = jacobian.reshape(len(pose), count, -1) * strength[..., None]
        spread = matrix * mobility
        normal = spread @ matrix.swapaxes(1, 2) + _DAMPING * np.eye(count)
        change = np.einsum("fcd,fc->fd", spread, np.linalg.solve(normal, residual[..., None])[..., 0])
        rotation_vectors = change[:, 3:].reshape(len(pose), -1, 3)
        fastest = np.linalg.norm(rotation_vectors, axis=-1).max(axis=1)
        change = change * np.minimum(1.0, _LARGEST_TURN / np.maximum(fastest, 1e-9))[:, None]
        pose = _turned(pose, change[:, :3], turning, change[:, 3:].reshape(len(pose), -1, 3))
    return pose


def _turned(pose: FloatArray, shift: FloatArray, turning: IntArray, vectors: FloatArray) -> FloatArray:
    """Rotate joints and everything below them by rotation vectors (F, A, 3) in world axes; bones keep their lengths."""
    turn = {int(j): _matrices(vectors[:, k]) for k, j in enumerate(turning)}
    carried: dict[int, FloatArray] = {}
    out = np.empty_like(pose)
    out[:, 0] = pose[:, 0] + shift
    identity = np.broadcast_to(np.eye(3), (len(pose), 3, 3))
    for joint in range(JOINT_COUNT):
        parent = PARENTS[joint]
        above = identity if parent < 0 else carried[parent]
        carried[joint] = above @ turn[joint] if joint in turn else above
        if parent >= 0:
            bone = pose[:, joint] - pose[:, parent]
            out[:, joint] = out[:, parent] + (above @ bone[..., None])[..., 0]
    return out


def _matrices(vectors: FloatArray) -> FloatArray:
    """Convert rotation vectors (F, 3) to matrices (F, 3, 3) by Rodrigues' formula."""
    angle = np.linalg.norm(vectors, axis=-1)[:, None, None]
    x, y, z = vectors[:, 0], vectors[:, 1], vectors[:, 2]
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(-1, 3, 3)
    small = angle < 1e-6
    safe = np.where(small, 1.0, angle)
    first = np.where(small, 1.0, np.sin(safe) / safe)
    second = np.where(small, 0.5, (1.0 - np.cos(safe)) / safe**2)
    result: FloatArray = np.eye(3) + first * cross + second * (cross @ cross)
    return result
