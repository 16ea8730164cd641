"""What every other part needs of Blender: the scene, its time, objects found again, messages.

addon: The package name and the preferences of the extension.
camera_and_light: What a Blender file made without a window needs to be looked at: frame rate, camera and sun.
dynamic_enum: Texts offered in an enum that changes while Blender runs, such as those of a search popup.
handles: Scenes and objects found again after undo, redo or a change of name.
linking: New objects linked where they can be seen.
main_thread_timer: Functions that Blender calls on its main thread, again and again.
messages: The status line of the panel: its sentences, and exceptions as sentences.
operator_base: What all operators share that may be refused: an error becomes a sentence in the panel, in the log and
    a report.
playback: The undo step and the playback after a motion was written.
registration: Registration of modules: their classes, then what they add to Blender; all of it, or nothing.
scene_time: Moments of the scene at which the model's frames fall, and where objects are then.
shot_lookup: The active shot of a character, and a shot by its identity.
"""

REGISTERED: tuple[str, ...] = ()
"""Modules with classes or properties, in the order of registration."""
