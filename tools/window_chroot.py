"""A Debian in a folder: for a real Blender with a window, on a virtual screen with software OpenGL, and for Wine.

Blender is Debian trixie's 4.3, or what another suite has: WINDOW_SUITE=sid is the newest (5.2 in November 2026).
Everything stays in build/, which is reused when it is there. Needs root, Debian's apt and mmdebstrap.
It is gentle to the machine it runs on: one core for each command, lowest priority, a memory limit, an end to everything
that hangs.
`Ended.starved` is True if other work left it too little of that core.
Commands run in namespaces of their own, so that no process and no mount is left behind, whatever happens.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from processor_share import ProcessorShare

ROOT = Path(__file__).resolve().parent.parent
SCREEN = (1280, 800)
"""Width and height of the virtual screen, in pixels."""
DISPLAY = 99
"""Number of the virtual screen; that of a second command at the same time is larger by `DISPLAYS_APART`."""
DISPLAYS_APART = 20
LIBC = ctypes.CDLL(None)
"""Loaded before any thread starts a child: between fork and exec a child must not load libraries."""
MEMORY_LIMIT = 8 << 30
PR_SET_PDEATHSIG = 1
SETUP_LIMIT_S = 3600
SETUP_NICENESS = int(os.environ.get("SETUP_NICENESS", "5"))
WINDOW_NICENESS = int(os.environ.get("WINDOW_NICENESS", "19"))
"""19 is the gentlest; beside other heavy work a lower number keeps the test from standing still."""
REPEAT_NICENESS = max(-20, min(0, WINDOW_NICENESS - 10))
"""Of a run that starved and is repeated."""


class NoWindow(RuntimeError):
    """A window is not available on this machine; the message contains the reason."""


@dataclass(frozen=True)
class Debian:
    """A Debian of our own in a folder of build/. megabytes: about what its packages take to download."""

    name: str
    suite: str
    packages: tuple[str, ...]
    megabytes: int

    @property
    def home(self) -> Path:
        return ROOT / "build" / self.name

    @property
    def root(self) -> Path:
        return self.home / "root"

    @property
    def lab(self) -> Path:
        """What is to be seen inside, as /lab/window."""
        return self.root / "lab" / "window"

    def stamp(self) -> str:
        return hashlib.sha256(repr((self.suite, self.packages)).encode()).hexdigest()


def with_blender(suite: str) -> Debian:
    packages: tuple[str, ...] = (
        "blender", "python3-numpy", "xvfb", "xauth", "imagemagick", "libgl1-mesa-dri", "libglx-mesa0", "libegl1",
    )  # fmt: skip
    if suite == "trixie":
        return Debian("window", suite, packages, 340)
    # Later Blenders' own list of extensions imports them; Debian only recommends them.
    return Debian(f"window-{suite}", suite, (*packages, "python3-cattr", "python3-requests"), 540)


BLENDER = with_blender(os.environ.get("WINDOW_SUITE", "trixie"))


def _gently(niceness: int, slot: int = 0) -> None:
    """Run in a child before it starts its program: a session of its own, low priority, one core of two.

    slot: 0 or 1, of commands that run at the same time; each has its core.
    """
    os.setsid()
    # Should this tool be killed, the kernel ends the child too, and with it the namespaces.
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(niceness)
    with suppress(OSError):  # not every kernel has it
        # The kernel shares processor time among sessions first; only within one do nice values count.
        Path("/proc/self/autogroup").write_text(str(niceness))
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 2:
        os.sched_setaffinity(0, {cores[-1 - slot]})


def _gently_in_limits(niceness: int = WINDOW_NICENESS, slot: int = 0) -> None:
    _gently(niceness, slot)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _gently_setting_up() -> None:
    _gently(SETUP_NICENESS)


@dataclass(frozen=True)
class Ended:
    """How a command ended. code: its exit status, 124 if it was stopped; share: of the processor time it wanted."""

    code: int
    share: float
    starved: bool


def _run(command: list[str], seconds: float, log: Path, prepare: Callable[[], None]) -> Ended:
    """Run a command in namespaces of its own, its output to the file `log`; 124 if it was stopped for taking too long.

    The kernel takes down its mounts and ends all its processes together with the first of them.
    """
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with log.open("wb") as output:
        child = subprocess.Popen(
            [*namespaces, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=prepare,
        )
        with ProcessorShare(child.pid) as given:  # the child leads a session of its own
            try:
                code = child.wait(timeout=seconds)
            except BaseException as problem:
                # This ends what it started, and nothing else.
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                if not isinstance(problem, subprocess.TimeoutExpired):
                    raise
                code = 124
    return Ended(code, given.share, given.starved)


def _mirror() -> str:
    """The Debian mirror this machine uses already."""
    for listing in (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")):
        if listing.is_file():
            found = re.search(r"^(?:URIs:\s*|deb\s+(?:\[[^]]*\]\s*)?)(https?://\S+)", listing.read_text(), re.MULTILINE)
            if found:
                return found.group(1)
    return "http://deb.debian.org/debian"


def set_up(debian: Debian = BLENDER, on_line=print) -> None:
    """Make the chroot unless it is there. Raises NoWindow."""
    ready = debian.root / ".ready"
    if ready.is_file() and ready.read_text() == debian.stamp():
        return
    if os.geteuid() != 0:
        raise NoWindow("a chroot needs root")
    if shutil.which("mmdebstrap") is None:
        raise NoWindow("mmdebstrap is not installed (apt-get install mmdebstrap)")
    what = f"a Debian {debian.suite} with {debian.packages[0]} in {debian.root.relative_to(ROOT)}"
    on_line(f"Setting up {what} (about {debian.megabytes} MB to download)")
    debian.home.mkdir(parents=True, exist_ok=True)
    unfinished = debian.home / "root.partial"
    for old in (unfinished, debian.root):
        if old.exists():
            subprocess.run(["rm", "-rf", "--one-file-system", str(old)], check=True)
    command = ["mmdebstrap", "--quiet", "--variant=apt", "--components=main"]
    command += ['--aptopt=APT::Install-Recommends "false"', f"--include={','.join(debian.packages)}"]
    if debian.suite != "trixie":  # a mirror may hold a suite that moves as it was some time ago
        command += ['--aptopt=Acquire::Check-Valid-Until "false"']
    # Without the package lists and caches, which are not needed again.
    command += ['--customize-hook=rm -rf "$1"/var/lib/apt/lists/*']
    log = debian.home / "set-up.log"
    code = _run([*command, debian.suite, str(unfinished), _mirror()], SETUP_LIMIT_S, log, _gently_setting_up).code
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise NoWindow(f"mmdebstrap ended with {code}:\n{tail}")
    mtab = unfinished / "etc" / "mtab"
    mtab.unlink(missing_ok=True)
    mtab.symlink_to("/proc/mounts")
    (unfinished / "lab").mkdir()
    (unfinished / ".ready").write_text(debian.stamp())
    unfinished.rename(debian.root)


def run_inside(
    command: list[str],
    seconds: float,
    log: Path,
    screen: bool = False,
    debian: Debian = BLENDER,
    niceness: int = WINDOW_NICENESS,
    slot: int = 0,
    size: tuple[int, int] = SCREEN,
    **more: str,
) -> Ended:
    """Run a command in the chroot; returns how it ended, with 124 if it hung.

    screen: with a virtual one, of `size` pixels. niceness: from -20, the first to be served, to 19. slot: 0 or 1, of
    two commands at the same time. more: environment variables.
    """
    variables = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "BLENDER_USER_RESOURCES": "/lab/window/user",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "LP_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **more,
    }
    inside = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
    if screen:
        inside += [
            "xvfb-run",
            "-n",
            str(DISPLAY + DISPLAYS_APART * slot),
            "-a",
            "-s",
            f"-screen 0 {size[0]}x{size[1]}x24 -nolisten tcp",
        ]
    # The shell stays the first process of the namespace: an X server whose parent is process 1 takes it for the
    # system's own, never reports that it is ready, and xvfb-run would wait for ever.
    enter = ["sh", "-c", 'mount -t proc proc "$0/proc" && chroot "$0" "$@"; exit $?', str(debian.root)]
    return _run([*enter, *inside, *command], seconds, log, partial(_gently_in_limits, niceness, slot))
