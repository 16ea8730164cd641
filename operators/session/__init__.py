"""The loaded model, the queue of jobs, and the threads they run in.

background_task: Work in its own thread: its progress for drawing, a way to cancel it, and its outcome on the main
    thread.
generation_worker: From a job input to a finished motion, in a worker thread. This module never uses bpy.
idle_unload: Unloads the model after a time without a generation; the next generation loads it again.
job_operator: The base of operators that enqueue jobs.
job_queue: Generation in the background: a worker thread per job, and one timer on the main thread.
model_choice: The model to run, and its device.
model_info: Model cards and prompt hints, read once and cached for drawing.
model_library: The prompt library of the chosen model, read once and cached for drawing, and its answers to prompts.
model_session: The loaded model: its device, its idle time, and the interface to the engine.
torch_import: PyTorch on sys.path: find it, test it in its own process, and import it.
"""

REGISTERED: tuple[str, ...] = ("torch_import", "model_session", "job_queue", "idle_unload")
"""Modules with classes or properties, in the order of registration."""
