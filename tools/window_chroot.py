"""A real Blender with a window: Debian's, on a virtual screen with software OpenGL, in a folder.

That is Debian trixie's Blender 4.3, or what another suite has: WINDOW_SUITE=sid is the newest (5.2 in November 2026).
Everything stays in build/window/, which is reused when it is there. Needs root, Debian's apt and mmdebstrap.
It is gentle to the machine it runs on: one core, lowest priority, a memory limit, an end to everything that hangs.
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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITE = os.environ.get("WINDOW_SUITE", "trixie")
HOME = ROOT / "build" / ("window" if SUITE == "trixie" else f"window-{SUITE}")
CHROOT = HOME / "root"
LAB = CHROOT / "lab" / "window"
SCREEN = "1280x800x24"
PACKAGES = (
    "blender", "python3-numpy", "xvfb", "xauth", "imagemagick", "libgl1-mesa-dri", "libglx-mesa0", "libegl1",
)  # fmt: skip
if SUITE != "trixie":
    # Later Blenders' own list of extensions imports them; Debian only recommends them.
    PACKAGES += ("python3-cattr", "python3-requests")
MEMORY_LIMIT = 8 << 30
PR_SET_PDEATHSIG = 1
SETUP_LIMIT_S = 3600
SETUP_NICENESS = int(os.environ.get("SETUP_NICENESS", "5"))
WINDOW_NICENESS = int(os.environ.get("WINDOW_NICENESS", "19"))
"""19 is the gentlest; beside other heavy work a lower number keeps the test from standing still."""


class NoWindow(RuntimeError):
    """A window cannot be had on this machine; the message says why."""


def _gently(niceness: int) -> None:
    """Run in a child before it starts its program: a session of its own, low priority, one core of two."""
    os.setsid()
    # Should this tool be killed, the kernel ends the child too, and with it the namespaces.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(niceness)
    try:
        # The kernel shares processor time among sessions first; only within one do nice values count.
        Path("/proc/self/autogroup").write_text(str(niceness))
    except OSError:
        pass  # not every kernel has it
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 2:
        os.sched_setaffinity(0, cores[-1:])


def _gently_in_limits() -> None:
    _gently(WINDOW_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _gently_setting_up() -> None:
    _gently(SETUP_NICENESS)


def _run(command: list[str], seconds: float, log: Path, prepare: Callable[[], None]) -> int:
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
        try:
            return child.wait(timeout=seconds)
        except BaseException as problem:
            # The child leads a session of its own: this ends what it started, and nothing else.
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            if isinstance(problem, subprocess.TimeoutExpired):
                return 124
            raise


def _mirror() -> str:
    """The Debian mirror this machine uses already."""
    for listing in (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")):
        if listing.is_file():
            found = re.search(r"^(?:URIs:\s*|deb\s+(?:\[[^]]*\]\s*)?)(https?://\S+)", listing.read_text(), re.MULTILINE)
            if found:
                return found.group(1)
    return "http://deb.debian.org/debian"


def _stamp() -> str:
    return hashlib.sha256(repr((SUITE, PACKAGES)).encode()).hexdigest()


def set_up(say=print) -> None:
    """Make the chroot unless it is there. Raises NoWindow."""
    ready = CHROOT / ".ready"
    if ready.is_file() and ready.read_text() == _stamp():
        return
    if os.geteuid() != 0:
        raise NoWindow("the chroot for the window test needs root")
    if shutil.which("mmdebstrap") is None:
        raise NoWindow("mmdebstrap is not installed (apt-get install mmdebstrap)")
    say(f"Setting up a Debian {SUITE} with Blender in {CHROOT.relative_to(ROOT)} (about 330 MB to download)")
    HOME.mkdir(parents=True, exist_ok=True)
    partial = HOME / "root.partial"
    for old in (partial, CHROOT):
        if old.exists():
            subprocess.run(["rm", "-rf", "--one-file-system", str(old)], check=True)
    command = ["mmdebstrap", "--quiet", "--variant=apt", "--components=main"]
    command += ["--aptopt=APT::Install-Recommends \"false\"", f"--include={','.join(PACKAGES)}"]
    if SUITE != "trixie":  # a mirror may hold a suite that moves as it was some time ago
        command += ["--aptopt=Acquire::Check-Valid-Until \"false\""]
    # Without the package lists and caches, which are not needed again.
    command += ['--customize-hook=rm -rf "$1"/var/lib/apt/lists/*']
    log = HOME / "set-up.log"
    code = _run([*command, SUITE, str(partial), _mirror()], SETUP_LIMIT_S, log, _gently_setting_up)
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise NoWindow(f"mmdebstrap ended with {code}:\n{tail}")
    mtab = partial / "etc" / "mtab"
    mtab.unlink(missing_ok=True)
    mtab.symlink_to("/proc/mounts")
    (partial / "lab").mkdir()
    (partial / ".ready").write_text(_stamp())
    partial.rename(CHROOT)


def run_inside(command: list[str], seconds: float, log: Path, screen: bool = False) -> int:
    """Run a command in the chroot, with a virtual screen if asked; returns its exit status, 124 if it hung."""
    variables = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "BLENDER_USER_RESOURCES": "/lab/window/user",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "LP_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    inside = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
    if screen:
        inside += ["xvfb-run", "-a", "-s", f"-screen 0 {SCREEN} -nolisten tcp"]
    # The shell stays the first process of the namespace: an X server whose parent is process 1 takes it for the
    # system's own, never reports that it is ready, and xvfb-run would wait for ever.
    enter = ["sh", "-c", 'mount -t proc proc "$0/proc" && chroot "$0" "$@"; exit $?', str(CHROOT)]
    return _run([*enter, *inside, *command], seconds, log, _gently_in_limits)
