"""The loaded model, the queue of jobs, and the threads they run in.

background_task: Work in a thread of its own: its progress for drawing, a way to cancel it, and its outcome on the
    main thread.
generation_worker: From an order to finished motion, away from the main thread. Nothing here touches bpy.
idle_unload: The loaded model gives its memory back when nothing has been made for a while; the next motion loads it
    anew.
job_operator: What operators share that enqueue jobs.
job_queue: Generation without blocking: a worker thread for each job, and one timer on the main thread.
model_choice: Which model runs, and on which device.
model_info: Model cards and hints about prompts, read once and kept for drawing.
model_session: The loaded model: what is loaded, on which device, since when, and the way to the engine.
torch_import: PyTorch on sys.path: found, tried in a process of its own, and imported.
"""

REGISTERED: tuple[str, ...] = ("torch_import", "model_session", "job_queue", "idle_unload")
"""Modules with classes or properties, in the order of registration."""
