"""What is set up once: PyTorch, models, keys, log and report."""

REGISTERED: tuple[str, ...] = ("log_file", "models", "official_model", "torch_installation", "diagnostics", "keymap")
"""Modules with classes or properties, in the order of registration."""
