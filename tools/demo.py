"""The README's example, from nothing: demo/walk.blend and demo/walk.png.

    python tools/demo.py

Sets up an environment with Blender's PyPI wheel and without torch, makes the motion with the command line,
and has Blender write the file and render the picture. Only the standard library is needed.
"""

from __future__ import annotations

import subprocess
import sys
import time

import blender_environments as environments

VERSION = "4.5"
PROMPT = "a person walks forward"
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
    options = f"--path {PATH} --seconds {SECONDS} --seed {SEED}"
    shown = f'motionlcm generate "{PROMPT}" {options} --out demo/walk.blend'
    print(shown, flush=True)
    if subprocess.run([python, *generate, "--out", str(blend)], cwd=environments.ROOT, check=False).returncode:
        return 1
    print("Rendering demo/walk.png", flush=True)
    command = [python, "tools/render_poses.py", str(blend), str(picture)]
    # Cycles prints a hundred lines of progress, which are needed only if it fails.
    rendered = subprocess.run(command, cwd=environments.ROOT, capture_output=True, text=True, check=False)
    if rendered.returncode:
        print(rendered.stdout[-2000:] + rendered.stderr[-2000:], file=sys.stderr)
        print("The picture could not be rendered.", file=sys.stderr)
        return 1
    finished = time.monotonic()
    print(f"Made demo/walk.blend and demo/walk.png: environment {ready - started:.0f} s, demo {finished - ready:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
