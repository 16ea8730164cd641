"""Installing PyTorch into a folder of its own, trying it, and only then putting it where it is used.

Runs in a process of its own (`child`). Whatever ends it, what is used is whole or not there, and the record says so.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import Cancelled
from . import requirements as pins
from . import torch_builds
from .download_uv import ready_uv
from .errors import RuntimeProblem, explained, of_system
from .paths import InstallPaths, locked
from .state import State, read_state, write_state
from .subprocesses import environment, run_program
from .trial import check_in_process
from .uninstall import put_away, sweep

Progress = Callable[[float, str], None]
Ask = Callable[[], bool]
LOOK_AT_CACHE = 3.0
"""Seconds between two looks at how much has been fetched."""


@dataclass(frozen=True)
class Setup:
    """What to install. home: see Places. hardware: its kind. numpy: the version that Blender has.

    wheels: a folder to take everything from, without a network. host_packages: folders in which Blender finds packages
    the engine needs, searched before the new ones. model: folder of the model to try it with; None: the bundled one.
    build: the tag of PyTorch's build (`torch_builds`), where not all is taken from a folder; None: the one on PyPI.
    """

    home: str
    hardware: str
    numpy: str
    wheels: str | None = None
    host_packages: tuple[str, ...] = ()
    model: str | None = None
    build: str | None = None
    requirements: tuple[str, ...] = pins.REQUIREMENTS

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Setup:
        lists = {name: tuple(values[name]) for name in ("host_packages", "requirements")}
        return cls(**values | lists)


def install(setup: Setup, progress: Progress, cancelled: Ask) -> State:
    """Install, try, put in place. Raises Cancelled, Busy, RuntimeProblem."""
    places = InstallPaths(Path(setup.home))
    try:
        with locked(places.lock):
            previous = _previous_install(places)
            try:
                return _install(setup, places, previous, progress, cancelled)
            except (Cancelled, RuntimeProblem, OSError):
                if previous is not None:
                    write_state(places, previous)
                raise
    except OSError as error:
        raise of_system(error, setup.home) from error


def check_again(setup: Setup, progress: Progress, cancelled: Ask) -> State:
    """Try what is installed once more, after another driver, say. Raises as `install` does."""
    places = InstallPaths(Path(setup.home))
    try:
        with locked(places.lock):
            state = _read(places)
            if state is None or not places.packages.is_dir():
                raise RuntimeProblem("There is nothing to check: install PyTorch first.")
            progress(0.1, "Testing PyTorch")
            return _checked(setup, places, state, None, cancelled)
    except OSError as error:
        raise of_system(error, setup.home) from error


def _previous_install(places: InstallPaths) -> State | None:
    """The record of what is in use already and stays so until something better is there."""
    state = _read(places)
    return state if state is not None and state.step == "ready" and places.packages.is_dir() else None


def _read(places: InstallPaths) -> State | None:
    try:
        return read_state(places)
    except ValueError:
        return None


def _install(setup: Setup, places: InstallPaths, previous: State | None, progress: Progress, cancelled: Ask) -> State:
    progress(0.0, "Cleaning up")
    wheels = Path(setup.wheels) if setup.wheels else None
    if wheels is not None and not wheels.is_dir():
        raise RuntimeProblem(f"There is no folder {wheels}: choose another Wheel Folder.")
    state = State("installing", hardware=setup.hardware, source=setup.wheels or "network", numpy=setup.numpy)
    write_state(places, state)
    sweep(places)
    for left in places.unfinished:
        put_away(places, left)
    _enough_room(setup, places, wheels)
    fresh = places.fresh(state.install)
    log = places.open_log()
    try:
        os.write(log, f"\n{state.when}: {setup.requirements} for {setup.hardware} ({setup.build})\n".encode())
        progress(0.01, "Fetching the installer")
        uv = ready_uv(
            places.tools, wheels, lambda share: progress(0.01 + 0.03 * share, "Fetching the installer"), cancelled
        )
        fresh.mkdir(parents=True)
        _run_installer(setup, places, fresh, uv, log, progress, cancelled)
        progress(0.86, "Testing PyTorch")
        _leave_out_numpy(fresh, setup.numpy)
        state = replace(state, step="checking", versions=_versions(fresh))
        write_state(places, state)
        answer = _checked(setup, places, state, previous, cancelled, log)
    finally:
        os.close(log)
    shutil.rmtree(places.cache, ignore_errors=True)  # all of it is in place now
    return answer


def _checked(
    setup: Setup, places: InstallPaths, state: State, previous: State | None, cancelled: Ask, log: int | None = None
) -> State:
    """Try the packages, put them in place and write down what came of it. Raises RuntimeProblem if they fail.

    former: the record of what is in place and works; it stays there if these fail.
    """
    fresh = places.fresh(state.install)
    packages = fresh if fresh.exists() else places.packages
    try:
        found = check_in_process(packages, setup.host_packages, setup.model, cancelled, log)
    except RuntimeProblem as problem:
        if previous is not None:
            put_away(places, fresh)
        else:  # kept, to be tried again once the cause is seen to
            _put_in_place(places, fresh)
            write_state(places, replace(state, step="failed", sentence=str(problem)))
        raise
    _put_in_place(places, fresh)
    state = replace(
        state,
        step="ready",
        numpy=setup.numpy,
        device=found["device"],
        device_name=found["device_name"],
        difference_mm=round(found["difference_mm"], 3),
        milliseconds=round(found["milliseconds"], 1),
        sentence=found["note"],
    )
    write_state(places, state)
    return state


def _put_in_place(places: InstallPaths, fresh: Path) -> None:
    if fresh.exists():
        put_away(places, places.packages)
        os.replace(fresh, places.packages)


def _enough_room(setup: Setup, places: InstallPaths, wheels: Path | None) -> None:
    needed = pins.GIGABYTES[setup.hardware][1] * 1e9
    if wheels is not None:
        needed = 3.0 * sum(wheel.stat().st_size for wheel in wheels.glob("*.whl"))
    free = shutil.disk_usage(places.home).free
    if free < needed:
        raise RuntimeProblem(
            f"PyTorch needs about {needed / 1e9:.1f} GB, but only {free / 1e9:.1f} GB are free in {places.home}: free "
            "some, then try again."
        )


def _run_installer(
    setup: Setup, places: InstallPaths, fresh: Path, uv: Path | None, log: int, progress: Progress, cancelled: Ask
) -> None:
    """uv, or pip where uv cannot be had or run. Raises RuntimeProblem with what it printed in one sentence."""
    fetched = _Fetched(places.cache, pins.GIGABYTES[setup.hardware][0] * 1e9, progress)
    temporary = places.home / "temporary"
    env = environment(temporary)
    try:
        if uv is not None:
            try:
                status, printed = run_program(
                    _with_uv(setup, places, fresh, uv), fetched.line, cancelled, log, env, fetched.look
                )
            except OSError as error:  # a disk from which nothing may be run, a guard that forbids it
                os.write(log, f"uv does not run here: {error}\n".encode())
                uv = None
        if uv is None:
            command = _with_pip(setup, places, fresh)
            status, printed = run_program(command, fetched.line, cancelled, log, env, fetched.look)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if status:
        raise RuntimeProblem(explained(printed, str(places.home), setup.wheels))


def _with_uv(setup: Setup, places: InstallPaths, fresh: Path, uv: Path) -> list[str]:
    excluded = places.home / "left_out.txt"
    excluded.write_text("numpy\n", encoding="utf-8")
    command = [
        str(uv), "pip", "install", "--target", str(fresh), "--python", sys.executable, "--only-binary", ":all:",
        "--cache-dir", str(places.cache), "--excludes", str(excluded), "--no-python-downloads", "--color", "never",
    ]  # fmt: skip
    if setup.wheels:
        command += ["--no-index", "--find-links", setup.wheels, "--no-config", "--offline"]
    elif setup.build is not None:
        command += ["--torch-backend", setup.build]
    return [*command, *setup.requirements]


def _with_pip(setup: Setup, places: InstallPaths, fresh: Path) -> list[str]:
    """The pip that comes with Python, run from its wheel: nothing is installed into Blender."""
    command = [
        sys.executable, "-I", "-X", "utf8", *_pip(), "--isolated" if setup.wheels else "--no-input",
        "--disable-pip-version-check", "--cache-dir", str(places.cache / "pip"), "install", "--target",
        str(fresh), "--only-binary", ":all:", "--progress-bar", "off", "--no-warn-script-location",
    ]  # fmt: skip
    if setup.wheels:
        return [*command, "--no-index", "--find-links", setup.wheels, *setup.requirements]
    index = torch_builds.index_of(setup.build)
    if index is None:
        return [*command, *setup.requirements]
    # Among indexes pip takes the highest version, wherever it lies: with the build in it, that is never PyPI's.
    wanted = (f"{each}+{setup.build}" if each.startswith("torch==") else each for each in setup.requirements)
    return [*command, "--extra-index-url", index, *wanted]


def _pip() -> list[str]:
    """How Python is to be told to run pip. Raises RuntimeProblem where there is none."""
    spec = importlib.util.find_spec("ensurepip")  # some systems leave it out
    if spec is not None and spec.origin is not None:
        bundled = sorted((Path(spec.origin).parent / "_bundled").glob("pip-*.whl"))
        if bundled:
            return [str(bundled[-1] / "pip")]
    if importlib.util.find_spec("pip") is not None:
        return ["-m", "pip"]
    raise RuntimeProblem("Neither uv nor pip can be had here: install pip for the Python that Blender uses.")


class _Fetched:
    """How far an installer has got, from what it prints and how its cache grows."""

    def __init__(self, cache: Path, expected: float, progress: Progress) -> None:
        self.cache, self.expected, self.progress = cache, expected, progress
        self.unpacking, self.share, self.next = False, 0.05, 0.0

    def line(self, line: str) -> None:
        if re.match(r"\s*(Prepared|Installing collected)", line):
            self.unpacking, self.share = True, max(self.share, 0.75)
        elif re.match(r"\s*(Installed|Successfully installed)", line):
            self.share = 0.85
        self.say()

    def look(self) -> None:
        now = time.monotonic()
        if now < self.next:
            return
        self.next = now + LOOK_AT_CACHE
        # The cache holds files as they are unpacked, about twice of what is fetched.
        self.share = max(self.share, min(0.74, 0.05 + 0.69 * _size(self.cache) / (2.2 * self.expected)))
        self.say()

    def say(self) -> None:
        progress = self.progress
        progress(self.share, "Unpacking PyTorch" if self.unpacking else "Fetching PyTorch")


def _size(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except OSError:
                pass  # it has been moved meanwhile
    return total


def _versions(packages: Path) -> dict[str, str]:
    """What was installed, by name."""
    found = {}
    for info in sorted(packages.glob("*.dist-info")):
        name, _, version = info.name.removesuffix(".dist-info").partition("-")
        found[name] = version
    return found


def _leave_out_numpy(packages: Path, numpy: str) -> None:
    """Blender's own NumPy is used: take another away, and see that all that was installed can do with it.

    Raises RuntimeProblem.
    """
    for pattern in ("numpy", "numpy.libs", "numpy-*.dist-info"):
        for found in packages.glob(pattern):
            shutil.rmtree(found)
    for metadata in sorted(packages.glob("*.dist-info/METADATA")):
        for line in metadata.read_text(encoding="utf-8", errors="replace").splitlines():
            if not line:
                break  # the description begins
            wanted = re.match(r"Requires-Dist:\s*numpy\b\s*\(?([^;)]*)\)?\s*(;.*)?$", line, re.IGNORECASE)
            if wanted and "extra" not in (wanted[2] or "") and not meets(numpy, wanted[1]):
                name = metadata.parent.name.partition("-")[0]
                told = f"{name} needs NumPy {wanted[1].strip()}, but Blender has {numpy}"
                raise RuntimeProblem(f"{told}: take wheels that go with it, or another Blender.")


def meets(version: str, wanted: str) -> bool:
    """Whether a version is within limits such as ">=1.17,<3"."""
    own = _numbers(version)
    for limit in filter(None, (part.strip() for part in wanted.split(","))):
        told = re.match(r"(~=|[=!<>]=?=?)\s*(.*)", limit)
        sign, text = (told[1], told[2]) if told else ("==", limit)
        other = _numbers(text.removesuffix(".*"))
        if text.endswith(".*") or sign == "~=":
            length = len(other) - (sign == "~=")
            alike = own[:length] == other[:length]
            held = {"==": alike, "!=": not alike, "~=": alike and own >= other}[sign]
        else:
            width = max(len(own), len(other))
            a, b = own + (0,) * (width - len(own)), other + (0,) * (width - len(other))
            held = {"==": a == b, "===": a == b, "!=": a != b, ">=": a >= b, "<=": a <= b, ">": a > b, "<": a < b}[sign]
        if not held:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", version.strip())
    return tuple(int(part) for part in found[0].split(".")) if found else ()
