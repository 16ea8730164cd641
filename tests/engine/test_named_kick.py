"""Kicks and hops that prompts name, and motion whose feet are raised for them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from motionlcm_blender.generation.postprocessing import postprocess_motion
from motionlcm_blender.generation.request import Request
from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.skeleton import PARENTS
from motionlcm_blender.postprocess.hop_fitting import FREE, keep_foot_up
from motionlcm_blender.postprocess.kick_fitting import MOST, raise_kicks
from motionlcm_blender.text import named_kick as kicks
from motionlcm_blender.text.named_hop import named_hop
from motionlcm_blender.text.named_kick import named_kick
from tests.synthetic_actions import J, about, bump, still
from tests.synthetic_motion import pose

LEFT_LEG = [J["l_knee"], J["l_ankle"], J["l_foot"]]
LOWER_BODY = [J[f"{side}_{part}"] for side in "lr" for part in ("hip", "knee", "ankle", "foot")] + [0]


@pytest.mark.parametrize(
    ("prompt", "elevation", "side"),
    [
        ("a fighter does a front kick", kicks.FRONT, None),
        ("a man kicks forward with his right leg", kicks.FRONT, 1),
        ("a fighter delivers a high roundhouse kick", kicks.HIGH, None),
        ("roundhouse kick with the left leg", kicks.ROUND, 0),
        ("she does a left side kick", kicks.SIDE, 0),
        ("sidekick", kicks.SIDE, None),
        ("a person kicks a soccer ball with the right foot", kicks.LOW, 1),
        ("takes a penalty kick", kicks.LOW, None),
        ("a boy kicks a can", kicks.LOW, None),
        ("a person kicks", kicks.ANY, None),
        ("kicking down a door", kicks.ANY, None),
    ],
)
def test_kicks_are_found(prompt: str, elevation: float, side: int | None) -> None:
    kick = named_kick(prompt)
    assert kick is not None
    assert (kick.elevation, kick.side, kick.with_knee) == (elevation, side, False)


@pytest.mark.parametrize(
    ("prompt", "side"),
    [("a fighter strikes with the right knee", 1), ("knee strike", None), ("a left knee to the stomach", 0)],
)
def test_knee_strikes_are_found(prompt: str, side: int | None) -> None:
    kick = named_kick(prompt)
    assert kick is not None and kick.with_knee and kick.side == side


@pytest.mark.parametrize(
    "prompt",
    [
        "a person walks forward",
        "a man kicks back and relaxes",
        "a man gets kicked in the stomach",
        "a swimmer kicks",
        "a child sits and kicks",
        "a fighter dodges a kick",
        "the match kicks off",
        "a kid throws a tantrum and kicks",
        "a person kneels",
        "a person raises the left knee",
    ],
)
def test_other_prompts_name_no_kick(prompt: str) -> None:
    assert named_kick(prompt) is None


@pytest.mark.parametrize(
    ("prompt", "plain"),
    [
        ("a ninja does a front kick", "a person does a front kick with the right leg"),
        ("a high roundhouse kick with the left leg", "a person does a roundhouse kick with the left leg"),
        ("a fighter kicks twice and steps back", ""),
        ("a fighter runs up and kicks", ""),
        ("a fighter strikes with the left knee", "a person strikes with the left knee"),
    ],
)
def test_a_single_kick_has_a_plain_prompt(prompt: str, plain: str) -> None:
    kick = named_kick(prompt)
    assert kick is not None and kick.plain == plain


@pytest.mark.parametrize(
    ("prompt", "side"),
    [
        ("somebody hops on the right foot", 1),
        ("someone hops three times on the left leg", 0),
        ("hopping on one leg", None),
        ("a girl plays hopscotch", None),
        ("jumps up and down on her left foot", 0),
        ("jumps on her left foot", 0),
        ("a rabbit hops", "none"),
        ("hops from one foot to the other", "none"),
        ("a man stands on one leg", "none"),
        ("a person jumps over a log", "none"),
    ],
)
def test_hops_on_one_foot_are_found(prompt: str, side: int | str | None) -> None:
    hop = named_hop(prompt)
    assert ("none" if hop is None else hop.side) == side


def low_kick(degrees: float = 45.0, knee: float = 10.0) -> np.ndarray:
    """The left leg swings forward to some degrees from hanging, with a bent knee, on frames 20 to 40."""
    root, local = still()
    size = bump(60, 30, 10)
    local[:, J["l_hip"]] = about(np.eye(3)[0], -np.radians(degrees) * size)
    local[:, J["l_knee"]] = about(np.eye(3)[0], np.radians(knee) * size)
    return pose(root, local).astype(np.float64)


def elevation(joints: np.ndarray, end: str = "ankle") -> np.ndarray:
    """(T,) radians from the horizontal up to the left limb."""
    limb = joints[:, J[f"l_{end}"]] - joints[:, J["l_hip"]]
    return np.arcsin(limb[:, 1] / np.linalg.norm(limb, axis=-1))


def no_stance(joints: np.ndarray) -> np.ndarray:
    return np.zeros((len(joints), 2), bool)


@given(st.floats(20, 70), st.floats(0, 70), st.floats(-0.8, 0.7), st.floats(-3, 3), st.sampled_from((0, None)))
@example(20.0, 58.0, 0.5, 0.0, 0)
def test_a_kick_is_raised_and_the_rest_stays(
    degrees: float, knee: float, wanted: float, facing: float, side: int | None
) -> None:
    joints = low_kick(degrees, knee)
    joints = rot.rotate(rot.from_axis_angle(np.array([0.0, 1.0, 0.0]), np.array(facing)), joints)
    raised = raise_kicks(joints, no_stance(joints), wanted, side)
    if raised is joints:
        heights = joints[:, J["l_ankle"], 1]
        assert heights.max() - np.quantile(heights, 0.1) < 0.121
        return
    peak = int(joints[:, J["l_ankle"], 1].argmax())
    limb = joints[peak, J["l_ankle"]] - joints[peak, J["l_hip"]]
    now = np.arctan2(limb[1], limb @ [np.sin(facing), 0.0, np.cos(facing)])
    reached = elevation(raised)[peak] - max(wanted, elevation(joints)[peak])
    # A foot that hangs or swings back is raised by no more than `MOST`.
    assert abs(reached) < 0.03 or (wanted - now > MOST - 0.3 and reached < 0.0)
    assert (raised[:, J["l_ankle"], 1] >= joints[:, J["l_ankle"], 1] - 0.02).all(), "a kick is never lowered"
    stays = [joint for joint in LOWER_BODY if joint not in LEFT_LEG]
    np.testing.assert_allclose(raised[:, stays], joints[:, stays], atol=1e-9)
    np.testing.assert_allclose(raised[[0, -1]], joints[[0, -1]], atol=1e-9)
    bones = [np.linalg.norm(m[:, 1:] - m[:, list(PARENTS[1:])], axis=-1) for m in (raised, joints)]
    np.testing.assert_allclose(*bones, atol=1e-6)


def test_a_foot_on_the_floor_stays() -> None:
    joints = low_kick()
    stands = no_stance(joints)
    stands[:24, 0] = stands[36:, 0] = True
    raised = raise_kicks(joints, stands, 0.4)
    np.testing.assert_allclose(raised[stands[:, 0]], joints[stands[:, 0]], atol=1e-9)
    assert elevation(raised).max() > 0.35


def test_the_named_leg_kicks_or_none() -> None:
    joints = low_kick()
    assert raise_kicks(joints, no_stance(joints), 0.5, 1) is joints
    standing = low_kick(0.0, 0.0)
    assert raise_kicks(standing, no_stance(standing), 0.5) is standing


def test_the_trunk_leans_away_from_a_raised_kick() -> None:
    joints = low_kick()
    raised = raise_kicks(joints, no_stance(joints), 0.5)
    back = raised[30, J["neck"], 2] - joints[30, J["neck"], 2]
    assert back < -0.1, "the kick is to +Z"


def test_a_knee_is_raised_above_the_hip_with_a_hanging_shin() -> None:
    joints = low_kick(50.0, 60.0)
    raised = raise_kicks(joints, no_stance(joints), kicks.KNEE, None, with_knee=True)
    assert elevation(raised, "knee")[30] == pytest.approx(kicks.KNEE, abs=0.03)
    shin = raised[30, J["l_ankle"]] - raised[30, J["l_knee"]]
    assert shin[1] < -0.9 * np.linalg.norm(shin)


def hopping() -> np.ndarray:
    """Three small hops with both feet, on frames 10 to 50."""
    root, local = still()
    for middle in (15, 30, 45):
        root[:, 1] += 0.15 * bump(60, middle, 6)
    return pose(root, local).astype(np.float64)


@pytest.mark.parametrize("side", [0, 1])
def test_the_free_foot_stays_up_in_hops(side: int) -> None:
    joints = hopping()
    kept = keep_foot_up(joints, side)
    ankles = kept[:, [J["l_ankle"], J["r_ankle"]], 1]
    above = ankles[:, 1 - side] - ankles[:, side]
    assert (above[14:46] > FREE - 0.03).all()
    assert abs(above[0]) < 0.01 and abs(above[-1]) < 0.01
    own = [J[f"{'lr'[side]}_{part}"] for part in ("hip", "knee", "ankle", "foot")]
    np.testing.assert_allclose(kept[:, own], joints[:, own], atol=1e-9)
    bones = [np.linalg.norm(m[:, 1:] - m[:, list(PARENTS[1:])], axis=-1) for m in (kept, joints)]
    np.testing.assert_allclose(*bones, atol=1e-6)


def test_without_a_hop_nothing_changes() -> None:
    joints = low_kick(0.0, 0.0)
    assert keep_foot_up(joints, 0) is joints


@pytest.mark.parametrize("on", [True, False])
def test_the_request_switches_the_steps(on: bool) -> None:
    joints, contacts = low_kick().astype(np.float32), np.zeros((60, 4))
    request = Request("a person does a front kick with the left leg", 60, gestures=on)
    kicked = postprocess_motion(request, joints, contacts, {}, 0.0).joints
    assert (math.degrees(elevation(kicked).max()) > 20) == on
    hops, request = hopping().astype(np.float32), Request("a person hops on the right foot", 60, gestures=on)
    hopped = postprocess_motion(request, hops, contacts, {}, 0.0).joints
    assert (hopped[30, J["l_ankle"], 1] - hopped[30, J["r_ankle"], 1] > 0.2) == on
