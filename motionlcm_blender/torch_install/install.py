"""Installation of PyTorch: into a new folder, tested there, and then moved into use.

Runs in a process of its own (`child_process`). Whatever ends it, the folder in use is complete or absent, and the
record is correct.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
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
IsCancelled = Callable[[], bool]
LOOK_AT_CACHE = 3.0
"""Seconds between two measurements of the download's size."""


@dataclass(frozen=True)
class Setup:
    """Input of the installation.

    Attributes:
        home: The folder, see InstallPaths.
        hardware: Kind of the hardware.
        numpy: Version of Blender's NumPy.
        wheels: A folder of all packages, used instead of the network, or None.
        host_packages: Folders of Blender's packages that the engine needs, searched before the new ones.
        model: Folder of the model for the test; None: the bundled one.
        build: Tag of PyTorch's build (`torch_builds`), if `wheels` is None; None: the one on PyPI.
        requirements: Requirements for the installer.
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
        """The input as JSON values by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Setup:
        """Make the input from JSON values."""
        lists = {name: tuple(values[name]) for name in ("host_packages", "requirements")}
        return cls(**values | lists)


def install(setup: Setup, progress: Progress, cancelled: IsCancelled) -> State:
    """Install, test, and move into use.

    Args:
        setup: The input.
        progress: Called with a fraction 0..1 and a description.
        cancelled: True stops.

    Returns:
        The record of the installation.

    Raises:
        Cancelled: `cancelled` returned True.
        Busy: Another Blender is working on the installation.
        RuntimeProblem: The installation or its test failed.
    """
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


def check_again(setup: Setup, progress: Progress, cancelled: IsCancelled) -> State:
    """Repeat the test of the installed packages, for example after a driver update; errors as in `install`."""
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
    """Record of the installation in use, which stays until a new one works."""
    state = _read(places)
    return state if state is not None and state.step == "ready" and places.packages.is_dir() else None


def _read(places: InstallPaths) -> State | None:
    try:
        return read_state(places)
    except ValueError:
        return None


def _install(
    setup: Setup, places: InstallPaths, previous: State | None, progress: Progress, cancelled: IsCancelled
) -> State:
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
            places.tools, wheels, lambda fraction: progress(0.01 + 0.03 * fraction, "Fetching the installer"), cancelled
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
    shutil.rmtree(places.cache, ignore_errors=True)  # everything is in place now
    return answer


def _checked(
    setup: Setup,
    places: InstallPaths,
    state: State,
    previous: State | None,
    cancelled: IsCancelled,
    log: int | None = None,
) -> State:
    """Test the packages, move them into use and write the record.

    previous: record of the working installation in use, which stays if the test fails.

    Raises:
        RuntimeProblem: The test failed.
    """
    fresh = places.fresh(state.install)
    packages = fresh if fresh.exists() else places.packages
    try:
        found = check_in_process(packages, setup.host_packages, setup.model, cancelled, log)
    except RuntimeProblem as problem:
        if previous is not None:
            put_away(places, fresh)
        else:  # kept for another test after the cause is fixed
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
        fresh.replace(places.packages)


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
    setup: Setup,
    places: InstallPaths,
    fresh: Path,
    uv: Path | None,
    log: int,
    progress: Progress,
    cancelled: IsCancelled,
) -> None:
    """Run uv, or pip where uv is not available or cannot run.

    Raises:
        RuntimeProblem: The installer failed; the sentence explains its output.
    """
    fetched = _Fetched(places.cache, pins.GIGABYTES[setup.hardware][0] * 1e9, progress)
    temporary = places.home / "temporary"
    env = environment(temporary)
    try:
        if uv is not None:
            try:
                status, printed = run_program(
                    _with_uv(setup, places, fresh, uv), fetched.line, cancelled, log, env, fetched.look
                )
            except OSError as error:  # a disk mounted without execution, or security software
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
    """Command for the pip that comes with Python, run from its wheel: nothing is installed into Blender."""
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
    # pip takes the highest version of all indexes; with the build's tag in it, that is never PyPI's.
    wanted = (f"{each}+{setup.build}" if each.startswith("torch==") else each for each in setup.requirements)
    return [*command, "--extra-index-url", index, *wanted]


def _pip() -> list[str]:
    """Arguments with which Python runs pip.

    Raises:
        RuntimeProblem: There is no pip.
    """
    spec = importlib.util.find_spec("ensurepip")  # some systems leave it out
    if spec is not None and spec.origin is not None:
        bundled = sorted((Path(spec.origin).parent / "_bundled").glob("pip-*.whl"))
        if bundled:
            return [str(bundled[-1] / "pip")]
    if importlib.util.find_spec("pip") is not None:
        return ["-m", "pip"]
    raise RuntimeProblem("Neither uv nor pip can be had here: install pip for the Python that Blender uses.")


class _Fetched:
    """Estimates the progress of an installer from its output and the growth of its cache."""

    def __init__(self, cache: Path, expected: float, progress: Progress) -> None:
        self.cache, self.expected, self.progress = cache, expected, progress
        self.unpacking, self.fraction, self.next = False, 0.05, 0.0

    def line(self, line: str) -> None:
        """Process a line of the installer's output."""
        if re.match(r"\s*(Prepared|Installing collected)", line):
            self.unpacking, self.fraction = True, max(self.fraction, 0.75)
        elif re.match(r"\s*(Installed|Successfully installed)", line):
            self.fraction = 0.85
        self.show_progress()

    def look(self) -> None:
        """Measure the cache."""
        now = time.monotonic()
        if now < self.next:
            return
        self.next = now + LOOK_AT_CACHE
        # The cache contains unpacked files, about twice the size of the download.
        self.fraction = max(self.fraction, min(0.74, 0.05 + 0.69 * _size(self.cache) / (2.2 * self.expected)))
        self.show_progress()

    def show_progress(self) -> None:
        """Report the progress."""
        progress = self.progress
        progress(self.fraction, "Unpacking PyTorch" if self.unpacking else "Fetching PyTorch")


def _size(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # moved in the meantime
                total += (Path(path) / name).lstat().st_size
    return total


def _versions(packages: Path) -> dict[str, str]:
    """Versions of the installed packages by name."""
    found = {}
    for info in sorted(packages.glob("*.dist-info")):
        name, _, version = info.name.removesuffix(".dist-info").partition("-")
        found[name] = version
    return found


def _leave_out_numpy(packages: Path, numpy: str) -> None:
    """Remove an installed NumPy, because Blender's own is used, and check that all packages work with that.

    Raises:
        RuntimeProblem: A package needs another NumPy.
    """
    for pattern in ("numpy", "numpy.libs", "numpy-*.dist-info"):
        for found in packages.glob(pattern):
            shutil.rmtree(found)
    for metadata in sorted(packages.glob("*.dist-info/METADATA")):
        for line in metadata.read_text(encoding="utf-8", errors="replace").splitlines():
            if not line:
                break  # the description starts here
            wanted = re.match(r"Requires-Dist:\s*numpy\b\s*\(?([^;)]*)\)?\s*(;.*)?$", line, re.IGNORECASE)
            if wanted and "extra" not in (wanted[2] or "") and not meets(numpy, wanted[1]):
                name = metadata.parent.name.partition("-")[0]
                problem = f"{name} needs NumPy {wanted[1].strip()}, but Blender has {numpy}"
                raise RuntimeProblem(f"{problem}: take wheels that go with it, or another Blender.")


def meets(version: str, wanted: str) -> bool:
    """Whether a version is within limits such as ">=1.17,<3"; limits that cannot be read are left to the trial."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(wanted).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True
