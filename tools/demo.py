"""The README's example, from nothing: demo/walk.blend and demo/walk.png.

    python tools/demo.py

Sets up an environment with Blender's PyPI wheel and without torch, makes the motion with the command line,
and has Blender write the file and render the picture. Only the standard library is needed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import blender_environments as environments

VERSION = "4.5"
PROMPT = "a person walks forward and waves"
PATH, SECONDS, SEED = "s", "6", "3"


def main() -> int:
    started = time.monotonic()
    folder = environments.ROOT / "demo"
    folder.mkdir(exist_ok=True)
    try:
        python = str(environments.ensure(VERSION))
    except environments.EnvironmentProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    ready = time.monotonic()
    blend, picture = folder / "walk.blend", folder / "walk.png"
    generate = ["-m", "motionlcm_blender", "generate", PROMPT, "--path", PATH, "--seconds", SECONDS, "--seed", SEED]
    print(f'motionlcm generate "{PROMPT}" --path {PATH} --seconds {SECONDS} --seed {SEED} --out demo/walk.blend')
    for step in ([*generate, "--out", str(blend)], ["tools/render_poses.py", str(blend), str(picture)]):
        code = subprocess.run([python, *step], cwd=environments.ROOT, env={**os.environ}, check=False).returncode
        if code:
            print(f"The demo stopped: {' '.join(step[:3])} ended with {code}.", file=sys.stderr)
            return 1
    finished = time.monotonic()
    print(f"Made demo/walk.blend and demo/walk.png: environment {ready - started:.0f} s, demo {finished - ready:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
