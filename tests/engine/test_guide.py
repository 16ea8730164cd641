"""The guide: all pages are listed, links and anchors lead somewhere, pictures are small, one file holds it."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide"
PAGES = sorted(GUIDE.glob("*.md"))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
LARGEST_PICTURE, LARGEST_ALL = 400_000, 3_000_000
KEYS_AND_WORDS = {"N", "Space", "Page Down", "Page Up", "+", "OK", "Install from Disk", "non-commercial use only"}
"""Bold texts of the guide that are no texts of the interface."""


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page; mkdocs joins hyphens that meet, and drops the last one."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE):
        plain = re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def broken(page: Path, text: str) -> list[str]:
    """Relative links of a page that lead to no file, or to no heading in it."""
    wrong = []
    for target in LINK.findall(text):
        if ":" in target:
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        differs = anchor.endswith("-") or "--" in anchor
        if not file.exists() or differs or (anchor and anchor not in anchors(file.read_text("utf-8"))):
            wrong.append(target)
    return wrong


def load_tool(name: str):
    spec = importlib.util.spec_from_file_location(f"{name}_tool", ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def guide_tool():
    pytest.importorskip("markdown_it")
    return load_tool("guide")


def test_links_out_of_the_site_become_text_and_others_stay():
    text = "[a](../README.md#x) [b](first.md) ![c](../images/c.png) [d](../../CONTRIBUTING.md) [e](../USAGE.md#f)"
    assert load_tool("site_hooks").on_page_markdown(text) == (
        "a [b](first.md) ![c](../images/c.png) d [e](../USAGE.md#f)"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_anchors(page):
    assert broken(page, page.read_text("utf-8")) == []


@pytest.mark.parametrize("document", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_anchors_of_the_reference(document):
    assert broken(document, document.read_text("utf-8")) == []


def test_what_is_broken_is_found():
    text = "[a](first.md) [b](none.md) [c](first.md#none) [d](https://x.org/none.md) ![e](images/none.webp) [f](#in-)"
    assert broken(GUIDE / "x.md", text) == ["none.md", "first.md#none", "images/none.webp", "#in-"]
    assert anchors("# Walk this `path`, now\n```\n# no\n```\n## [A](b.md) & B") == {"walk-this-path-now", "a--b"}


def test_every_page_is_listed_once_and_in_the_site():
    tool = guide_tool()
    listed = [page.name for page in tool.pages()]
    assert sorted(listed) == sorted(page.name for page in PAGES if page.name != "README.md")
    site = re.findall(r"guide/([\w-]+\.md)", (ROOT / "mkdocs.yml").read_text("utf-8"))
    assert site == ["README.md", *listed]


def test_the_one_file_is_that_of_the_pages():
    tool = guide_tool()
    text = tool.FILE.read_text("utf-8")
    assert text == tool.html(), "run tools/guide.py"
    assert set(re.findall(r'href="#([\w-]+)"', text)) <= set(re.findall(r'id="([\w-]+)"', text))
    assert not re.findall(r'href="(?!#|https?:)', text)


def test_every_picture_is_shown_and_small():
    shown = set()
    for page in PAGES:
        shown |= {name.removeprefix("images/") for name in LINK.findall(page.read_text("utf-8")) if "images/" in name}
    files = {file.name: file.stat().st_size for file in (GUIDE / "images").iterdir()}
    assert set(files) == shown
    assert max(files.values()) <= LARGEST_PICTURE and sum(files.values()) <= LARGEST_ALL


def test_bold_texts_are_those_of_the_interface():
    text = "\n".join(re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL) for page in PAGES)
    bold = {part for found in re.findall(r"\*\*([^*]+)\*\*", text) for part in found.split(" > ")}
    bold = {
        found for found in bold if not found.endswith(".")
    } - KEYS_AND_WORDS  # beginnings of paragraphs end with a dot
    texts = {message.text for message in load_tool("messages").messages()}
    assert len(bold) > 30 and bold <= texts, sorted(bold - texts)


def test_pictures_of_the_listing_have_the_size_that_the_platform_requires():
    image = pytest.importorskip("PIL.Image")
    listed = set(re.findall(r"\]\(listing/([\w.]+)\)", (ROOT / "docs" / "LISTING.md").read_text("utf-8")))
    files = {file.name: file for file in (ROOT / "docs" / "listing").iterdir()}
    assert set(files) == listed and len(listed) > 4
    for file in files.values():
        with image.open(file) as picture:
            assert picture.size == (1920, 1080), file.name
        assert file.stat().st_size < LARGEST_PICTURE, file.name
    with image.open(ROOT / "docs" / "images" / "icon.png") as icon:
        assert icon.size == (256, 256) and icon.format == "PNG"


def test_every_picture_belongs_to_a_group_that_can_be_taken_alone(monkeypatch):
    pytest.importorskip("PIL")
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    names = importlib.import_module("guide_pictures").names_of_pictures()
    scripts = [ROOT / "tests" / "gui" / "drive_guide.py", *sorted((ROOT / "tests" / "gui").glob("guide_*.py"))]
    script = "\n".join(file.read_text("utf-8") for file in scripts)
    assert len(names) > 5 and set(names) - {"variants"} <= {page.stem for page in PAGES}
    assert {file.stem.split("_")[0] for file in (GUIDE / "images").iterdir()} <= set(names)
    taken = re.findall(r'"\w+": (\w+),', script.split("PICTURES = {", 1)[1].split("}", 1)[0])
    assert len(taken) == len(names) and all(f"def {function}() -> Steps:" in script for function in taken)
