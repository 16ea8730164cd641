"""The layout: no import circles, imports downwards only, files and functions of a size that is read in one go.

The graph is built from the source, so it also holds the imports inside functions and for type checkers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = "motionlcm_blender"
ROOMS = (ENGINE, "operators", "ui")

LAYERS = (
    "errors", "version", "array_types", "files", "motion", "smpl", "keyframes", "postprocess", "gestures",
    "rigs", "networks", "text", "export", "generation", "live", "benchmarks", "importing", "storyboard", "recipes",
    "training", "torch_install", "cli", "__main__", "",
)  # fmt: skip
"""Packages and modules of the engine, from the ground up: each imports of those before it alone. "": the package's own
`__init__`, which has the public names."""

ARRAYS = {
    "AnyArray", "BoolArray", "ComplexArray", "FloatArray", "IntArray", "StringArray", "Tensor", "torch.Tensor",
}  # fmt: skip
"""Annotations of fields that hold an array."""

LONGEST_FILE = 400
TABLES_OF_DATA = ("ui/translations_de.py",)
"""Files that may be longer: they hold a table."""
LONG_FILES: tuple[str, ...] = ()
"""Files that are still to be split. Only ever shorter."""

LONGEST_FUNCTION = 60
LONG_FUNCTIONS: tuple[str, ...] = ()
"""Functions that are still to be split. Only ever shorter."""

CIRCLES_IN: tuple[str, ...] = ()
"""Where circles are still to be cut. Only ever shorter."""

SCHEMA = (
    f"{ENGINE}/recipes/serialization.py", f"{ENGINE}/storyboard/storyboard.py", "operators/armature/take_properties.py",
)  # fmt: skip
"""Modules that may name what is stored in files, Actions, objects and scenes."""
LITERALS_IN: tuple[str, ...] = ()
"""Modules that still name custom properties by themselves. Only ever shorter."""


def files() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def module_of(file: Path) -> str:
    parts = list(file.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, ast.Module]:
    return {module_of(file): ast.parse(file.read_text(encoding="utf-8")) for file in files()}


@cache
def packages() -> frozenset[str]:
    return frozenset(module_of(file) for file in files() if file.name == "__init__.py")


def imports_of(module: str, tree: ast.Module) -> set[str]:
    """The project's modules that a module imports, anywhere in it."""
    found = set()
    own = module.split(".") if module in packages() else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = own[: len(own) - node.level + 1]
            base = ".".join([*above, *((node.module or "").split("."))]).strip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".strip(".")
                found.add(inner if inner in modules() else base)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not any(name.split(".")[0] == ENGINE for name in names), f"{module}: imports must be relative"
    return (found & modules().keys()) - {module}


@cache
def graph() -> dict[str, frozenset[str]]:
    return {module: frozenset(imports_of(module, tree)) for module, tree in modules().items()}


def circles(arrows: dict[str, frozenset[str]]) -> list[list[str]]:
    """Strongly connected components of more than one module (Tarjan 1972)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = low[module] = len(number)
        stack.append(module)
        for other in sorted(arrows[module]):
            if other not in number:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], number[other])
        if low[module] == number[module]:
            at = stack.index(module)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for module in sorted(arrows):
        if module not in number:
            visit(module)
    return found


def layer_of(module: str) -> str:
    """The first part of an engine module's name below the package."""
    return module.split(".")[1] if "." in module else ""


def lines_of(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def sized_files() -> Iterator[Path]:
    """Files with a limit of length: those of the extension, and the tools."""
    yield from files()
    yield from sorted((ROOT / "tools").rglob("*.py"))


def long_functions() -> set[str]:
    found = set()
    for file in sized_files():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION:
                found.add(f"{name_of(file)}: {node.name}")
    return found


def test_the_graph_holds_what_is_imported() -> None:
    arrows = graph()
    assert len(arrows) > 200 and sum(map(len, arrows.values())) > 600
    assert f"{ENGINE}.motion.skeleton" in arrows[f"{ENGINE}.motion.retarget"]
    assert f"{ENGINE}.keyframes.fitting" in arrows[ENGINE], "an import for type checkers"
    assert f"{ENGINE}.text.encoders" in arrows[f"{ENGINE}.generation.motion_model"]


def test_circles_are_found() -> None:
    made = {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("bd"), "d": frozenset()}
    assert circles(made) == [["b", "c"]]
    assert circles({"a": frozenset("b"), "b": frozenset("c"), "c": frozenset()}) == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    found = circles(graph())
    allowed = [circle for circle in found if any(all(m.startswith(room) for m in circle) for room in CIRCLES_IN)]
    assert [circle for circle in found if circle not in allowed] == []
    unused = [room for room in CIRCLES_IN if not any(all(m.startswith(room) for m in circle) for circle in allowed)]
    assert not unused, f"take {unused} out of CIRCLES_IN"


def test_the_engine_imports_downwards() -> None:
    unknown = sorted({layer_of(m) for m in graph() if m.split(".")[0] == ENGINE} - set(LAYERS))
    assert not unknown, f"give {unknown} a place in LAYERS"
    height = {layer: LAYERS.index(layer) for layer in LAYERS}
    upwards = [
        f"{module} -> {other}"
        for module, others in graph().items()
        for other in others
        if module.split(".")[0] == ENGINE == other.split(".")[0] and height[layer_of(other)] > height[layer_of(module)]
    ]
    assert upwards == []


def test_the_engine_imports_no_blender_and_operators_no_ui() -> None:
    for module, others in graph().items():
        rooms = {other.split(".")[0] for other in others}
        room = module.split(".")[0]
        assert room != ENGINE or rooms <= {ENGINE}, module
        assert room != "operators" or "ui" not in rooms, module
    for module, tree in modules().items():
        if module.split(".")[0] == ENGINE:
            named = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
            named |= {(n.module or "").split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
            assert not named & {"bpy", "bmesh", "mathutils", "gpu", "blf"}, module


def test_no_file_is_longer_than_one_reads() -> None:
    found = {name_of(file) for file in sized_files() if lines_of(file) > LONGEST_FILE} - set(TABLES_OF_DATA)
    assert sorted(found - set(LONG_FILES)) == []
    assert not set(LONG_FILES) - found, f"take {sorted(set(LONG_FILES) - found)} out of LONG_FILES"


def test_no_function_is_longer_than_one_reads() -> None:
    found = long_functions()
    assert sorted(found - set(LONG_FUNCTIONS)) == []
    assert not set(LONG_FUNCTIONS) - found, f"take {sorted(set(LONG_FUNCTIONS) - found)} out of LONG_FUNCTIONS"


def test_names_of_custom_properties_are_written_in_one_place() -> None:
    found = set()
    for file in files():
        for node in ast.walk(modules()[module_of(file)]):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and text != ENGINE and re.fullmatch(r"motionlcm_[a-z0-9_]*", text):
                found.add(name_of(file))
    found -= set(SCHEMA)
    assert sorted(found - set(LITERALS_IN)) == []
    assert not set(LITERALS_IN) - found, f"take {sorted(set(LITERALS_IN) - found)} out of LITERALS_IN"


@pytest.mark.parametrize("package", sorted(packages()))
def test_each_package_names_its_modules(package: str) -> None:
    """One line for each module, so that a reader finds the right one."""
    folder = ROOT / package.replace(".", "/")
    text = ast.get_docstring(modules()[package]) or ""
    named = {line.split()[0].rstrip("/:") for line in text.splitlines()[2:] if line and not line.startswith(" ")}
    there = {file.stem for file in folder.glob("*.py")} - {"__init__", "__main__"}
    there |= {inner.name for inner in folder.iterdir() if (inner / "__init__.py").is_file()}
    assert there <= named
    assert named == there or package in ROOMS, "those of a room have sentences as well"


def test_dataclasses_with_arrays_are_compared_by_identity() -> None:
    """What dataclasses get instead raises ValueError when compared, TypeError when hashed."""
    found = []
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef):
                continue
            fields = {ast.unparse(each.annotation) for each in node.body if isinstance(each, ast.AnnAssign)}
            made_by = " ".join(ast.unparse(each) for each in node.decorator_list)
            if "dataclass(frozen=True" in made_by and fields & ARRAYS:
                found.append((f"{module}.{node.name}", "eq=False" in made_by))
    assert len(found) > 40
    assert [name for name, by_identity in found if not by_identity] == []
