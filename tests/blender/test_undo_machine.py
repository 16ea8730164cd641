"""Any steps on shots and takes, undone and done again, leave the file as it was at each of them."""

from __future__ import annotations

from collections.abc import Callable

import bpy
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.blender.support import add_character, part

PROMPTS = ("a person walks", "a person turns", "a person sits")


def chosen():
    return bpy.context.scene.motionlcm


def shots():
    return chosen().character.motionlcm.shots


def keys_of(action: bpy.types.Action) -> int:
    holder, numbers = part("operators.armature.actions").holder_of(action), []
    for curve in holder.fcurves if holder is not None else ():
        flat = np.empty(2 * len(curve.keyframe_points), np.float32)
        curve.keyframe_points.foreach_get("co", flat)
        numbers.append((curve.data_path, curve.array_index, flat.tobytes()))
    return hash(tuple(numbers))


def facts_of(action: bpy.types.Action) -> tuple:
    return tuple(
        (key, tuple(value) if hasattr(value, "__len__") and not isinstance(value, str) else value)
        for key, value in sorted(action.items())
        if key.startswith("motionlcm_") and "milliseconds" not in key
    )


def file_now() -> dict[str, object]:
    """What undo has to bring back: shots, takes, strips, keys, recipes and settings. Without the playhead, which
    Blender leaves where it is."""
    character = chosen().character
    data = character.animation_data
    return {
        "shots": [
            (
                s.name,
                s.uid,
                s.prompt,
                s.first,
                s.last,
                s.seed,
                s.locked,
                s.stale,
                s.entry,
                s.takes,
                s.takes_made,
                s.state,
                s.action.name if s.action else "",
            )
            for s in shots()
        ],
        "chosen": character.motionlcm.shot_index,
        "action": data.action.name if data is not None and data.action is not None else "",
        "tracks": [
            (t.name, t.mute, [(s.name, s.frame_start, s.frame_end, s.action.name, s.extrapolation) for s in t.strips])
            for t in (data.nla_tracks if data is not None else ())
        ],
        "actions": {a.name: (a.use_fake_user, keys_of(a), facts_of(a)) for a in bpy.data.actions},
        "settings": (chosen().prompt, chosen().length, chosen().seed, [item.prompt for item in chosen().history]),
        "frames": (bpy.context.scene.frame_start, bpy.context.scene.frame_end),
    }


def press(operator: Callable, **how: object) -> None:
    """As a user presses a button: greyed out, refused, or done as one undo step."""
    if not operator.poll():
        return
    try:
        done = operator("EXEC_DEFAULT", True, **how)
    except RuntimeError:
        return
    assert done <= {"FINISHED", "CANCELLED"}


def change(name: str, value: object, number: int) -> None:
    """As a user types into a field of a shot."""
    if len(shots()):
        setattr(shots()[number % len(shots())], name, value)


def choose(number: int) -> None:
    chosen().character.motionlcm.shot_index = number % max(1, len(shots()))


def put_playhead(number: int) -> None:
    bpy.context.scene.frame_set(number)


ops = bpy.ops.motionlcm
STEPS: dict[str, Callable[[int], None]] = {
    "add": lambda n: press(ops.add_shot),
    "remove": lambda n: press(ops.remove_shot),
    "earlier": lambda n: press(ops.move_shot, step=-1),
    "later": lambda n: press(ops.move_shot, step=1),
    "duplicate": lambda n: press(ops.duplicate_shot),
    "split": lambda n: (put_playhead(n), press(ops.split_shot)),
    "join": lambda n: press(ops.join_shots),
    "choose": choose,
    "prompt": lambda n: change("prompt", PROMPTS[n % 3], n),
    "seed": lambda n: change("seed", n, n),
    "first": lambda n: change("first", n, n),
    "last": lambda n: change("last", n + 12, n),
    "lock": lambda n: change("locked", n % 2 == 0, n),
    "takes": lambda n: change("takes", 1 + n % 3, n),
    "generate": lambda n: press(ops.generate_shot),
    "generate all": lambda n: press(ops.generate_shots),
    "next take": lambda n: press(ops.step_take, step=1),
    "vary": lambda n: press(ops.vary_take),
    "accept": lambda n: press(ops.accept_take),
    "reject": lambda n: press(ops.reject_take),
    "alone": lambda n: press(ops.show_shot),
    "bake": lambda n: press(ops.bake_shots),
}  # fmt: skip


@pytest.fixture
def many_steps():
    edit = bpy.context.preferences.edit
    before = edit.undo_steps, edit.undo_memory_limit
    edit.undo_steps, edit.undo_memory_limit = 256, 0
    yield
    edit.undo_steps, edit.undo_memory_limit = before


def history(steps: list[tuple[str, int]]) -> None:
    """Do the steps, undo all of them one by one, and do them again one by one; compare the file at each."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    chosen().key_mode, chosen().length = "DENSE", 1.0
    add_character()
    for _ in range(2):
        bpy.ops.motionlcm.add_shot()
    bpy.ops.motionlcm.generate_shots()
    bpy.ops.ed.undo_push(message="Begin")
    known = [file_now()]
    for name, number in steps:
        STEPS[name](number)
        now = file_now()
        if now != known[-1]:
            bpy.ops.ed.undo_push(message=name)
            known.append(now)
    most = 2 * len(steps) + 2  # operators that change nothing push undo steps as well
    for now in reversed(known):
        _reach(bpy.ops.ed.undo, now, most)
    for now in known:
        _reach(bpy.ops.ed.redo, now, most)


def _reach(go: Callable, wanted: dict[str, object], most: int) -> None:
    """Undo or redo until the file is as wanted."""
    for _ in range(most):
        if file_now() == wanted:
            return
        go()
    now = file_now()
    assert now == wanted, {key: (now[key], wanted[key]) for key in wanted if now[key] != wanted[key]}


step = st.tuples(st.sampled_from(sorted(STEPS)), st.integers(1, 70))


@given(steps=st.lists(step, min_size=3, max_size=14))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_undo_and_redo_bring_back_every_step(many_steps, steps):
    history(steps)


@given(steps=st.lists(step, min_size=100, max_size=100))
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.large_base_example],
)
def test_a_hundred_steps(many_steps, steps):
    history(steps)
