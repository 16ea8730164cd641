"""Names for the types of NumPy arrays, by the kind of number; shapes, units and frames are in the docstrings.

A name covers every precision of its kind: `FloatArray` holds float16, float32 and float64. An array of one precision
is an array of its kind, so a function with a parameter of type `FloatArray` takes `NDArray[np.float32]`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
"""Positions, rotations, features, weights."""
IntArray = NDArray[np.integer[Any]]
"""Indices, frame numbers, token ids, int8 weights."""
BoolArray = NDArray[np.bool_]
"""Masks and decisions per element."""
ComplexArray = NDArray[np.complexfloating[Any, Any]]
"""Directions on the floor, as complex numbers."""
StringArray = NDArray[np.str_]
"""Names and captions."""
AnyArray = NDArray[np.generic]
"""Arrays of any kind, as files hold them. Convert or check before calculating."""
