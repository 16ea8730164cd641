"""Options of properties on objects, so that library overrides of linked characters can have values of their own."""

from typing import Literal

OVERRIDABLE: set[Literal["LIBRARY_OVERRIDABLE"]] = {"LIBRARY_OVERRIDABLE"}
OVERRIDABLE_LIST: set[Literal["LIBRARY_OVERRIDABLE", "USE_INSERTION"]] = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}
"""For collections: an override can add items."""
