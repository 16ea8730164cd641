"""Number of physical cores, on Linux, macOS and Windows."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path

_TOPOLOGY = Path("/sys/devices/system/cpu")


@cache
def physical_cores() -> int:
    """Physical cores that this process may use, at least 1; on macOS the performance cores.

    Two threads of one core share its arithmetic units, so more threads than cores do not multiply faster.
    """
    try:
        if sys.platform == "win32":
            found = _windows()
        elif sys.platform == "darwin":
            found = _macos()
        else:
            found = linux_cores(_TOPOLOGY, os.sched_getaffinity(0))
    except (OSError, ValueError, AttributeError):
        found = 0
    return found or max(1, (os.cpu_count() or 1) // 2)


def linux_cores(topology: Path, usable: set[int]) -> int:
    """Count the cores that have a usable processor.

    Args:
        topology: The folder with a folder for each processor, `cpu0` and so on.
        usable: Numbers of the processors that this process may use.

    Returns:
        The number of cores.

    Raises:
        OSError: The files are not there.
    """
    files = (topology / f"cpu{number}" / "topology" / "thread_siblings_list" for number in usable)
    return len({file.read_text().strip() for file in files})


def _macos() -> int:
    library = ctypes.CDLL(None)
    for name in (b"hw.perflevel0.physicalcpu", b"hw.physicalcpu"):
        count = ctypes.c_int(0)
        size = ctypes.c_size_t(ctypes.sizeof(count))
        if library.sysctlbyname(name, ctypes.byref(count), ctypes.byref(size), None, ctypes.c_size_t(0)) == 0:
            return count.value
    return 0


class _ProcessorInformation(ctypes.Structure):
    """SYSTEM_LOGICAL_PROCESSOR_INFORMATION of the Windows API."""

    _fields_ = (
        ("mask", ctypes.c_size_t),
        ("relationship", ctypes.c_int),
        ("details", ctypes.c_uint64 * 2),
    )


def _windows() -> int:
    inform = getattr(ctypes, "WinDLL")("kernel32").GetLogicalProcessorInformation  # noqa: B009 - not on other systems
    size = ctypes.c_uint32(0)
    inform(None, ctypes.byref(size))
    rows = (_ProcessorInformation * max(1, size.value // ctypes.sizeof(_ProcessorInformation)))()
    size = ctypes.c_uint32(ctypes.sizeof(rows))
    if not inform(ctypes.byref(rows), ctypes.byref(size)):
        return 0
    return sum(row.relationship == 0 for row in rows[: size.value // ctypes.sizeof(_ProcessorInformation)])
