"""The built zip, installed into a clean profile of a real Blender. Nothing of the repository may be importable here."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="blender_user_")  # before bpy: a clean profile
os.environ.setdefault("OMP_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).resolve().parent))  # isolation.py, and nothing of the repository

import pytest


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config._status = int(exitstatus)


def pytest_unconfigure(config: pytest.Config) -> None:
    # Python's own ending crashes Blender 4.2 and hangs 4.5 while classes are registered.
    if hasattr(config, "_status"):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config._status)
