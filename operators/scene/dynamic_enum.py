"""Texts offered in an enum that changes while Blender runs, such as those of a search popup."""

from __future__ import annotations

from collections.abc import Iterable


class DynamicEnumItems:
    """The items of one such enum, each with a number that stays its own.

    Blender keeps no copy of the texts, so those once shown live on; and it tells items by their numbers, which must
    not become another's while a popup is open.
    """

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], tuple[str, str, str, int]] = {}
        self._numbers: dict[str, int] = {}
        self._shown: list[tuple[str, str, str, int]] = []

    def items(self, texts: Iterable[tuple[str, str]]) -> list[tuple[str, str, str, int]]:
        """For an EnumProperty; each text is its own identifier, with its tooltip."""
        self._shown = []
        for text, tooltip in texts:
            number = self._numbers.setdefault(text, len(self._numbers))
            self._shown.append(self._items.setdefault((text, tooltip), (text, text, tooltip, number)))
        return self._shown
