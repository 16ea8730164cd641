"""Before and after each step from the network's joints to keys, as pictures for docs/STEPS.md.

    .venv/bin/python tools/step_pictures.py [--model FOLDER] [--output docs/images]

One take of the bundled model a picture, chosen by its seed alone; no number in the pictures is typed in by hand.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from strips import CELL, INK, MIDDLE, PAPER, POSES, draw_strip, stack

from motionlcm_blender.generation.path_gait import without_path
from motionlcm_blender.generation.pipeline import MotionLCM
from motionlcm_blender.generation.request import Hints, Request
from motionlcm_blender.keyframes.fitting import fit_keys
from motionlcm_blender.keyframes.keys import dense_keys
from motionlcm_blender.motion.features import contacts_from_features, standing_joints
from motionlcm_blender.motion.foot_contacts import foot_contacts, rest_heights
from motionlcm_blender.motion.ground_path import named_path, natural_length, timed
from motionlcm_blender.motion.loops import find_loop, looped
from motionlcm_blender.motion.metrics import path_error, pin_errors, twitch
from motionlcm_blender.motion.retarget import forward_kinematics, retarget
from motionlcm_blender.motion.skeleton import FOOT_JOINTS, FPS, HUMANML, JOINT_COUNT, JOINTS, MAX_FRAMES
from motionlcm_blender.motion.world_transform import canonicalise
from motionlcm_blender.postprocess.foot_lock import FootLock, lock_feet_from_contacts
from motionlcm_blender.postprocess.pin_ik import hold_pins
from motionlcm_blender.postprocess.terrain import PathHeights, stand_on

BEFORE, AFTER, GIVEN = (205, 120, 40), (40, 110, 180), (230, 235, 220)
FRAMES = 120


class Take:
    """The network's own joints and contacts of a request, (T, 22, 3) metres and (T, 4)."""

    def __init__(self, model: MotionLCM, prompt: str, seed: int, hints: Hints | None = None) -> None:
        features = model.features(Request(prompt, FRAMES, seed=seed, hints=hints))[0]
        self.joints = standing_joints(features).astype(np.float64)
        self.contacts = contacts_from_features(features)


def chart(
    caption: str,
    unit: str,
    lines: Sequence[tuple[str, np.ndarray, tuple[int, int, int]]],
    shaded: np.ndarray | None = None,
    marks: tuple[np.ndarray, np.ndarray] | None = None,
) -> Image.Image:
    """Curves over time, one value a frame of 20 fps; shaded: frames (T,) bool; marks: frames and values of dots."""
    width, height, left, top, bottom = CELL * (POSES + 1), 190, 70, 26, 22
    image = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(image)
    every = np.concatenate([values for _, values, _ in lines])
    low, high = float(every.min()), float(every.max())
    low, high = low - 0.05 * (high - low), high + 0.05 * (high - low) + 1e-9
    frames = max(len(values) for _, values, _ in lines)

    def place(frame: np.ndarray, value: np.ndarray) -> list[tuple[float, float]]:
        x = left + (width - left - 10) * frame / (frames - 1)
        y = top + (height - top - bottom) * (1.0 - (value - low) / (high - low))
        return list(zip(x.tolist(), y.tolist(), strict=True))

    if shaded is not None:
        for frame in np.flatnonzero(shaded):
            (x0, _), (x1, _) = place(np.array([frame - 0.5, frame + 0.5]), np.zeros(2))
            pen.rectangle((max(x0, left), top, x1, height - bottom), fill=GIVEN)
    pen.text((6, 6), caption, fill=INK)
    along = width - 10
    for name, _, colour in reversed(lines):
        along -= 8 * len(name)
        pen.text((along, 6), name, fill=colour)
    pen.text((6, top), f"{high:.3g} {unit}", fill=MIDDLE)
    pen.text((6, height - bottom - 12), f"{low:.3g}", fill=MIDDLE)
    for second in range(frames // int(FPS) + 1):
        x = place(np.array([second * FPS]), np.array([low]))[0][0]
        pen.text((x, height - 16), f"{second} s", fill=MIDDLE)
    for _, values, colour in lines:
        pen.line(place(np.arange(len(values), dtype=float), values), fill=colour, width=2)
    if marks is not None:
        for x, y in place(*marks):
            pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=lines[-1][2])
    return image


def strip(joints: np.ndarray, caption: str, path: np.ndarray | None = None) -> Image.Image:
    made: Image.Image = draw_strip(joints, HUMANML.parents, HUMANML.names, caption, path)
    return made


def path_step(model: MotionLCM) -> Image.Image:
    xz, _ = canonicalise(timed(named_path("s", natural_length("s", FRAMES / FPS)), FRAMES))
    request = Request("a person walks forward", FRAMES, seed=1, hints=Hints.ground_path(xz))
    before = standing_joints(model.features(without_path(request, MAX_FRAMES))[0])[:FRAMES]
    after = model.generate(request)[0].joints
    rows = []
    for name, joints in (("before: the network alone", before), ("after: on its path", after)):
        error = path_error(joints, xz)
        rows.append(strip(joints, f"{name}   mean {100 * error.mean:.1f} cm, max {100 * error.max:.1f} cm", xz))
    return stack(rows)


def feet_step(model: MotionLCM) -> Image.Image:
    take = Take(model, "a person walks forward", 3)
    planted = lock_feet_from_contacts(take.joints, take.contacts, FootLock.AUTO)
    toe = JOINTS.index("l_foot")
    speeds = []
    for joints in (take.joints, planted.joints):
        step = np.linalg.norm(np.diff(joints[:, toe][:, [0, 2]], axis=0), axis=-1)
        speeds.append(np.minimum(np.append(step, step[-1]) * 1000.0, 40.0))
    stands = planted.stands[:, 1] & foot_contacts(planted.joints)[:, 1]
    knees = []
    for joints in (take.joints, planted.joints):
        thigh, shin = joints[:, 1] - joints[:, 4], joints[:, 7] - joints[:, 4]
        cosine = (thigh * shin).sum(-1) / (np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shin, axis=-1))
        knees.append(180.0 - np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    fastest = [twitch(joints) for joints in (take.joints, planted.joints)]
    speed = "left toe over the floor, cut at 40 mm; green: it stands"
    bend = f"left knee; 99th percentile of acceleration {fastest[0]:.0f} before, {fastest[1]:.0f} rad/s2 after"
    return stack(
        [
            chart(speed, "mm/frame", [("before ", speeds[0], BEFORE), ("after ", speeds[1], AFTER)], stands),
            chart(bend, "degrees", [("before ", knees[0], BEFORE), ("after ", knees[1], AFTER)], stands),
        ]
    )


def pin_step(model: MotionLCM) -> Image.Image:
    take = Take(model, "a person stands and waves with the right hand", 2)
    joints, wrist = lock_feet_from_contacts(take.joints, take.contacts).joints, JOINTS.index("r_wrist")
    positions, mask = np.zeros((FRAMES, JOINT_COUNT, 3)), np.zeros((FRAMES, JOINT_COUNT, 3), bool)
    held = slice(50, 80)
    positions[held, wrist] = joints[65, wrist] + [-0.15, 0.1, 0.2]
    mask[held, wrist] = True
    after = hold_pins(joints, take.contacts, positions, mask)
    place = positions[50, wrist]
    away = [100.0 * np.linalg.norm(j[:, wrist] - place, axis=-1) for j in (joints, after)]
    worst = 100.0 * float(np.nanmax(pin_errors(after, positions, mask)))
    return stack(
        [
            strip(joints, "before"),
            strip(after, "after: the right hand is held at one place from 2.5 to 4 s"),
            chart(
                f"right hand to its pin; green: pinned, at most {worst:.2f} cm away",
                "cm",
                [("before ", away[0], BEFORE), ("after ", away[1], AFTER)],
                mask[:, wrist, 0],
            ),
        ]
    )


def key_step(model: MotionLCM) -> Image.Image:
    motion = model.generate(Request("a person walks forward", FRAMES, seed=1))[0]
    clip = retarget(motion)
    dense, fitted = dense_keys(clip), fit_keys(clip, 10.0)
    bone = JOINTS.index("l_knee")
    keys, frames = fitted.rotations[bone], np.arange(clip.frames) + 1.0
    channel = int(np.ptp(dense.rotations[bone], axis=0).argmax())
    caption = (
        f"one channel of the left knee: {len(dense.times)} keys before, {keys.count} after; all bones "
        f"{fitted.dense_count} before, {fitted.count} after, no joint more than {fitted.max_error_mm:.1f} mm off"
    )
    return chart(
        caption,
        "",
        [("before ", dense.rotations[bone][:, channel], BEFORE), ("after ", keys.evaluate(frames)[:, channel], AFTER)],
        marks=(keys.times - 1.0, keys.values[:, channel]),
    )


def loop_step(model: MotionLCM) -> Image.Image:
    clip = retarget(model.generate(Request("a person walks forward", FRAMES, seed=1))[0])
    first, last = find_loop(clip)
    once = looped(clip)

    def heights(joints: np.ndarray) -> np.ndarray:
        ankle = 100.0 * joints[:, JOINTS.index("l_ankle"), 1]
        return np.concatenate([ankle[:-1], ankle[:-1], ankle])

    cut = heights(forward_kinematics(clip)[first : last + 1])
    return chart(
        f"left ankle over three rounds of frames {first} to {last}: cut and repeated, and as a loop",
        "cm",
        [("cut ", cut, BEFORE), ("loop ", heights(forward_kinematics(once)), AFTER)],
    )


def ground_step(model: MotionLCM) -> Image.Image:
    motion = model.generate(Request("a person walks forward", FRAMES, seed=1))[0]
    ahead = np.linspace(0.0, 12.0, 121)
    ground = PathHeights(np.stack([0.0 * ahead, ahead], -1), 0.125 * ahead)
    after = stand_on(motion.joints, motion.contacts, ground)
    toe = JOINTS.index("l_foot")
    rest = rest_heights(motion.joints[:, FOOT_JOINTS])[1]
    above = [100.0 * (j[:, toe, 1] - ground.heights(j[:, toe][:, [0, 2]]) - rest) for j in (motion.joints, after)]
    return stack(
        [
            strip(after, "after: up a slope of one in eight"),
            chart(
                "left toe above the slope; green: it stands",
                "cm",
                [("before ", above[0], BEFORE), ("after ", above[1], AFTER)],
                motion.contacts[:, 1] > 0.5,
            ),
        ]
    )


STEPS = {
    "path": path_step, "feet": feet_step, "pins": pin_step, "keys": key_step, "loop": loop_step, "ground": ground_step,
}  # fmt: skip


def main() -> int:
    """Draw them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images")
    arguments = parser.parse_args()
    model = MotionLCM.from_folder(arguments.model, "numpy")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, draw in STEPS.items():
        temporary = arguments.output / f".step_{name}.part.png"
        draw(model).quantize(64).save(temporary, optimize=True)
        temporary.replace(arguments.output / f"step_{name}.png")
        print(arguments.output / f"step_{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
