"""Options of properties on objects, so that library overrides of linked characters can have values of their own."""

OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}
OVERRIDABLE_LIST = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}
"""For collections: an override can add items."""
