"""Takes to choose from, in the panel and in the contact sheet."""

REGISTERED: tuple[str, ...] = ("takes", "contact_sheet")
"""Modules with classes or properties, in the order of registration."""
