"""Live: the motion follows while its path, pins or settings are changed.

finishing: Write the finished motion of a change: one Action, one undo step.
following: What Live does while it is on: reads changes, requests motions, and shows them.
live_mode: The switch of Live. Nothing of the engine is imported before Live is switched on.
path_drawing: The path in the viewport while it changes: coloured by speed, with marks where the gait changes.
preview: The Action that shows the motion during a change; its keys are replaced in place.
reading: What a motion depends on, read in little time, and its fingerprint.
short_pauses: Settings of Python that keep the main thread free while a worker thread calculates.
shot_choice: For which shot Live makes the motion: the active one, or the one whose part of a shared path is changed.
spent_time: Time that pieces of Live's work take, for tests and measurements.
watching: Handlers of Blender that note what changed, and the modal operators that run.
"""

REGISTERED: tuple[str, ...] = ("live_mode",)
"""Modules with classes or properties, in the order of registration."""
