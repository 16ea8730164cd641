"""Tiny wheels under the names of real packages, for installations in milliseconds."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

TORCH = """
import os
__version__ = "2.13.0"
class Number:
    def sum(self): return self
    def item(self): return 0.0
def zeros(*_): return Number()
"""
ABORTS = "import os\nos.abort()\n"
LACKS_A_LIBRARY = 'raise ImportError("libcudart.so.13: cannot open shared object file: No such file or directory")\n'


def write_wheel(folder: Path, name: str, version: str, files: dict[str, str], requires: tuple[str, ...] = ()) -> Path:
    """A pure wheel of these files."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
    held = dict(files) | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in held.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text.encode())}\n"
    held[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for path, text in held.items():
            file.writestr(path, text)
    return wheel


def write_fake_wheels(folder: Path, torch: str = TORCH, numpy_wanted: str = "numpy>=1.17") -> Path:
    """torch, transformers and numpy, all fake."""
    write_wheel(folder, "torch", "2.13.0", {"torch/__init__.py": torch}, ("filelock",))
    write_wheel(folder, "filelock", "4.3.1", {"filelock/__init__.py": ""})
    needs = (numpy_wanted, "torch; extra == 'x'")
    write_wheel(folder, "transformers", "5.23.0", {"transformers/__init__.py": ""}, needs)
    write_wheel(folder, "numpy", "9.9.9", {"numpy/__init__.py": 'raise ImportError("not Blender\'s NumPy")\n'})
    return folder
