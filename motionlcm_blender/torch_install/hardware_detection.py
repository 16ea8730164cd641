"""Detection of graphics cards and drivers, without PyTorch."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .hardware import AMD, INTEL, NVIDIA, Hardware
from .torch_builds import ROCM_ARCHITECTURES, cuda_problem

PATIENCE = 10.0
"""Seconds that a driver's own tool may take."""


def find_hardware(
    root: Path = Path("/"),
    system: str | None = None,
    machine: str | None = None,
    run_tool: Callable[[list[str]], str] | None = None,
) -> Hardware:
    """Find the best card for PyTorch. Takes up to seconds: call it from a worker.

    Args:
        root: Root of the file system, for tests.
        system: Name of the system, for tests.
        machine: Name of the processor, for tests.
        run_tool: Runs a tool and returns its output, for tests.

    Returns:
        The card.
    """
    system, machine, run_tool = system or platform.system(), machine or platform.machine(), run_tool or _answer
    if system == "Darwin":
        if machine == "arm64":
            return Hardware("mps", run_tool(["sysctl", "-n", "machdep.cpu.brand_string"]).strip() or "Apple silicon")
        return Hardware("none", note="PyTorch no longer comes for Macs with Intel processors: stay with NumPy.")
    found = []
    for look in (_nvidia, _amd, _intel):
        card = look(root, system, run_tool)
        if card is not None and card.kind != "none":
            return card
        found.append(card)
    return next((card for card in found if card is not None), Hardware("none"))


def _nvidia(root: Path, system: str, run_tool: Callable[[list[str]], str]) -> Hardware | None:
    cards = _nvidia_cards(system, run_tool)
    if cards:
        name, driver, memory, architecture = max(cards, key=lambda card: int(card[2]) if card[2].isdigit() else 0)
        found = Hardware("cuda", name, driver, int(memory) if memory.isdigit() else 0, architecture=architecture)
        return _usable(found, system)
    version = _text(root / "proc/driver/nvidia/version")
    number = re.search(r"\b(\d{3,}\.\d+(?:\.\d+)?)\b", version) or re.search(
        r"(\d{3,}\.\d+(?:\.\d+)?)", _text(root / "sys/module/nvidia/version")
    )
    if number:
        return _usable(Hardware("cuda", "NVIDIA graphics card", number[1]), system)
    if system == "Windows" and (Path(os.environ.get("SystemRoot", r"C:\Windows")) / "System32/nvcuda.dll").is_file():
        return Hardware("cuda", "NVIDIA graphics card")
    if NVIDIA in _cards(root):
        return Hardware("none", note="There is an NVIDIA card, but not NVIDIA's driver: install that first.")
    return None


def _usable(card: Hardware, system: str) -> Hardware:
    """The card, or a card of kind "none" with the reason why PyTorch cannot use it."""
    note = cuda_problem(card.driver, card.architecture, system)
    return replace(card, kind="none", name="", note=note) if note else card


def _nvidia_cards(system: str, run_tool: Callable[[list[str]], str]) -> list[list[str]]:
    """Name, driver, memory and compute capability of each card; older drivers' tools lack the last one."""
    fields = ["name", "driver_version", "memory.total", "compute_cap"]
    for count in (4, 3):
        output = run_tool(
            [_nvidia_smi(system), f"--query-gpu={','.join(fields[:count])}", "--format=csv,noheader,nounits"]
        )
        cards = [[part.strip() for part in line.split(",")] for line in output.splitlines()]
        cards = [[*card, ""][:4] for card in cards if len(card) in (3, 4)]
        if cards:
            return cards
    return []


def _nvidia_smi(system: str) -> str:
    if system == "Windows":
        beside = Path(os.environ.get("SystemRoot", r"C:\Windows")) / "System32/nvidia-smi.exe"
        return str(beside) if beside.is_file() else "nvidia-smi"
    return "nvidia-smi"


def _amd(root: Path, system: str, run_tool: Callable[[list[str]], str]) -> Hardware | None:
    if system != "Linux":
        return None
    nodes = sorted((root / "sys/class/kfd/kfd/topology/nodes").glob("*/properties"))
    architectures = [architecture for architecture in map(_amd_architecture, nodes) if architecture]
    usable = [architecture for architecture in architectures if architecture in ROCM_ARCHITECTURES]
    if usable:
        name = re.search(r"Marketing Name:\s*(.*(?:Radeon|Instinct|AMD).*)", run_tool(["rocminfo"]))
        driver = _text(root / "sys/module/amdgpu/version").strip()
        return Hardware("rocm", name[1].strip() if name else "AMD graphics card", driver, architecture=usable[0])
    if architectures:
        note = f"PyTorch is not made for AMD's {architectures[0]}: another card is needed, else the processor is used."
        return Hardware("none", note=note, architecture=architectures[0])
    if AMD in _cards(root):
        return Hardware("none", note="There is an AMD card, but not the driver amdgpu: install that first.")
    return None


def _amd_architecture(node: Path) -> str:
    """The compiler's name of a node's card: gfx1100 for 110000, gfx90a for 90010; "" for a processor."""
    match = re.search(r"^gfx_target_version (\d+)$", _text(node), re.MULTILINE)
    number = int(match[1]) if match else 0
    if not number:
        return ""
    major, minor, step = number // 10000, number // 100 % 100, number % 100
    # ROCm's own variable for using a card as a sibling for which the builds have kernels.
    instead = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", os.environ.get("HSA_OVERRIDE_GFX_VERSION", ""))
    if instead:
        major, minor, step = map(int, instead.groups())
    return f"gfx{major}{minor:x}{step:x}"


def _intel(root: Path, system: str, run_tool: Callable[[list[str]], str]) -> Hardware | None:
    if system == "Windows":
        names = run_tool(["powershell", "-NoProfile", "-Command", "(Get-CimInstance Win32_VideoController).Name"])
        arc = next((line.strip() for line in names.splitlines() if re.search(r"Intel.*\bArc\b", line)), "")
        return Hardware("xpu", arc) if arc else None
    # The processors' older graphics are Intel's, too, but PyTorch does not run on them; Arc cards use the driver xe.
    if INTEL in _cards(root) and (root / "sys/module/xe").is_dir() and (root / "dev/dri").is_dir():
        return Hardware("xpu", "Intel graphics card", "xe")
    return None


def _cards(root: Path) -> set[str]:
    """Vendors of the display devices on the PCI bus."""
    found = set()
    for device in (root / "sys/bus/pci/devices").glob("*"):
        if _text(device / "class").startswith("0x03"):
            found.add(_text(device / "vendor").strip())
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _answer(command: list[str]) -> str:
    """Output of a tool; empty if the tool is missing, fails or takes too long."""
    if shutil.which(command[0]) is None:
        return ""
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            creationflags=flags,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""
