"""Motion made by formula, so that the tests need no capture data.

Metres, Y up, facing +Z in the first frame; made by forward kinematics, so the bone lengths are exactly the skeleton's.
"""

from __future__ import annotations

import numpy as np

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.skeleton import FPS, HUMANML, JOINTS, PELVIS_HEIGHT, Skeleton

J = {name: index for index, name in enumerate(JOINTS)}
STANCE = 0.55
"""The part of a stride during which a foot stands."""

_X, _Y, _Z = np.eye(3)


def pose(root: np.ndarray, local: np.ndarray, skeleton: Skeleton = HUMANML) -> np.ndarray:
    """(T, J, 3) joint positions from root positions (T, 3) and local rotations (T, J, 4): plain forward kinematics."""
    joints = np.zeros((*local.shape[:2], 3))
    world = np.zeros_like(local)
    joints[:, 0], world[:, 0] = root, local[:, 0]
    for joint, parent in list(enumerate(skeleton.parents))[1:]:
        joints[:, joint] = joints[:, parent] + rot.rotate(world[:, parent], skeleton.offsets[joint])
        world[:, joint] = rot.multiply(world[:, parent], local[:, joint])
    return joints


def walk(
    frames: int = 80, speed: float = 1.2, turn_rate: float = 0.0, fps: float = FPS, skeleton: Skeleton = HUMANML
) -> np.ndarray:
    """A walk with feet that stand still on the floor. Returns (T, 22, 3) float32.

    frames: T. speed: m/s, 0 (standing) to about 3. turn_rate: rad/s, positive turns to the left.
    Starts at the XZ origin facing +Z, in the middle of a stride; the soles are at y = 0 while a foot stands.
    """
    time = np.arange(frames) / fps
    thigh, shin = skeleton.bone_lengths[J["l_knee"]], skeleton.bone_lengths[J["l_ankle"]]
    size = (thigh + shin) / 0.82
    drop = size * np.clip(0.03 + 0.035 * abs(speed), 0.03, 0.15)
    hip, ankle_height = -skeleton.offsets[J["l_hip"]][1], -skeleton.offsets[J["l_foot"]][1]
    pelvis_height = float(-skeleton.rest[:, 1].min()) - drop
    reach = 0.985 * (thigh + shin)
    travel = 2.0 * np.sqrt(max(reach**2 - (pelvis_height + 0.012 - hip - ankle_height) ** 2, 0.02))
    stride = min(1.2, travel / STANCE / max(abs(speed), 1e-6))  # seconds, left foot to left foot

    def heading(t: np.ndarray) -> np.ndarray:
        return turn_rate * t

    def ground(t: np.ndarray) -> np.ndarray:
        if abs(turn_rate) < 1e-9:
            return speed * t[..., None] * _Z
        h = heading(t)
        return speed / turn_rate * np.stack([1.0 - np.cos(h), np.zeros_like(h), np.sin(h)], axis=-1)

    def about(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
        return rot.from_axis_angle(np.broadcast_to(axis, (frames, 3)), np.broadcast_to(angle, (frames,)))

    swing = 2.0 * np.pi * time / stride
    effort = min(1.0, abs(speed))
    root = ground(time) + (pelvis_height + 0.01 * effort * np.cos(2.0 * swing))[:, None] * _Y
    local = np.zeros((frames, len(JOINTS), 4))
    local[..., 0] = 1.0
    local[:, 0] = about(_Y, heading(time))
    local[:, J["spine2"]] = about(_Y, 0.06 * effort * np.sin(swing))
    local[:, J["spine3"]] = about(_X, 0.03 + 0.02 * effort)
    local[:, J["neck"]] = about(_Y, -0.06 * effort * np.sin(swing))
    for side, sign in (("l", 1.0), ("r", -1.0)):
        beat = sign * np.sin(swing)
        local[:, J[f"{side}_shoulder"]] = rot.multiply(about(_X, 0.35 * effort * beat), about(_Z, -sign * 1.3))
        local[:, J[f"{side}_elbow"]] = about(_Y, -sign * (0.35 - 0.15 * effort * beat))

    for side, sign, offset in (("l", 1.0, 0.0), ("r", -1.0, 0.5)):
        # Stride k of this foot: it stands around the moment (k - offset) * stride, then swings to the next.
        count = time / stride + offset + 0.5 * STANCE
        k, phase = np.floor(count), count - np.floor(count)
        here = (k - offset) * stride
        u = np.clip((phase - STANCE) / (1.0 - STANCE), 0.0, 1.0)
        ease = u * u * (3.0 - 2.0 * u)
        yaw = heading(here) + turn_rate * stride * ease
        side_step = sign * abs(skeleton.offsets[J["l_hip"]][0])

        def plant(t: np.ndarray, side_step: float = side_step) -> np.ndarray:
            return ground(t) + rot.rotate(about(_Y, heading(t)), side_step * _X)

        ankle = plant(here) * (1.0 - ease[:, None]) + plant(here + stride) * ease[:, None]
        ankle[:, 1] = ankle_height + 0.09 * effort * size * np.sin(np.pi * u) ** 2

        # Two-bone inverse kinematics; the knee opens in the plane between the pelvis's heading and the foot's.
        hip_at = root + rot.rotate(local[:, 0], skeleton.offsets[J[f"{side}_hip"]])
        reach_for = ankle - hip_at
        distance = np.minimum(np.linalg.norm(reach_for, axis=-1), 0.9995 * (thigh + shin))
        along = rot.unit(reach_for, -_Y)
        ahead = rot.rotate(about(_Y, 0.5 * (heading(time) + yaw)), _Z)
        ahead = rot.unit(ahead - (ahead * along).sum(-1, keepdims=True) * along, _Z)
        cosine = (thigh**2 + distance**2 - shin**2) / (2.0 * thigh * distance)
        knee = hip_at + thigh * (cosine[:, None] * along + np.sqrt(1.0 - np.minimum(cosine, 1.0) ** 2)[:, None] * ahead)

        world = local[:, 0]
        hinge = rot.unit(np.cross(along, ahead), _X)
        for joint, child, target in (
            ("hip", "knee", knee - hip_at),
            ("knee", "ankle", hip_at + distance[:, None] * along - knee),
        ):
            rest = skeleton.offsets[J[f"{side}_{child}"]]
            turned = _frame(target, hinge, rest)
            local[:, J[f"{side}_{joint}"]] = rot.multiply(rot.inverse(world), turned)
            world = turned
        tilt = about(_X, 0.5 * effort * np.sin(np.pi * u) ** 2)
        local[:, J[f"{side}_ankle"]] = rot.multiply(rot.inverse(world), rot.multiply(about(_Y, yaw), tilt))
    return pose(root, local, skeleton).astype(np.float32)


def _frame(direction: np.ndarray, hinge: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """The rotation that brings `rest` to `direction` and -X, the hinge of a knee at rest, to `hinge`."""
    y = rot.unit(direction, -_Y)
    x = rot.unit(-hinge - (-hinge * y).sum(-1, keepdims=True) * y, _X)
    rest_y = rot.unit(rest, -_Y)
    rest_x = rot.unit(_X - (_X * rest_y).sum() * rest_y, _X)
    now = rot.from_axes(x, y, np.cross(x, y))
    return rot.multiply(now, rot.inverse(rot.from_axes(rest_x, rest_y, np.cross(rest_x, rest_y))))


def gestures(
    frames: int = 80, seed: int = 0, reach: float = 1.0, fps: float = FPS, skeleton: Skeleton = HUMANML
) -> tuple[np.ndarray, np.ndarray]:
    """Smooth random motion of every joint: bends of elbows and knees, turns and leans of the rest.

    Returns joints (T, 22, 3) float32 and the local rotations (T, 22, 4) that made them. reach scales the angles; 1 is
    lively but within what a body does. Knees and elbows are hinges that only bend the natural way.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(frames) / fps

    def wave(amplitude: float) -> np.ndarray:
        rates, phases = rng.uniform(0.2, 0.9, 3), rng.uniform(0.0, 2.0 * np.pi, 3)
        waves = np.sin(2.0 * np.pi * rates * time[:, None] + phases) * rng.dirichlet(np.ones(3))
        return reach * amplitude * waves.sum(axis=-1)

    def bend(most: float) -> np.ndarray:
        return 0.25 + 0.5 * (reach * most + wave(most))

    def about(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
        return rot.from_axis_angle(np.broadcast_to(axis, (frames, 3)), np.broadcast_to(angle, (frames,)))

    def free(amplitude: float) -> np.ndarray:
        return rot.multiply(
            about(_Y, wave(amplitude)), rot.multiply(about(_X, wave(amplitude)), about(_Z, wave(amplitude)))
        )

    local = np.zeros((frames, len(JOINTS), 4))
    local[..., 0] = 1.0
    local[:, 0] = rot.multiply(about(_Y, wave(1.5)), free(0.25))
    for name, amplitude in (("spine1", 0.15), ("spine2", 0.15), ("spine3", 0.15), ("neck", 0.3), ("head", 0.2)):
        local[:, J[name]] = free(amplitude)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        local[:, J[f"{side}_hip"]] = rot.multiply(about(_X, wave(0.6) - 0.4 * reach), free(0.25))
        local[:, J[f"{side}_knee"]] = about(_X, bend(1.2))
        local[:, J[f"{side}_ankle"]] = about(_X, wave(0.3))
        local[:, J[f"{side}_collar"]] = about(_Z, wave(0.1))
        local[:, J[f"{side}_shoulder"]] = rot.multiply(
            rot.multiply(about(_X, wave(0.8)), about(_Z, -sign * (0.9 + wave(0.5)))), about(_X, wave(0.4))
        )
        local[:, J[f"{side}_elbow"]] = about(_Y, -sign * bend(1.6))
    root = np.stack([wave(0.5), PELVIS_HEIGHT + wave(0.1), wave(0.5)], axis=-1)
    return pose(root, local, skeleton).astype(np.float32), local
