"""Entries of File > Import and File > Export for operators that read and write files."""

from __future__ import annotations

from collections.abc import Callable

import bpy


def file_menu_entries(import_id: str, export_id: str, text: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """Make the functions that add an import and an export operator to the File menu, and remove them.

    Args:
        import_id: Identifier of the import operator.
        export_id: Identifier of the export operator.
        text: Label of both entries.

    Returns:
        The function to register and the function to unregister.
    """

    def import_entry(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
        self.layout.operator(import_id, text=text)

    def export_entry(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
        self.layout.operator(export_id, text=text)

    def register() -> None:
        bpy.types.TOPBAR_MT_file_import.append(import_entry)
        bpy.types.TOPBAR_MT_file_export.append(export_entry)

    def unregister() -> None:
        bpy.types.TOPBAR_MT_file_export.remove(export_entry)
        bpy.types.TOPBAR_MT_file_import.remove(import_entry)

    return register, unregister
