"""What eight bits cost: the zip's text encoder beside the published float32 one.

    python tools/encoder_loss.py [--captions DATA/captions.jsonl] [--count 1000] [--seeds 2] [--model FOLDER]

Prints cosines of sentence vectors and of the token states that the denoiser reads, how far generated joints move for
the same seeds, and time and memory of both encoders. Without a file of captions it makes some up of the words that the
model's vocabulary.json counts. Needs the text encoder's package and no torch.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np

from motionlcm_blender import MotionLCM, Request
from motionlcm_blender.text.minilm import PortableMiniLM
from motionlcm_blender.text.minilm_files import minilm_folder, write_eight_bits
from motionlcm_blender.text.prompt_vocabulary import read_vocabulary

PROMPTS = (
    "a person walks forward", "a person runs forward", "a person turns left", "a person turns around", "a person jumps",
    "a person walks backwards", "a person walks in a circle", "a person crouches down",
    "a person kicks with the right leg", "a person dances", "a person raises the left arm", "a person sits down",
)  # fmt: skip
HOWS = ("", " forward", " backwards", " to the left", " to the right", " slowly", " in a circle", " three times")


def captions_of(file: Path | None, model: MotionLCM, count: int) -> list[str]:
    """So many different captions, drawn with a fixed seed."""
    if file is not None:
        rows = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line]
        found = sorted({caption for row in rows for caption in row["captions"]})
    else:
        words = read_vocabulary(model.folder.path) if model.folder is not None else None
        verbs = sorted(words.verbs) if words is not None else ["walk", "run", "jump", "turn"]
        found = [f"{who} {verb}s{how}" for who, verb, how in product(("a person", "the man"), verbs, HOWS)]
    drawn = np.random.default_rng(0).permutation(len(found))[:count]
    return [found[k] for k in drawn]


def resident_mib() -> float:
    """Resident memory of this process now; Linux only, else not a number."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def loaded(folder: Path, name: str) -> PortableMiniLM:
    """An encoder, and a line of what it cost to load."""
    before, started = resident_mib(), time.perf_counter()
    encoder = PortableMiniLM(folder)
    encoder.encode("a person")
    seconds = time.perf_counter() - started
    print(f"{name}: loaded in {1e3 * seconds:.0f} ms, {resident_mib() - before:.0f} MiB more resident")
    return encoder


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    result: np.ndarray = (a * b).sum(-1) / lengths
    return result


def row(name: str, values: list[float]) -> None:
    print(f"  {name:<34}mean {np.mean(values):.5f}  minimum {np.min(values):.5f}  ({len(values)})")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captions", type=Path, help="lines of JSON with a list `captions` each")
    parser.add_argument("--count", type=int, default=1000, help="how many captions")
    parser.add_argument("--seeds", type=int, default=2, help="motions for each of the twelve prompts")
    parser.add_argument("--model", type=Path, help="model folder; default: the bundled one")
    arguments = parser.parse_args()
    model = MotionLCM.from_folder(arguments.model, "numpy")
    most = int(model.folder.text.get("max_states", 24)) if model.folder is not None else 24
    captions = captions_of(arguments.captions, model, arguments.count)
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_eight_bits(Path(temporary) / "encoder")
        small, full = loaded(folder, "eight bits"), loaded(minilm_folder(), "float32")
    pooled: list[float] = []
    states: list[float] = []
    seconds: dict[str, list[float]] = {"eight bits": [], "float32": []}
    for caption in captions:
        made = {}
        for name, encoder in (("eight bits", small), ("float32", full)):
            started = time.perf_counter()
            made[name] = encoder.encode(caption)
            seconds[name].append(time.perf_counter() - started)
        (a_states, a), (b_states, b) = made["eight bits"], made["float32"]
        pooled.append(float(cosines(a, b)))
        states += cosines(a_states[:most], b_states[:most]).tolist()
    print(f"{len(captions)} captions: cosine to float32")
    row("sentence vector", pooled)
    row(f"token states (first {most})", states)
    times = ", ".join(f"{name} {1e3 * np.median(each):.1f} ms" for name, each in seconds.items())
    print(f"  one caption, median: {times}")
    moved: list[np.ndarray] = []
    for prompt, seed in product(PROMPTS, range(arguments.seeds)):
        joints = []
        for encoder in (small, full):
            own = MotionLCM(model.backend, model.stats, encoder, model.folder)
            joints.append(own.generate(Request(prompt, 120, seed))[0].joints)
        apart = np.linalg.norm(joints[0] - joints[1], axis=-1)
        still = np.linalg.norm((joints[0] - joints[0][:, :1]) - (joints[1] - joints[1][:, :1]), axis=-1)
        moved.append(np.array([apart.mean(), apart.max(), still.mean(), still.max()]) * 1e3)
    mean, worst = np.mean(moved, 0), np.max(moved, 0)
    print(f"{len(moved)} motions of 6 s: joints move by (mean over all / furthest of any)")
    print(f"  in the world {mean[0]:.1f} / {worst[1]:.0f} mm")
    print(f"  with the pelvis subtracted {mean[2]:.1f} / {worst[3]:.0f} mm")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
