"""Entry point of `python -m motionlcm_blender`."""

from __future__ import annotations

import sys

from .cli.main import main

sys.exit(main())
