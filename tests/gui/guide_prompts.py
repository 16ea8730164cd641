"""Pictures of the guide that show prompts: the library, and the lines that the panel shows below a prompt."""

from __future__ import annotations

import bpy
from window_driver import Steps, check, look, module, region, wait
from window_pictures import begin, hide_sidebar, loop, operate, picture, view_middle_box, walk_along

REFUSED = "a person skis down a hill"
"""A prompt that the model does not do."""
UNLIKE = "a person turns into a werewolf"
"""A prompt that is like nothing that was tried."""
IN_TURN = "a person picks something up and throws it"
REWRITTEN = "a man paces back and forth"


def prompts() -> Steps:
    """The library, and what the panel makes of prompts."""
    yield from library()
    yield from lines()


def library() -> Steps:
    """The prompt library, and what the panel offers for a prompt that the model does not do."""
    yield from begin("library")
    operate("add_character")
    library = module("operators.session.model_library")
    choice = module("operators.session.model_choice")
    yield from wait(lambda: library.is_known(choice.chosen()), 20.0, "the library")
    bpy.context.window_manager.motionlcm_library.category = "sport"
    for _ in range(10):
        yield
    yield from picture("prompts_library", region("UI"))
    yield from begin()
    operate("add_character")
    yield from walk_along(REFUSED, 4.0)
    check("the model does not do the prompt", library.answer(choice.chosen(), REFUSED).weak)
    yield from picture("prompts_answer", region("UI"), height=395)


def lines() -> Steps:
    """What the panel makes of a prompt: a caption and a path, and actions one after the other."""
    yield from begin()
    operate("add_character")
    yield
    yield from walk_along(REWRITTEN, 7.0)
    yield from picture("prompts_rewritten", region("UI"), height=330)
    yield from hide_sidebar()
    look((0.0, -1.4, 0.7), 1.25, 0.9, 6.5)
    yield from loop("path_named", 18, view_middle_box(560, 420))
    yield from begin()
    operate("add_character")
    yield
    yield from walk_along(IN_TURN, 5.5)
    yield from picture("prompts_actions", region("UI"), height=320)
    yield from hide_sidebar()
    look((0.0, 0.0, 0.85), 1.35, 0.9, 4.6)
    yield from loop("prompts_turn", 18, view_middle_box(420, 420))
