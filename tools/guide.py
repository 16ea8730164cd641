"""Writes docs/guide/guide.html, the guide in one file for the zip: Blender's preferences open it without a network.

    python tools/guide.py            write it
    python tools/guide.py --check    end with 1 if the file differs from the pages

The pages are those of the list in docs/guide/README.md, in its order. Links between pages become links inside the file;
the text of links to other documents stays without the link, because these documents are not in the zip.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "guide"
FILE = FOLDER / "guide.html"
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 46rem; padding: 1rem; color: #222;
  background: #fff; }
nav { border-bottom: 1px solid #ccc; padding-bottom: 1rem; }
h1 { margin-top: 3rem; font-size: 1.6rem; }
img { max-width: 100%; border-radius: 4px; }
pre { background: #f3f3f3; padding: .7rem; overflow-x: auto; }
code { background: #f3f3f3; }
table { border-collapse: collapse; } td, th { border: 1px solid #ccc; padding: .3rem .6rem; text-align: left; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1d1d1d; } a { color: #7ab4ff; }
  pre, code { background: #2b2b2b; } td, th, nav { border-color: #555; } }
"""


def pages() -> list[Path]:
    """The pages in the order of README.md's list."""
    names = re.findall(r"^\d+\. \[[^\]]*\]\(([\w.-]+\.md)\)", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    return [FOLDER / name for name in names]


def html() -> str:
    """The whole guide."""
    markdown = MarkdownIt("commonmark").enable("table")
    index, sections = [], []
    for page in pages():
        text = page.read_text("utf-8")
        title = text.splitlines()[0].removeprefix("# ").strip()
        index.append(f'<li><a href="#{page.stem}">{title}</a></li>')
        body = markdown.render(text)
        body = re.sub(r'<a href="([\w-]+)\.md(?:#[\w-]*)?">', r'<a href="#\1">', body)
        body = re.sub(r'<a href="\.\./[^"]*">(.*?)</a>', r"\1", body)
        sections.append(f'<section id="{page.stem}">\n{body}</section>\n')
    head = f'<meta charset="utf-8">\n<title>MotionLCM for Blender: guide</title>\n<style>{STYLE}</style>\n'
    contents = "<h1>MotionLCM for Blender</h1>\n<ol>\n" + "\n".join(index) + "\n</ol>"
    return f"<!doctype html>\n{head}<nav>\n{contents}\n</nav>\n{''.join(sections)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only")
    arguments = parser.parse_args()
    made = html()
    if arguments.check:
        same = FILE.is_file() and FILE.read_text("utf-8") == made
        if not same:
            print(f"{FILE.relative_to(ROOT)} is not that of the pages: run tools/guide.py", file=sys.stderr)
        return int(not same)
    FILE.write_text(made, "utf-8")
    print(f"{FILE.relative_to(ROOT)}: {len(made.encode()) / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
