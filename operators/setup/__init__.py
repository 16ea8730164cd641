"""What is set up once: PyTorch, models, keys, log and report.

diagnostics: What to tell somebody who is asked for help: versions, hardware, model, the last errors and timings.
keymap: Keys of this extension; they can be changed in the preferences, like Blender's own.
log_file: What happened, in a file that does not grow for ever; and the last errors, kept for a report.
models: The models at hand: the one that comes with the extension, and those that were imported here.
official_model: Get Official Model: MotionLCM's published weights, from disk or from the net, as a model to choose.
torch_installation: PyTorch for the graphics card: found, installed into the extension's own folder when asked for,
    used once tried.
"""

REGISTERED: tuple[str, ...] = ("log_file", "models", "official_model", "torch_installation", "diagnostics", "keymap")
"""Modules with classes or properties, in the order of registration."""
