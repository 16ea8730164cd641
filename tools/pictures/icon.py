"""Draws docs/images/icon.png, the icon of the listing: a generated walk above a path. Needs Pillow.

python tools/pictures/icon.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from motionlcm_blender import MotionLCM, Request
from motionlcm_blender.motion.skeleton import JOINTS, PARENTS

FILE = ROOT / "docs" / "images" / "icon.png"
SIZE, FINER = 256, 4
"""Pixels of a side, and how much larger the icon is drawn before it is scaled down."""
BACK, LIMB, FAR, PATH = "#2d3a4f", "#f4f1ea", "#9aa8bd", "#f0943a"
"""Colours of the background, of trunk and near limbs, of far limbs, and of the path."""
HEIGHT_M = 2.0
"""Metres that the icon is high."""


def widest_step(joints: np.ndarray) -> np.ndarray:
    """(22, 3) pose of the frame at which the feet are farthest apart. joints: (T, 22, 3), metres, Y up."""
    left, right = (joints[:, JOINTS.index(name)] for name in ("l_ankle", "r_ankle"))
    return joints[int(np.linalg.norm(left - right, axis=1).argmax())]


def draw(pose: np.ndarray) -> Image.Image:
    """The icon of a pose (22, 3) that walks along +Z, seen from its left side."""
    side = SIZE * FINER
    picture = Image.new("RGBA", (side, side))
    canvas = ImageDraw.Draw(picture)
    canvas.rounded_rectangle((0, 0, side - 1, side - 1), side // 6, fill=BACK)
    scale, floor = side / HEIGHT_M, 0.86 * side
    middle = float(pose[0, 2])
    points = [(side / 2 + scale * float(z - middle), floor - scale * float(y)) for _, y, z in pose]
    way = np.linspace(0.08, 0.92, 60)
    line = [(float(x) * side, floor + 0.035 * side + 0.02 * side * float(np.sin(9.0 * x))) for x in way]
    canvas.line(line, fill=PATH, width=side // 26, joint="curve")
    for far in (True, False):
        for joint, parent in enumerate(PARENTS):
            if parent >= 0 and JOINTS[joint].startswith("r_") == far and JOINTS[joint] != "head":
                _limb(canvas, points[parent], points[joint], side // 19, FAR if far else LIMB)
    x, y = points[JOINTS.index("head")]
    radius = side * 0.062
    canvas.ellipse((x - radius, y - 1.6 * radius, x + radius, y + 0.4 * radius), fill=LIMB)
    return picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def _limb(
    canvas: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float], width: int, colour: str
) -> None:
    canvas.line((*start, *end), fill=colour, width=width)
    for x, y in (start, end):
        canvas.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=colour)


def main() -> int:
    motion = MotionLCM.from_folder(device="numpy").generate(Request("a person walks forward", frames=80, seed=0))[0]
    draw(widest_step(np.asarray(motion.joints))).save(FILE, optimize=True)
    print(f"{FILE.relative_to(ROOT)}: {FILE.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
