"""The packages of operators/ import only downwards, in the order in which operators/__init__.py lists them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPERATORS = ROOT / "operators"
ON_TOP = ("settings", "api", "scripts", "")
"""Modules that may import every package; "" is the package's own `__init__`, which registers them."""


def packages() -> tuple[str, ...]:
    """The packages of operators/, from the lowest to the highest, read from the source."""
    tree = ast.parse((OPERATORS / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "PACKAGES":
            order: tuple[str, ...] = ast.literal_eval(node.value)
            return order
    raise AssertionError("operators/__init__.py has no PACKAGES")


def imported(path: Path) -> Iterator[tuple[str, ...]]:
    """What a module imports of the extension, as parts from its root: lazily, for annotations or at once."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = (*package[: len(package) - node.level + 1], *(node.module.split(".") if node.module else ()))
            yield from ((*base, alias.name) for alias in node.names)


def part_of(path: Path) -> str:
    inside = path.relative_to(OPERATORS).parts
    return inside[0] if len(inside) > 1 else inside[0].removesuffix(".py").removesuffix("__init__")


def test_every_folder_has_its_place_in_the_order() -> None:
    folders = {path.parent.name for path in OPERATORS.glob("*/__init__.py")} - set(ON_TOP)
    assert folders == set(packages()) and len(packages()) == len(set(packages()))


@pytest.mark.parametrize("path", sorted(OPERATORS.rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_go_downwards(path: Path) -> None:
    order, own = packages(), part_of(path)
    allowed = set(order) if own in ON_TOP else set(order[: order.index(own) + 1])
    parts = list(imported(path))
    assert not [names for names in parts if names[0] == "ui"]
    found = {names[1] for names in parts if names[0] == "operators" and len(names) > 1 and names[1] in order}
    assert found <= allowed, f"{sorted(found - allowed)} lie above {own}"
    if own in order:
        assert not {names[1] for names in parts if names[0] == "operators" and len(names) > 1} & {"settings", "api"}


def test_modules_to_register_are_there() -> None:
    for package in packages():
        tree = ast.parse((OPERATORS / package / "__init__.py").read_text(encoding="utf-8"))
        names = [ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.AnnAssign) and node.value]
        assert len(names) == 1 and all((OPERATORS / package / f"{name}.py").is_file() for name in names[0])
