"""The loaded model, the queue of jobs, and the threads they run in."""

REGISTERED: tuple[str, ...] = ("torch_import", "model_session", "job_queue", "idle_unload")
"""Modules with classes or properties, in the order of registration."""
