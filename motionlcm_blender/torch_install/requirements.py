"""Installed packages and their sizes; `torch_builds` has the source of PyTorch."""

from __future__ import annotations

import platform

REQUIREMENTS = ("torch==2.13.0", "transformers==5.23.0")
UV_VERSION = "0.13.9"
INDEX = "https://pypi.org/simple"
GIGABYTES = {"cuda": (3.0, 7.0), "rocm": (5.0, 18.0), "xpu": (1.5, 6.0), "mps": (0.2, 1.0), "none": (0.3, 1.3)}
"""Estimated size of the download and of the installation, by kind of hardware."""

UV_WHEELS = {
    "linux-x86_64": (
        "uv-0.13.9-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    ),
    "linux-aarch64": (
        "uv-0.13.9-py3-none-manylinux_2_28_aarch64.whl",
        "ecb6028d79dc96fbeafffe5c8af62a7099487ebc05a701e76714eebcffd06375",
    ),
    "darwin-arm64": (
        "uv-0.13.9-py3-none-macosx_11_0_arm64.whl",
        "66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63",
    ),
    "darwin-x86_64": (
        "uv-0.13.9-py3-none-macosx_10_12_x86_64.whl",
        "c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5",
    ),
    "windows-amd64": (
        "uv-0.13.9-py3-none-win_amd64.whl",
        "6a44b2ed8111d2f60d2b92627c5dccda3f7ed7570b18ce115e569cd68c28246b",
    ),
    "windows-arm64": (
        "uv-0.13.9-py3-none-win_arm64.whl",
        "eeb92051c2123b9730c46b04cc843cfa4bc7d7b0aec56df431a2215ef4cb0273",
    ),
}
"""By machine: the wheel of uv, and its sha256."""


def this_machine() -> str:
    """Key of UV_WHEELS for this machine, or another name if there is no uv for it."""
    return f"{platform.system()}-{platform.machine()}".lower()
