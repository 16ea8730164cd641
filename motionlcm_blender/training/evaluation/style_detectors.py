"""How a motion is done, from its joints: limping, sneaking, marching, falling, crawling, clapping and the like.

As `detectors`: joints (T, 22, 3), metres, Y up, 20 fps, the floor about at the lowest foot. Each measure is a number
that is large where the word fits; `obedience_words` holds the thresholds, set on captured motion whose captions have
the word (`word_agreement`). Nothing here depends on the prompt or the model.
"""

from __future__ import annotations

import numpy as np

from ...array_types import FloatArray
from ...motion.foot_contacts import floor_height
from ...motion.skeleton import FPS, HUMANML, JOINTS, L_ANKLE, L_FOOT, PELVIS_HEIGHT, R_ANKLE, R_FOOT
from ...motion.smoothing import smooth
from ..data.action_detectors import closed, runs
from .motion_measures import body_speeds, own_frame

_J = {name: index for index, name in enumerate(JOINTS)}
_HEEL_AT_REST = float(HUMANML.rest[L_ANKLE, 1] - HUMANML.rest[L_FOOT, 1])
_QUARTER = 5
"""Frames of a quarter of a second."""
_SHORTEST_STRIDE, _REGULAR = 12, 0.3
"""Frames of the fastest stride, and the autocorrelation below which the ankles go in no rhythm."""
_OTHER_HAND = 0.85
"""One-handed: the other wrist is slower than this share."""


def pelvis_heights(joints: FloatArray) -> FloatArray:
    """(T,) height of the pelvis above the floor, as a share of its height in standing."""
    joints = np.asarray(joints, dtype=np.float64)
    return (joints[:, 0, 1] - floor_height(joints)) / PELVIS_HEIGHT


def fall_depth(joints: FloatArray) -> float:
    """Share of the standing height by which the pelvis sinks and stays down until the end; 0 if it ends upright."""
    height = pelvis_heights(joints)
    return float(max(0.0, min(1.0, height[:-_QUARTER].max()) - height[-_QUARTER:].mean()))


def rise(joints: FloatArray) -> float:
    """Share of the standing height by which the pelvis rises from its first second's lowest place to the end."""
    height = pelvis_heights(joints)
    return float(max(0.0, min(1.0, height[-_QUARTER:].mean()) - height[: int(FPS)].min()))


def crawl_share(joints: FloatArray) -> float:
    """Share of frames with pelvis and wrists low, 0 if the figure does not get 0.3 m away from where it was."""
    joints = np.asarray(joints, dtype=np.float64)
    wrists = joints[:, [_J["l_wrist"], _J["r_wrist"]], 1].min(axis=-1) - joints[..., 1].min()
    low = (joints[:, 0, 1] - joints[..., 1].min() < 0.7 * PELVIS_HEIGHT) & (wrists < 0.25)
    root = joints[low, 0][:, [0, 2]]
    if len(root) < 2 or np.linalg.norm(root - root[0], axis=-1).max() < 0.3:
        return 0.0
    return float(low.mean())


def claps(joints: FloatArray) -> int:
    """How often the wrists come within 25 cm of each other after having been 12 cm further apart than then."""
    joints = np.asarray(joints, dtype=np.float64)
    apart = np.linalg.norm(joints[:, _J["l_wrist"]] - joints[:, _J["r_wrist"]], axis=-1)
    count, widest, nearest, closing = 0, apart[0], apart[0], True
    for distance in apart[1:]:
        if closing:
            widest, nearest = max(widest, distance), min(nearest, distance)
            if distance < 0.25 and widest - distance > 0.12:
                count, closing, nearest = count + 1, False, distance
        else:
            nearest = min(nearest, distance)
            if distance - nearest > 0.12:
                closing, widest = True, distance
    return count


def trunk_pitch(joints: FloatArray) -> FloatArray:
    """(T,) degrees that the trunk leans forward."""
    own = own_frame(joints)
    trunk = own[:, _J["neck"]] - own[:, 0]
    result: FloatArray = np.degrees(np.arctan2(trunk[:, 2], trunk[:, 1]))
    return result


def bow(joints: FloatArray) -> float:
    """Degrees by which the trunk leans further than at the ends of the motion while the pelvis stays up, else 0."""
    pitch, height = trunk_pitch(joints), pelvis_heights(joints)
    upright = np.where(height > 0.85, pitch, -90.0)
    ends = min(pitch[:_QUARTER].mean(), pitch[-_QUARTER:].mean())
    return float(max(0.0, upright.max() - max(ends, 0.0)))


def stoop(joints: FloatArray) -> float:
    """Degrees that the trunk leans forward, mean."""
    return float(trunk_pitch(joints).mean())


def crouch(joints: FloatArray) -> float:
    """How far the knees are bent, mean degrees of both."""
    return float(knee_bends(joints).mean())


def knee_bends(joints: FloatArray) -> FloatArray:
    """(T, 2) degrees, 0 straight, left and right."""
    joints = np.asarray(joints, dtype=np.float64)
    bends = []
    for hip, knee, ankle in (("l_hip", "l_knee", "l_ankle"), ("r_hip", "r_knee", "r_ankle")):
        thigh, shin = joints[:, _J[knee]] - joints[:, _J[hip]], joints[:, _J[ankle]] - joints[:, _J[knee]]
        size = np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shin, axis=-1)
        bends.append(np.degrees(np.arccos(np.clip((thigh * shin).sum(-1) / np.maximum(size, 1e-9), -1.0, 1.0))))
    return np.stack(bends, axis=-1)


def heel_height(joints: FloatArray) -> float:
    """Metres of the ankle above the toe of the lower foot, more than in rest: mean over frames."""
    joints = np.asarray(joints, dtype=np.float64)
    toes, ankles = joints[:, [L_FOOT, R_FOOT], 1], joints[:, [L_ANKLE, R_ANKLE], 1]
    lower = toes.argmin(axis=1)
    frames = np.arange(len(joints))
    return float((ankles[frames, lower] - toes[frames, lower]).mean() - _HEEL_AT_REST)


def thigh_lift(joints: FloatArray) -> float:
    """Degrees by which each thigh is lifted above the other one in a step.

    The lower of the two legs' 95th percentiles, so that neither one raised leg nor a squat is a march.
    """
    joints = np.asarray(joints, dtype=np.float64)
    thighs = joints[:, [_J["l_knee"], _J["r_knee"]]] - joints[:, [_J["l_hip"], _J["r_hip"]]]
    lifts = np.degrees(np.arccos(np.clip(-thighs[..., 1] / np.linalg.norm(thighs, axis=-1), -1.0, 1.0)))
    above = lifts - lifts[:, ::-1]
    return float(np.percentile(above, 95, axis=0).min())


def flights(joints: FloatArray) -> float:
    """How often in a second both feet are off the floor for two frames or more."""
    joints = np.asarray(joints, dtype=np.float64)
    toes = joints[:, [L_FOOT, R_FOOT], 1]
    up = (toes - np.percentile(toes, 5, axis=0)).min(axis=1) > 0.04
    return sum(end - first >= 2 for first, end in runs(closed(up))) * FPS / len(joints)


def bounce(joints: FloatArray) -> float:
    """Metres of rise and fall of the pelvis within half seconds, mean."""
    height = np.asarray(joints, dtype=np.float64)[:, 0, 1]
    windows = np.lib.stride_tricks.sliding_window_view(height, min(len(height), int(FPS / 2)))
    return float(np.ptp(windows, axis=1).mean())


def stride_asymmetry(joints: FloatArray) -> float:
    """The part of the pelvis's rhythm with the period of a stride (two steps) and not of a step.

    About 0.6 in captured walks, above 1 in limps, 0 without a gait.

    The sum of two shares, of the pelvis's height and of its speed: the amplitude at the frequency of the stride by
    those at that of the stride and of the step. The stride is the period of the ankles' distance ahead of each other.
    """
    joints = np.asarray(joints, dtype=np.float64)
    own, count = own_frame(joints), len(joints)
    ahead = own[:, L_ANKLE, 2] - own[:, R_ANKLE, 2]
    ahead = ahead - ahead.mean()
    if count < 3 * _SHORTEST_STRIDE or ahead.std() < 0.05:
        return 0.0
    lags = np.arange(_SHORTEST_STRIDE, count // 2 + 1)
    alike = np.array([(ahead[: count - k] * ahead[k:]).mean() for k in lags]) / ahead.var()
    if alike.max() < _REGULAR:
        return 0.0
    # Two strides are as alike as one: the first peak that is about as high as the highest is the stride.
    peak = (alike >= np.append(alike[1:], -1.0)) & (alike >= np.append(-1.0, alike[:-1])) & (alike > 0.85 * alike.max())
    stride = int(lags[peak.argmax()])
    pace = np.linalg.norm(np.gradient(joints[:, 0][:, [0, 2]], axis=0), axis=-1)
    return sum(_stride_share(values, stride) for values in (joints[:, 0, 1], pace))


def _stride_share(values: FloatArray, stride: int) -> float:
    """Amplitude of (T,) values at one period in a stride by the sum of those at one and at two."""
    window = np.full(stride, 1.0 / stride)
    trend = np.convolve(np.pad(values, stride // 2, mode="edge"), window, mode="same")
    left = values - trend[stride // 2 : stride // 2 + len(values)]
    turns = -2j * np.pi * np.arange(len(left)) / stride
    once, twice = (abs((left * np.exp(turns * harmonic)).mean()) for harmonic in (1, 2))
    return float(once / max(once + twice, 1e-9))


def sway(joints: FloatArray) -> float:
    """How much a figure sways.

    Metres, root mean square, by which the pelvis leaves its smoothed way, plus a centimetre for each degree by which
    the trunk's sideways lean varies.
    """
    joints = np.asarray(joints, dtype=np.float64)
    root = joints[:, 0][:, [0, 2]]
    away = root - smooth(root, 12.0)
    own = own_frame(joints)
    trunk = own[:, _J["neck"]] - own[:, 0]
    lean = np.degrees(np.arctan2(trunk[:, 0], np.abs(trunk[:, 1])))
    return float(np.sqrt((away**2).sum(-1).mean()) + lean.std() / 100.0)


def stillness(joints: FloatArray) -> float:
    """1 for a figure that stays in its place and moves a little; 0 if it travels, acts or is frozen."""
    joints = np.asarray(joints, dtype=np.float64)
    root = joints[:, 0][:, [0, 2]]
    moves = float(body_speeds(joints).mean())
    return float(np.linalg.norm(root - root[0], axis=-1).max() < 0.4 and 0.01 < moves < 0.2)


def pointing(joints: FloatArray) -> float:
    """Seconds for which an arm is held out straight, away from the body, the wrist hardly moving."""
    own = own_frame(joints)
    best = 0.0
    for side in ("l", "r"):
        shoulder, elbow, wrist = (own[:, _J[f"{side}_{name}"]] for name in ("shoulder", "elbow", "wrist"))
        reach = np.linalg.norm(wrist - shoulder, axis=-1)
        length = np.linalg.norm(elbow - shoulder, axis=-1) + np.linalg.norm(wrist - elbow, axis=-1)
        out = (reach > 0.93 * length) & (wrist[:, 1] - shoulder[:, 1] > -0.25) & (wrist[:, 2] > 0.15)
        slow = np.linalg.norm(np.gradient(wrist, axis=0), axis=-1) * FPS < 0.8
        best = max([best, *((end - first) / FPS for first, end in runs(closed(out & slow)))])
    return best


def throwing(joints: FloatArray) -> float:
    """m/s: peak speed of the faster wrist in the figure's own frame, 0 if the other one is about as fast."""
    own = own_frame(joints)
    wrists = own[:, [_J["l_wrist"], _J["r_wrist"]]] - own[:, :1]
    speeds = np.percentile(np.linalg.norm(np.gradient(wrists, axis=0), axis=-1) * FPS, 98, axis=0)
    return float(speeds.max()) if speeds.min() < _OTHER_HAND * speeds.max() else 0.0


def head_yaw_span(turns: FloatArray | None) -> tuple[float, float]:
    """Degrees that the head turns on the chest to the left and to the right, at most (95th percentiles).

    turns: (T, 3, 4) unit quaternions w, x, y, z, the first of the three of the head against the chest, identity in
    rest; or None for a model without rotations of the head, which gives 0 and 0.
    """
    if turns is None:
        return 0.0, 0.0
    q = np.asarray(turns, dtype=np.float64)[:, 0]
    forward_x, forward_z = 2.0 * (q[:, 1] * q[:, 3] + q[:, 0] * q[:, 2]), 1.0 - 2.0 * (q[:, 1] ** 2 + q[:, 2] ** 2)
    yaw = np.degrees(np.arctan2(forward_x, forward_z))
    return float(max(0.0, np.percentile(yaw, 95))), float(max(0.0, -np.percentile(yaw, 5)))
