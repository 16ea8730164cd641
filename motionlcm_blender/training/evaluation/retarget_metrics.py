"""Retargeting against the truth: clips whose bone rotations were captured, given to it as joints only.

    python -m motionlcm_blender.training.evaluation.retarget_metrics FOLDER

FOLDER holds rotations.npz (see `captured_rotations`). Two methods get the same joints, those of the captured clip with
root and limb lengths fitted to our skeleton (`rig.onto_rig`): the engine's `retarget`, and a plain one that has no idea
of twist (`plain_rotations`).

What is compared is the world rotation of each bone, in degrees. What is only a convention is removed first, for both
methods alike: a captured rotation is relative to the actor's own rest pose, whose legs are apart and whose elbows and
collars have other axes than our T-pose's. So for each method, joint and rig (actor), the one constant rotation C is
taken off that brings ours * C nearest to the truth (their geodesic median). With `per_actor=False` one C for each joint
serves all actors, which leaves what differs between their rigs in the error. Nothing that changes over time is removed.
Head, toes and wrists have no bone of their own in the data, and are left out.

A twist jump is a turn of a bone about its own axis, in the world, from one frame to the next, that is larger than the
99.9th percentile of the captured ones. Fast moves are in the capture too, so jumps are also counted that it does not
have at the time, one frame more or less.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...array_types import BoolArray, FloatArray, StringArray
from ...motion import rotations as rot
from ...motion.body_fit import onto_rig
from ...motion.motion import Motion
from ...motion.retarget import forward_kinematics, retarget
from ...motion.skeleton import HUMANML, JOINT_COUNT, JOINTS, MAX_FRAMES, MIRROR, PARENTS
from ..data.captured_rotations import CapturedClip, captured_clips, held_out_actors

METHODS = ("plain", "ours")
BONES = (
    "pelvis", "spine1", "spine2", "spine3", "neck", "collar", "shoulder", "elbow", "hip", "knee", "ankle",
)  # fmt: skip
"""Of pairs, left and right are measured together."""
PERCENTILE = 99.9

_CHILDREN = {j: [c for c in range(JOINT_COUNT) if PARENTS[c] == j] for j in range(JOINT_COUNT)}
_AXIS_TO = {j: children[0] for j, children in _CHILDREN.items() if children} | {
    JOINTS.index("pelvis"): JOINTS.index("spine1"),
    JOINTS.index("spine3"): JOINTS.index("neck"),
}


@dataclass(frozen=True)
class BoneFigures:
    """Of one bone, or a pair.

    error, held_out_error: mean geodesic error in degrees by method, over all frames and over those of held-out actors.
    limit: degrees a frame, the captured twist's percentile.
    captured_above: frames above it in the capture; above: by method; new: by method, those the capture has not.
    largest: by method, the largest twist in degrees a frame.
    """

    error: dict[str, float]
    held_out_error: dict[str, float]
    limit: float
    captured_above: int
    above: dict[str, int]
    new: dict[str, int]
    largest: dict[str, float]


@dataclass(frozen=True)
class RetargetFigures:
    """What `measure` found.

    bones: by name. position_mm, largest_position_mm: mean and largest distance of our clip's joints to the captured
    ones, which are without the noise. milliseconds: of retargeting 196 frames, the best of several.
    frames, held_out_frames: how many were measured.
    """

    bones: dict[str, BoneFigures]
    position_mm: float
    largest_position_mm: float
    milliseconds: float
    frames: int
    held_out_frames: int


def measure(
    clips: Sequence[CapturedClip], per_actor: bool = True, noise_mm: float = 0.0, seed: int = 0
) -> RetargetFigures:
    """Retarget captured clips by both methods and compare the rotations with the captured ones.

    per_actor: what constant rotation is removed (see above). noise_mm: standard deviation, along each axis, of noise
    put on the joints of both, other in every frame: captured elbows and knees are exact hinges, those that a network
    makes are not.
    """
    generator = np.random.default_rng(seed)
    actors = np.concatenate([np.full(len(clip.positions), clip.actor) for clip in clips])
    truth = np.concatenate([clip.rotations for clip in clips])
    made: dict[str, list[FloatArray]] = {method: [] for method in METHODS}
    distances = []
    for clip in clips:
        joints = onto_rig(clip.positions)
        given = joints + generator.normal(0.0, noise_mm / 1000.0, joints.shape)
        result = retarget(Motion(given, np.zeros((len(given), 4))), HUMANML)
        distances.append(1000.0 * np.linalg.norm(forward_kinematics(result) - joints, axis=-1))
        made["plain"].append(plain_rotations(given))
        made["ours"].append(world_rotations(result.rotations))

    rigs = actors if per_actor else np.full(len(actors), "")
    found = {method: without_convention(np.concatenate(made[method]), truth, rigs) for method in METHODS}
    errors = {m: np.degrees(rot.angle_of(rot.multiply(rot.inverse(found[m]), truth))) for m in METHODS}
    ends = np.cumsum([len(clip.positions) for clip in clips])[:-1]
    twists = {
        method: [twist_steps(w, clip.rest) for w, clip in zip(np.split(world, ends), clips, strict=True)]
        for method, world in (("captured", truth), *found.items())
    }
    held_out = np.isin(actors, list(held_out_actors(clips)))
    distance = np.concatenate(distances)
    return RetargetFigures(
        {bone: _bone(bone, errors, held_out, twists) for bone in BONES},
        float(distance.mean()),
        float(distance.max()),
        milliseconds(onto_rig(max(clips, key=lambda clip: len(clip.positions)).positions)),
        len(truth),
        int(held_out.sum()),
    )


def plain_rotations(joints: FloatArray) -> FloatArray:
    """World rotations (T, 22, 4) relative to rest, from joints (T, 22, 3), as usually done.

    Pelvis and chest: the best fit of the bones on them (Kabsch); every other bone turns the shortest way from where its
    parent has brought it. Joints without a bone follow their parent.
    """
    offsets = HUMANML.offsets
    world = np.broadcast_to(rot.IDENTITY, (*joints.shape[:2], 4)).copy()
    for joint, children in _CHILDREN.items():
        bones = joints[:, children] - joints[:, [joint]]
        parent = world[:, max(PARENTS[joint], 0)]
        if len(children) > 1:
            world[:, joint] = rot.best_fit(offsets[children], bones)
        elif children:
            turn = rot.between(rot.rotate(parent, offsets[children[0]]), bones[:, 0])
            world[:, joint] = rot.multiply(turn, parent)
        else:
            world[:, joint] = parent
    return world


def world_rotations(local: FloatArray) -> FloatArray:
    """(T, 22, 4) world rotations of local ones (T, 22 or more, 4)."""
    world = np.array(local[:, :JOINT_COUNT], dtype=np.float64)
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            world[:, joint] = rot.multiply(world[:, parent], world[:, joint])
    return world


def without_convention(found: FloatArray, truth: FloatArray, rigs: StringArray | BoolArray) -> FloatArray:
    """Rotations found (N, J, 4) relative to the rest pose of the true ones (N, J, 4): found * C, see above.

    rigs: (N,) which rig a frame is of; each has its own C for each joint.
    """
    apart = rot.multiply(rot.inverse(found), truth)
    result = np.empty_like(found)
    for rig in np.unique(rigs):
        rows = rigs == rig
        for joint in range(apart.shape[1]):
            result[rows, joint] = rot.multiply(found[rows, joint], median_rotation(apart[rows, joint]))
    return result


def median_rotation(rotations: FloatArray, rounds: int = 10) -> FloatArray:
    """(4,): the rotation with the least sum of angles to rotations (N, 4), about: reweighted means (Weiszfeld).

    The mean is that of Markley et al., "Averaging quaternions", JGCD 2007.
    """
    weight = np.ones(len(rotations))
    for _ in range(rounds):
        _, vectors = np.linalg.eigh(np.einsum("n,ni,nj->ij", weight, rotations, rotations))
        middle = vectors[:, -1]
        weight = 1.0 / np.maximum(rot.angle_of(rot.multiply(rot.inverse(middle), rotations)), 0.02)
    return np.asarray(middle)


def twist_steps(world: FloatArray, rest: FloatArray) -> FloatArray:
    """(T-1, 22) degrees, 0..180, by which bones turn about their own axis from each frame to the next.

    world: (T, 22, 4) relative to the rest positions (22, 3). The axis of the pelvis goes to the lowest spine joint,
    that of the chest to the neck; joints without a bone get 0.
    """
    axes = np.zeros((JOINT_COUNT, 3))
    for joint, child in _AXIS_TO.items():
        axes[joint] = rot.unit(rest[child] - rest[joint], (0.0, 1.0, 0.0))
    step = rot.multiply(rot.inverse(world[:-1]), world[1:])
    along = np.einsum("tji,ji->tj", step[..., 1:], axes)
    # A quaternion and its negative are one rotation: of the two angles, the one below half a turn.
    result: FloatArray = np.degrees(2.0 * np.arctan2(np.abs(along), np.abs(step[..., 0])))
    return result


def milliseconds(joints: FloatArray, repeats: int = 7) -> float:
    """The shortest time that retargeting 196 frames of `joints` takes."""
    joints = np.resize(joints, (MAX_FRAMES, *joints.shape[1:])) if len(joints) < MAX_FRAMES else joints[:MAX_FRAMES]
    motion = Motion(joints, np.zeros((MAX_FRAMES, 4)))
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        retarget(motion)
        taken.append(time.perf_counter() - start)
    return 1000.0 * min(taken)


def table(figures: RetargetFigures) -> str:
    """The figures as a Markdown table and a line below it."""
    lines = [
        "| bone | plain | ours | plain, held out | ours, held out | twist limit | above: captured | plain | ours "
        "| new: plain | ours |",
        "|---" + "|--:" * 10 + "|",
    ]
    for name, bone in figures.bones.items():
        cells = [f"{bone.error[m]:.1f}" for m in METHODS] + [f"{bone.held_out_error[m]:.1f}" for m in METHODS]
        cells += [f"{bone.limit:.1f}", str(bone.captured_above)]
        cells += [str(bone.above[m]) for m in METHODS] + [str(bone.new[m]) for m in METHODS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        f"Degrees; {figures.frames} frames, {figures.held_out_frames} held out. Joints {figures.position_mm:.2f} mm "
        f"off (at most {figures.largest_position_mm:.1f}); {figures.milliseconds:.1f} ms for {MAX_FRAMES} frames.",
    ]
    return "\n".join(lines) + "\n"


def _bone(
    name: str, errors: dict[str, FloatArray], held_out: BoolArray, twists: dict[str, list[FloatArray]]
) -> BoneFigures:
    joint = JOINTS.index(name if name in JOINTS else f"l_{name}")
    joints = sorted({joint, MIRROR[joint]})
    steps = {method: [clip[:, joints] for clip in clips] for method, clips in twists.items()}
    limit = float(np.percentile(np.concatenate(steps["captured"]), PERCENTILE))
    allowed = [_around(clip > limit) for clip in steps["captured"]]
    above = {method: [clip > limit for clip in clips] for method, clips in steps.items()}
    return BoneFigures(
        {method: float(errors[method][:, joints].mean()) for method in METHODS},
        {method: float(errors[method][held_out][:, joints].mean()) if held_out.any() else 0.0 for method in METHODS},
        limit,
        sum(int(clip.sum()) for clip in above["captured"]),
        {method: sum(int(clip.sum()) for clip in above[method]) for method in METHODS},
        {method: sum(int((a & ~b).sum()) for a, b in zip(above[method], allowed, strict=True)) for method in METHODS},
        {method: max(float(clip.max(initial=0.0)) for clip in steps[method]) for method in METHODS},
    )


def _around(marked: BoolArray) -> BoolArray:
    """True (T, n) also one frame before and after."""
    result = marked.copy()
    result[1:] |= marked[:-1]
    result[:-1] |= marked[1:]
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds rotations.npz")
    parser.add_argument("--one-constant", action="store_true", help="remove one rotation for each joint, not each rig")
    parser.add_argument("--noise-mm", type=float, default=0.0, help="put noise on the joints (default none)")
    args = parser.parse_args(arguments)
    print(table(measure(captured_clips(args.folder), not args.one_constant, args.noise_mm)), end="")


if __name__ == "__main__":
    main()
