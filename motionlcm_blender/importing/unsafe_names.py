"""Names in pickles that no checkpoint needs and that run commands.

Names outside of PyTorch do not stop the reading of a checkpoint: Lightning checkpoints also contain settings,
callbacks and optimiser states of classes that differ between trainings; they stay placeholders that nothing reads
(`pickle_reader.py`). Names that run commands are refused nevertheless: they do no harm here, but a file with such a
name was made to attack whoever opens it, and its weights are not trustworthy either. The list is an additional check,
not the protection. It contains Python 2's names too, which old protocols write.
"""

from __future__ import annotations

_COMMAND_MODULES = {
    "asyncio", "bdb", "bpy", "cProfile", "cloudpickle", "codeop", "commands", "ctypes", "dill", "ensurepip",
    "ftplib", "http", "httplib", "importlib", "marshal", "multiprocessing", "nt", "os", "pdb", "pickle", "pip",
    "popen2", "posix", "pty", "requests", "runpy", "shutil", "signal", "smtplib", "socket", "subprocess", "sys",
    "tempfile", "threading", "thread", "timeit", "urllib", "urllib2", "webbrowser", "_pickle", "_posixsubprocess",
    "_thread", "_winapi", "winreg",
}  # fmt: skip
_COMMANDS = {
    ("builtins", name) for name in ("eval", "exec", "compile", "__import__", "open", "input", "breakpoint")
} | {
    ("code", "interact"),
    ("code", "InteractiveInterpreter"),
    ("code", "InteractiveConsole"),
    ("profile", "run"),
    ("io", "open"),
    ("_io", "open"),
    ("io", "FileIO"),
    ("_io", "FileIO"),
    ("types", "CodeType"),
    ("types", "FunctionType"),
    ("types", "LambdaType"),
    ("torch", "load"),
    ("torch.hub", "load"),
    ("torch.serialization", "load"),
    ("numpy", "load"),
    ("numpy", "fromfile"),
    ("operator", "methodcaller"),
}


def runs_commands(module: str, name: str) -> bool:
    """Whether a name in a pickle can run commands."""
    modern = "builtins" if module == "__builtin__" else module
    root = modern.split(".", 1)[0]
    return root in _COMMAND_MODULES or (modern, name) in _COMMANDS or (modern, name.split(".", 1)[0]) in _COMMANDS
