"""A little data set of motion made by formula, as `motionlcm prepare` writes it, and words without an encoder."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
from synthetic_motion import gestures, walk

KINDS = {
    "slow": ("a person walks slowly.", "someone strolls."),
    "fast": ("a person walks quickly.", "someone hurries along."),
    "left": ("a person walks and turns left.", "someone walks around to the left."),
    "wave": ("a person moves the arms.", "someone stretches."),
}


class Words:
    """In place of MiniLM: every word has a random direction; a sentence is their mean."""

    def encode(self, prompt: str) -> tuple[np.ndarray, np.ndarray]:
        words = prompt.strip(".").split()
        states = [np.random.default_rng(zlib.crc32(w.encode())).normal(size=384) for w in words]
        rows = np.array(states, np.float32).reshape(-1, 384)
        mean = rows.mean(0) if len(rows) else np.ones(384, np.float32)
        return rows, (mean / np.linalg.norm(mean)).astype(np.float32)


def write_data(folder: Path, each: int = 5) -> Path:
    """`each` clips of every kind, the last of each kind for testing; two captions, one segment a clip."""
    clips = {}
    for k in range(each):
        clips[f"slow_{k}"] = walk(60 + k, speed=0.5 + 0.03 * k)
        clips[f"fast_{k}"] = walk(60 + k, speed=1.6 + 0.05 * k)
        clips[f"left_{k}"] = walk(60 + k, speed=1.0, turn_rate=0.8 + 0.05 * k)
        clips[f"wave_{k}"] = gestures(60 + k, seed=k)[0]
    np.savez(folder / "joints.npz", **{n: np.round(j / 0.0005).astype(np.int16) for n, j in clips.items()})
    rows = [
        {"clip": n, "start": 0.0, "end": (len(j) - 1) / 20, "captions": KINDS[n.split("_")[0]]}
        for n, j in clips.items()
    ]
    (folder / "captions.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    (folder / "splits.json").write_text(json.dumps({"test": [f"{kind}_{each - 1}" for kind in KINDS]}))
    return folder
