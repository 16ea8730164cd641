"""Contact sheets of the rigs that tools/measure_rigs.py measured: stick figures in three poses beside SMPL's.

    .venv/bin/python tools/draw_rigs.py [build/measure_rigs]

Writes rigs_1.png, rigs_2.png, ... beside joints.npz. Bones that deform are grey, limbs of the mapping red (left) and
blue (right). Needs the engine and Pillow, no Blender.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from strips import INK, LEFT, MIDDLE, PAPER, RIGHT

from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.motion.retarget import forward_kinematics, retarget
from motionlcm_blender.motion.skeleton import JOINTS, PARENTS, SMPL

CELL, CAPTION, COLUMNS, ROWS = 132, 16, 4, 8
METRES = 2.35
HEADING, TILT = np.radians(30.0), np.radians(10.0)
THIN = (185, 185, 185)
FLOOR = 0.86


def frames_of(motions: dict[str, np.ndarray]) -> dict[str, int]:
    """The frame of each motion that is drawn: mid-stride, the highest foot of the kick, the end of the sit-down."""
    feet = motions["kick_joints"][:, [10, 11], 1].max(1)
    return {"walk": 66, "kick": int(feet.argmax()), "sit": len(motions["sit_joints"]) - 1}


def to_blender(points: np.ndarray) -> np.ndarray:
    """Engine axes to Blender's."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def draw(
    pen: Any,
    corner: tuple[int, int],
    heads: np.ndarray,
    links: Any,
    limbs: list[tuple[int, int, Any]],
    centre: np.ndarray,
) -> None:
    """One figure: heads (N, 3) in Blender's axes, metres."""
    turned = heads - [centre[0], centre[1], 0.0]
    across = turned[:, 0] * np.cos(HEADING) - turned[:, 1] * np.sin(HEADING)
    depth = turned[:, 0] * np.sin(HEADING) + turned[:, 1] * np.cos(HEADING)
    height = turned[:, 2] * np.cos(TILT) + depth * np.sin(TILT)
    scale = CELL / METRES
    x, y = corner[0] + 0.5 * CELL + scale * across, corner[1] + FLOOR * CELL - scale * height
    pen.line((corner[0] + 8, corner[1] + FLOOR * CELL, corner[0] + CELL - 8, corner[1] + FLOOR * CELL), fill=(225,) * 3)
    for a, b in links:
        pen.line((x[a], y[a], x[b], y[b]), fill=THIN, width=1)
    for a, b, colour in limbs:
        pen.line((x[a], y[a], x[b], y[b]), fill=colour, width=3)


def limbs_of(names: list[str], places: list[int]) -> list[tuple[int, int, Any]]:
    """The joints of a mapping joined as SMPL's, with the colour of their side."""
    at = dict(zip(names, places, strict=True))
    found = []
    for joint, name in enumerate(JOINTS):
        above = PARENTS[joint]
        while above >= 0 and JOINTS[above] not in at:
            above = PARENTS[above]
        if name in at and above >= 0:
            colour = LEFT if name.startswith("l_") else RIGHT if name.startswith("r_") else MIDDLE
            found.append((at[JOINTS[above]], at[name], colour))
    return found


def main(folder: Path) -> None:
    """Draw all rigs."""
    stored = np.load(folder / "joints.npz", allow_pickle=True)
    motions = dict(np.load(folder / "motions.npz"))
    frames = frames_of(motions)
    entries: list[tuple[str, dict[str, np.ndarray], Any, list[tuple[int, int, Any]]]] = []
    smpl = {}
    for name in frames:
        motion = Motion(motions[f"{name}_joints"], motions[f"{name}_contacts"], 20.0, motions.get(f"{name}_head_hands"))
        smpl[name] = to_blender(forward_kinematics(retarget(motion, SMPL)))
    every = limbs_of(list(JOINTS), list(range(len(JOINTS))))
    entries.append(("SMPL", smpl, [(20, 22), (21, 23)], every))
    for rig in sorted(stored.files):
        log = stored[rig].item()
        names, places = log["mapped"]
        heads = {name: log[f"{name}_heads"] for name in frames}
        entries.append((rig, heads, log["links"], limbs_of(names, places)))
    page = COLUMNS * ROWS
    for number in range(0, len(entries), page):
        image = Image.new("RGB", (COLUMNS * 3 * CELL, ROWS * (CELL + CAPTION)), PAPER)
        pen = ImageDraw.Draw(image)
        for place, (rig, heads, links, limbs) in enumerate(entries[number : number + page]):
            left, top = (place % COLUMNS) * 3 * CELL, (place // COLUMNS) * (CELL + CAPTION)
            pen.text((left + 4, top + 2), rig, fill=INK)
            for column, (name, frame) in enumerate(frames.items()):
                centre = smpl[name][frame, 0]
                draw(pen, (left + column * CELL, top + CAPTION), heads[name][frame], links, limbs, centre)
        image.save(folder / f"rigs_{number // page + 1}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "measure_rigs")
