"""Installation of PyTorch for Blender: hardware detection, installation, test and removal.

child_process       The child's side of `subprocesses.run_task`: the code that runs in a process of its own.
download_uv         The installer uv: taken from a folder of wheels, or downloaded and verified by its sha256.
errors              Errors of the installation, each with one sentence.
hardware            Description of a graphics card and its driver, as needed for choosing a PyTorch build.
hardware_detection  Detection of graphics cards and drivers, without PyTorch.
install             Installation of PyTorch: into a new folder, tested there, and then moved into use.
paths               Paths of an installation, and the lock against concurrent work on it by two Blenders.
report              Reports that users can pass on: plain text, without the user's name in any path.
requirements        Installed packages and their sizes; `torch_builds` has the source of PyTorch.
state               Record of the installation, written atomically, and its status without importing anything.
subprocesses        Child processes: the task is one line of JSON, messages are lines, and closing the input means
                    stop.
torch_builds        Choice of the PyTorch build for a graphics card, and its place in PyTorch's own index.
trial               Test whether PyTorch generates the same motion as the NumPy backend, in a process of its own,
                    since it may crash.
uninstall           Removal of an installation: renamed first, so that nothing finds it any more, then deleted.
"""
