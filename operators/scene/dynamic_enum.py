"""Items of an enum that changes while Blender runs, such as the enum of a search popup."""

from __future__ import annotations

from collections.abc import Iterable


class DynamicEnumItems:
    """The items of one such enum, each with a permanent number.

    Blender does not copy the texts, so shown texts must stay referenced. Blender identifies items by number, so a
    number must not get another text while a popup is open.
    """

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], tuple[str, str, str, int]] = {}
        self._numbers: dict[str, int] = {}
        self._shown: list[tuple[str, str, str, int]] = []

    def named(self, rows: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str, int]]:
        """The items of an enum whose identifiers differ from the shown texts: identifier, text, tooltip."""
        self._shown = []
        for name, text, tooltip in rows:
            number = self._numbers.setdefault(name, len(self._numbers))
            self._shown.append(self._items.setdefault((name, tooltip), (name, text, tooltip, number)))
        return self._shown

    def items(self, texts: Iterable[tuple[str, str]]) -> list[tuple[str, str, str, int]]:
        """The items for an EnumProperty; each text is its own identifier, with its tooltip."""
        self._shown = []
        for text, tooltip in texts:
            number = self._numbers.setdefault(text, len(self._numbers))
            self._shown.append(self._items.setdefault((text, tooltip), (text, text, tooltip, number)))
        return self._shown
