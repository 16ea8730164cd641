"""What is set up once: PyTorch, models, keys, log and report.

diagnostics: The diagnostics report for a bug report: versions, hardware, model, the last errors and timings.
guide: Open Guide: the guide that comes with the extension, in the browser, without a network.
keymap: The extension's keys, which the user can change in the preferences like Blender's own.
log_file: A log file of limited size, and the last errors for a report.
models: The available models: the bundled model and the imported ones.
official_model: Get Official Model: import of MotionLCM's published weights, from disk or from the internet.
torch_installation: PyTorch for the graphics card: find it, install it in the extension's own folder, test it, and then
    use it.
"""

REGISTERED: tuple[str, ...] = (
    "log_file", "models", "official_model", "torch_installation", "diagnostics", "keymap", "guide",
)  # fmt: skip
"""Modules with classes or properties, in the order of registration."""
