"""What every other part needs of Blender: the scene, its time, objects found again, messages.

addon: The package name and the preferences of the extension.
camera_and_light: Frame rate, camera and sun for a Blender file that is created without a window.
dependencies: What an object depends on: parents, targets of constraints, modifiers and drivers; and what moves it.
dynamic_enum: Items of an enum that changes while Blender runs, such as the enum of a search popup.
evaluation: Objects as Blender evaluates them, or the reason why Blender does not evaluate an object.
fcurve_places: Places of an object on many frames from its F-curves, without showing these frames.
handles: Handles that find scenes and objects again after undo, redo or a change of name.
library_overrides: Options of properties on objects, so that library overrides of linked characters can have values of
    their own.
linking: Link new objects to a visible collection that can be edited, at sizes that fit the scene's units.
main_thread_timer: Functions that Blender calls repeatedly on its main thread.
messages: The status of the panel: its sentences, and exceptions as sentences.
operator_base: The base of all operators that can be refused: an error becomes a sentence in the panel, in the log and a
    report.
playback: The undo step and the playback after a motion is written.
registration: Registration of modules: their classes, then their additions to Blender. A failure undoes the whole
    registration.
scene_time: Scene times of the model's frames, and places of objects at these times.
shot_lookup: The active shot of a character, and a shot by its identity.
user_paths: Paths that a person or a script gives, such as Blender's `//` paths relative to the open file.
viewports: The viewport under the mouse, points of the world in its pixels, and redraws.
"""

REGISTERED: tuple[str, ...] = ()
"""Modules with classes or properties, in the order of registration."""
