"""THIRD_PARTY.md of a zip: the licences of all its content, and the attributions that they require.

`third_party` writes it from the wheels' metadata and lists of parts, the text encoder's licence and the model's
config.json; `unlisted` lists the content of a zip that no entry covers.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any

FILE = "THIRD_PARTY.md"
TEXT_ENCODER = "bundled_models/all-MiniLM-L6-v2/"
MODEL = "bundled_models/default/"
OURS = ("__init__.py", "blender_manifest.toml", "LICENSE", FILE, "motionlcm_blender/", "operators/", "ui/", "guide/")
APACHE = "motionlcm_blender/apache_2_0.txt"
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "MIT License": "MIT",
}
"""SPDX names of licences, by their names in older metadata."""


class LicenceProblem(ValueError):
    """A part of the zip has no licence in its metadata."""


@dataclass(frozen=True)
class Entry:
    """covers: a file of the zip, or a folder with its final slash."""

    covers: str
    what: str
    licence: str


def third_party(source: Path) -> str:
    """The file's text, for a staged extension. Raises LicenceProblem."""
    config = json.loads((source / MODEL / "config.json").read_text("utf-8"))
    about = [config.get(key) for key in ("licence", "attribution", "training_data")]
    if not all(about):
        raise LicenceProblem("The model's config.json lacks its licence, attribution or training_data.")
    licence, attribution, training_data = about
    entries = [Entry(path, "MotionLCM for Blender", "GPL-3.0-or-later, see `LICENSE`") for path in OURS]
    entries.append(Entry(APACHE, "The text of the Apache licence", "may be copied and distributed verbatim"))
    entries.append(Entry(MODEL, f"The model {config['name']}, trained by this project", licence))
    entries.append(Entry(TEXT_ENCODER, "The text encoder all-MiniLM-L6-v2", "Apache-2.0, see its `LICENSE.txt`"))
    sections = [_model_section(training_data, attribution), _encoder_section(source)]
    for wheel in sorted((source / "wheels").glob("*.whl")):
        entry, section = _wheel(wheel)
        entries.append(entry)
        sections.append(section)
    rows = [f"| `{entry.covers}` | {entry.what} | {entry.licence} |" for entry in entries]
    head = [
        "# What is in this extension, and its licences", "",
        "MotionLCM for Blender is free software under the GNU General Public License, version 3 or later. It comes",
        "with the work of others, under their licences. Texts that are not here are at https://spdx.org/licenses/.", "",
        "| in the zip | what | licence |", "|---|---|---|", *rows,
    ]  # fmt: skip
    return "\n\n".join(["\n".join(head), *sections]) + "\n"


def unlisted(names: Iterable[str], text: str) -> list[str]:
    """Files of a zip that no row of its THIRD_PARTY.md covers, and rows that cover nothing."""
    names = [name for name in names if not name.endswith("/")]
    rows = re.findall(r"^\| `([^`]+)` \| [^|]*\S[^|]* \| [^|]*\S[^|]* \|$", text, re.MULTILINE)
    covered = {row: [n for n in names if n == row or (row.endswith("/") and n.startswith(row))] for row in rows}
    known = {name for found in covered.values() for name in found}
    return [name for name in names if name not in known] + [row for row, found in covered.items() if not found]


def _model_section(training_data: str, attribution: str) -> str:
    return "\n".join(
        [
            f"## The model (`{MODEL}`)",
            "",
            f"Trained on: {training_data}.",
            "",
            attribution,
            "",
            f"`{MODEL}README.md` is its card.",
        ]
    )


def _encoder_section(source: Path) -> str:
    """The note on who made the text encoder and what was changed, which precedes the licence's own text."""
    note = (source / TEXT_ENCODER / "LICENSE.txt").read_text("utf-8").split("\n\n", 1)[0]
    return f"## The text encoder (`{TEXT_ENCODER}`)\n\n{note.strip()}"


def _wheel(path: Path) -> tuple[Entry, str]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        info = next(name for name in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        metadata = message_from_string(archive.read(info).decode("utf-8"))
        inside = [name for name in names if re.search(r"\.dist-info/(licenses/.+|LICEN[CS]E[^/]*|NOTICE[^/]*)$", name)]
        parts = [json.loads(archive.read(name)) for name in names if re.search(r"\.dist-info/sboms/.+\.json$", name)]
    title = f"{metadata['Name']} {metadata['Version']}"
    licence = _licence(metadata, title)
    entry = Entry(f"wheels/{path.name}", title, licence)
    authors = metadata["Author-email"] or metadata["Author"] or metadata["Maintainer-email"] or "not named"
    named = [line.partition(", ")[::2] for line in metadata.get_all("Project-URL", [])]
    addresses = [address for label, address in named if label.startswith("Source")]
    addresses = addresses or [address for label, address in named if label.lower() == "homepage"]
    lines = [f"## {title} (`wheels/{path.name}`)", "", f"Licence: {licence}. Authors: {_names(authors)}."]
    lines += [f"Source: {address}" for address in addresses]
    where = " and ".join(f"`{name}` in the wheel" for name in inside) or f"`{APACHE}`"
    lines += [f"Its licence's text: {where}. The wheel is passed on as it was published."]
    if not inside and licence != "Apache-2.0":
        raise LicenceProblem(f"The wheel of {title} holds no text of its licence.")
    components = sorted(
        {_component(each) for listed in parts for each in listed.get("components", [])} | _component_lines(metadata)
    )
    if components:
        lines += ["", "Built into it:", "", *(f"- {line}" for line in components)]
    return entry, "\n".join(lines)


def _licence(metadata: Message, title: str) -> str:
    expression = metadata["License-Expression"] or metadata["License"]
    if expression and "\n" not in expression:
        return str(expression)
    for line in metadata.get_all("Classifier", []):
        if line.startswith("License :: ") and (name := line.rpartition(" :: ")[2]) in CLASSIFIERS:
            return CLASSIFIERS[name]
    raise LicenceProblem(f"The wheel of {title} has no licence in its metadata.")


def _component(component: dict[str, Any]) -> str:
    """One line of a part that a wheel's list (CycloneDX) names."""
    title = f"{component['name']} {component.get('version', '')}".strip()
    licences = [each.get("expression") or each.get("license", {}).get("id") for each in component.get("licenses", [])]
    if not licences or not all(licences):
        raise LicenceProblem(f"{title}, part of a wheel, has no licence in its metadata.")
    authors = component.get("author")
    by = f", by {_names(authors)}" if authors else ""
    return f"{title}: {' AND '.join(' '.join(licence.split()) for licence in licences)}{by}"


def _component_lines(metadata: Message) -> set[str]:
    """A line for each part that a wheel names in the free text of its licence, as NumPy's and OpenBLAS's do."""
    found = re.findall(
        r"^\s*Name: (.+)$(?:\n(?!\s*Name: ).*)*?\n\s*License: (.+)$", metadata["License"] or "", re.MULTILINE
    )
    return {f"{name.strip()}: {licence.strip()}" for name, licence in found}


def _names(authors: str) -> str:
    """Without their addresses."""
    return re.sub(r"\s*<[^>]*>", "", authors).strip()


COMPATIBLE = re.compile(
    r"\b(?:L?GPL-(?:2\.1|3\.0)-or-later|GPL-3\.0-with-GCC-exception|Apache-2\.0|MIT(?:-0)?|BSD(?:-[0-3]-Clause)?|"
    r"ISC|Zlib|zlib|Unlicense|Unicode-3\.0|CC0-1\.0|PSF-2\.0|MPL-2\.0|BSL-1\.0)(?![\w-])|"
    r"may be copied and distributed verbatim|^GPLv3"
)
"""Licences that may be combined with GPL-3.0-or-later."""
READ = {(part, "BSD-3-Clause-Attribution"): "BSD-3-Clause" for part in ("OpenBLAS", "LAPACK")}
"""Parts whose wheel gives another name than that of the licence's text: the text in scipy-openblas32 0.3.34 was read;
it is that of the three-clause licence, without an attribution clause."""


def report(archive: Path) -> tuple[list[str], list[str]]:
    """Lines on the licences of everything in a zip, and sentences on what is missing or not known to be compatible."""
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        if FILE not in names:
            return [], [f"{archive.name} holds no {FILE}."]
        text = opened.read(FILE).decode("utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    lines = [f"{licence.strip():45} {covers}  ({what.strip()})" for covers, what, licence in rows]
    wrong = [f"{name} is not covered." for name in unlisted(names, text)]
    parts = [("", row[0], row[2]) for row in rows]
    parts += [("built in: ", *part) for part in re.findall(r"^- ([^:]+): (.+?)(?:, by .*)?$", text, re.MULTILINE)]
    for kind, what, licence in parts:
        licence = READ.get((what.strip(), licence.strip()), licence)
        if kind:
            lines.append(f"{licence.strip():45} {kind}{what}")
        if not all(COMPATIBLE.search(part) for part in re.split(r" AND ", licence)):
            wrong.append(f"{kind}{what}: {licence.strip()} is not known to be compatible with GPL-3.0-or-later.")
    return lines, wrong


def report_text(name: str, lines: list[str], wrong: list[str]) -> str:
    """What `report` found in a zip, as text."""
    return "\n".join([f"{name}: {len(lines)} entries", *lines, *wrong, "" if wrong else "All compatible.\n"])


def main(arguments: list[str]) -> int:
    """Print the report of each zip; 1 if something is wrong."""
    failed = 0
    for name in arguments:
        lines, wrong = report(Path(name))
        print(report_text(name, lines, wrong))
        failed |= bool(wrong)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
