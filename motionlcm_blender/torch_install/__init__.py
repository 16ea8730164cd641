"""PyTorch beside Blender: hardware, installation, trial and removal.

child_process       The other side of `children.run_task`: what runs in a process of its own.
download_uv         uv, which installs PyTorch: from a folder of wheels, or fetched and held against its sha256.
errors              What can go wrong with an installation, each as one sentence.
hardware            A graphics card and its driver, as far as PyTorch needs to know them.
hardware_detection  Ask the system which graphics cards and drivers it has, without PyTorch.
install             Installing PyTorch into a folder of its own, trying it, and only then putting it where it is
                    used.
paths               Where an installation lies, and the lock that keeps two Blenders from working on it at once.
report              A report that can be given to others: plain text, with the user's name taken out of all paths.
requirements        What is installed and how large it is; where PyTorch comes from is in `torch_builds`.
state               What is installed, written down atomically, and what can be said of it without importing
                    anything.
subprocesses        Processes of our own.
torch_builds        Which of PyTorch's builds runs on a graphics card, and where PyTorch's own index has it.
trial               Whether PyTorch does here what the NumPy runtime does.
uninstall           Taking an installation away: renamed first, so that nothing finds it any more, then deleted.
"""
