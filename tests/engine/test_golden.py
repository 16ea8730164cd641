"""Both runtimes against the golden vectors, every key, and against each other on other seeds, lengths and masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from motionlcm_blender.networks.numpy_impl.network import PortableNetwork
from tests.engine.golden import (
    INPUTS,
    VERSIONS,
    golden,
    official_architecture,
    official_weights,
    recomputed,
    relative_error,
    teacher_weights,
)

TOLERANCE = 1e-4


def _numpy_networks(version: str) -> tuple[Any, Any, Callable[[np.ndarray], Any]]:
    student = PortableNetwork(official_weights(version), official_architecture(version))
    return student, PortableNetwork(*teacher_weights(version)), np.asarray


def _torch_networks(version: str) -> tuple[Any, Any, Callable[[np.ndarray], Any]]:
    torch = pytest.importorskip("torch")
    from motionlcm_blender.networks.torch_impl.network import MotionLCMNetwork

    student = MotionLCMNetwork.from_weights(official_weights(version))
    return student, MotionLCMNetwork.from_weights(*teacher_weights(version)), torch.from_numpy


RUNTIMES = {"numpy": _numpy_networks, "torch": _torch_networks}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_golden_key(runtime: str, version: str, record_property: Callable[[str, object], None]) -> None:
    student, teacher, array = RUNTIMES[runtime](version)
    reference = golden(version)
    errors = {
        key: relative_error(np.asarray(value), reference[key])
        for key, value in recomputed(version, student, teacher, array)
    }
    assert errors.keys() | INPUTS == reference.keys()
    worst = max(errors, key=lambda key: errors[key])
    record_property("worst", f"{worst}: {errors[worst]:.1e}")
    print(f"{runtime} {version}: worst {worst} {errors[worst]:.1e}")
    assert {key: error for key, error in errors.items() if error >= TOLERANCE} == {}
