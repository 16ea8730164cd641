"""Kinds of actions in prompts: which verbs move the figure, lower it, raise it, turn it, or move the arms alone."""

from __future__ import annotations

from collections.abc import Mapping

TRAVEL, PACE, LOW, BEND, RISE, JUMP, TURN, STILL, PICK, THROW, STRIKE, DEFEND, SENSE, OTHER = (
    "travel", "pace", "low", "bend", "rise", "jump", "turn", "still", "pick", "throw", "strike", "defend", "sense",
    "other",
)  # fmt: skip

_VERBS = {
    TRAVEL: """
        walk run jog stroll march stride sprint dash crawl creep tiptoe sneak skip pace limp hurry rush advance retreat
        step trudge strut amble saunter shuffle stagger stumble go come approach leave wander strafe sidestep charge
        race trot hobble prowl hike waddle swagger
    """,
    PACE: "slow accelerate",
    LOW: "sit kneel lie fall flop collapse faint drop trip slump",
    BEND: "squat crouch duck bend stoop bow",
    RISE: "rise",
    JUMP: "jump hop leap bound",
    TURN: "turn spin pivot rotate whirl twirl swivel",
    STILL: "stop wait pause halt freeze stand",
    PICK: "pick grab lift fetch scoop",
    THROW: "throw toss hurl fling lob pitch sling put place set",
    STRIKE: "punch kick jab strike hit slap slash stab thrust elbow",
    DEFEND: "block parry dodge evade",
    SENSE: "hear notice see spot realize realise remember smell",
}
KINDS: Mapping[str, str] = {verb: kind for kind, verbs in _VERBS.items() for verb in verbs.split()}
"""Kind by the base form of a verb; a verb that is not listed is `OTHER`."""

POSTURES: Mapping[str, str] = {"sit": "sitting", "kneel": "kneeling", "lie": "lying", "crouch": "crouching"} | {
    "squat": "crouching", "flop": "sitting",
}  # fmt: skip
"""The posture in which the figure is after an action, by the base form of its verb."""

STANDING = frozenset({"stand", "wait", "pause", "freeze"})
"""Verbs of a figure that stood before, too; one that stops has walked."""

UPRIGHT = frozenset({TRAVEL, RISE, JUMP, TURN, STILL, PICK})
"""Kinds of actions that end a posture."""

APART = frozenset(
    {(PICK, THROW), (DEFEND, STRIKE), (PICK, TRAVEL), (LOW, TRAVEL), (LOW, JUMP), (THROW, TRAVEL), (TRAVEL, PICK)}
    | {(JUMP, LOW), (LOW, TURN), (LOW, THROW)}
)
"""Kinds of two actions that are done one after the other although the prompt joins them by "and" alone."""
TOGETHER = frozenset(
    {(TRAVEL, STILL), (STILL, TRAVEL), (TRAVEL, LOW), (TRAVEL, BEND), (TRAVEL, TURN), (TRAVEL, PACE), (TURN, TRAVEL)}
    | {(LOW, RISE), (LOW, OTHER), (BEND, RISE), (BEND, JUMP), (BEND, PICK)}
)
"""Kinds of two actions that the network makes one after the other from one prompt, so that it is left to do so."""
