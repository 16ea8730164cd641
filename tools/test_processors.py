"""The engine's numeric tests as other machines calculate: older kernels, one and two threads, NumPy without a BLAS.

    python tools/test_processors.py [NAME ...] [-- ARGUMENTS OF PYTEST]

Each way of calculating runs `pytest -m numeric` in a process of its own, one after the other. Libraries choose their
kernels when they are loaded, by what the processor offers; environment variables keep the newer ones from them.
A NumPy without a BLAS, as Blender builds its own, is compiled from its source into build/ where there is a C compiler,
which takes some minutes, once; where there is none this one is skipped, loudly.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NO_BLAS = ROOT / "build" / "numpy-without-blas"
LIMIT_S = 3600
BUILD_LIMIT_S = 3600
NEWER = "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
"""What NumPy has kernels for beyond the x86-64 that everything runs on; it warns of what is not there."""


class NoSuchNumpy(RuntimeError):
    """A NumPy without a BLAS is not available on this machine; the message contains the reason."""


@dataclass(frozen=True)
class Way:
    """One way of calculating. variables: of the environment; without_blas: with a NumPy built so."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    without_blas: bool = False


def threads(count: int) -> dict[str, str]:
    chosen = {f"{library}_NUM_THREADS": str(count) for library in ("OMP", "OPENBLAS", "MKL")}
    # Threads that wait for each other sleep: beside other work, spinning ones would take what the other one needs.
    return chosen | {"OMP_WAIT_POLICY": "passive"}


def kernels(torch: str, blas: str, newer: bool) -> dict[str, str]:
    """Kernels of PyTorch itself, of OpenBLAS and MKL below NumPy and PyTorch, and of NumPy itself."""
    chosen = {"ATEN_CPU_CAPABILITY": torch, "OPENBLAS_CORETYPE": blas}
    return chosen if newer else chosen | {"NPY_DISABLE_CPU_FEATURES": NEWER, "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"}


WAYS = (
    Way("default-1", kernels("default", "Prescott", False) | threads(1)),
    Way("default-2", kernels("default", "Prescott", False) | threads(2)),
    Way("avx2-1", kernels("avx2", "Haswell", True) | threads(1)),
    Way("avx2-2", kernels("avx2", "Haswell", True) | threads(2)),
    Way("without-blas", threads(1), without_blas=True),
)


def numpy_without_blas() -> Path:
    """The folder of this Python's NumPy, the same version, built without a BLAS. Raises NoSuchNumpy."""
    version = importlib.metadata.version("numpy")
    folder = NO_BLAS / f"{version}-{sys.implementation.cache_tag}"
    if (folder / "numpy").is_dir():
        return folder
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        raise NoSuchNumpy("there is no C compiler here (on Debian: apt-get install build-essential)")
    print(f"Building NumPy {version} without a BLAS into {folder.relative_to(ROOT)}, once", flush=True)
    unfinished = folder.with_suffix(".partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    options = [f"-Csetup-args=-D{option}" for option in ("allow-noblas=true", "blas=none", "lapack=none")]
    command = [sys.executable, "-m", "pip", "-q", "install", "--no-deps", "--no-binary", "numpy", *options]
    try:
        built = subprocess.run(
            [*command, "--target", str(unfinished), f"numpy=={version}"], timeout=BUILD_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise NoSuchNumpy(f"it was not built after {BUILD_LIMIT_S} s") from late
    if built.returncode:
        raise NoSuchNumpy("pip could not build it; its output is above")
    unfinished.rename(folder)
    return folder


def environment_of(way: Way) -> dict[str, str]:
    """Raises NoSuchNumpy."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **way.variables}
    if way.without_blas:
        paths = [str(numpy_without_blas()), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment


PROBE = """
import numpy
from motionlcm_blender.networks.numpy_impl import matmul
blas = numpy.__config__.CONFIG["Build Dependencies"]["blas"]
what = f"NumPy {numpy.__version__} with {blas['name'] if blas.get('found') else 'no BLAS'}"
try:
    import torch
    kernels, threads = torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()
    what += f"; PyTorch {torch.__version__}, {kernels}, threads: {threads}"
except ImportError:
    what += "; no PyTorch"
print(what)
"""


def run(way: Way, arguments: list[str]) -> int:
    """pytest's exit status; 124 if it did not end in time. Raises NoSuchNumpy."""
    environment = environment_of(way)
    command = [sys.executable, "-W", "ignore", "-c", PROBE]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    print(f"\n=== {way.name}: {answer.stdout.strip() or answer.stderr.strip()}", flush=True)
    if answer.returncode:
        return 1
    if way.without_blas and "no BLAS" not in answer.stdout:
        print("This is not the NumPy that was built for it.", flush=True)
        return 1
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "numeric", "tests/engine"]
    try:
        return subprocess.run(
            [*command, *arguments], cwd=ROOT, env=environment, timeout=LIMIT_S, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        print(f"not finished after {LIMIT_S} s: stopped", flush=True)
        return 124


def main() -> int:
    own, arguments = sys.argv[1:], []
    if "--" in own:
        at = own.index("--")
        own, arguments = own[:at], own[at + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(way.name for way in WAYS)}; none: all")
    names = parser.parse_args(own).names
    known = {way.name: way for way in WAYS}
    if unknown := [name for name in names if name not in known]:
        parser.error(f"unknown: {', '.join(unknown)}")
    outcome: dict[str, str] = {}
    for way in (known[name] for name in names) if names else WAYS:
        if "ATEN_CPU_CAPABILITY" in way.variables and platform.machine() not in ("x86_64", "AMD64"):
            outcome[way.name] = "SKIPPED: these kernels are those of x86-64"
            continue
        started = time.monotonic()
        try:
            code = run(way, arguments)
        except NoSuchNumpy as problem:
            outcome[way.name] = f"SKIPPED: {problem}"
            continue
        word = "passed" if code == 0 else f"FAILED with {code}"
        outcome[way.name] = f"{word} ({time.monotonic() - started:.0f} s)"
    print()
    for name, what in outcome.items():
        print(f"{name:<13} {what}")
    failed = [name for name, what in outcome.items() if what.startswith("FAILED")]
    ran = [name for name, what in outcome.items() if not what.startswith("SKIPPED")]
    return 1 if failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
