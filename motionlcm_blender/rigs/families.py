"""Kinds of rigs as data: one TOML file each, those of the package and the user's own.

A file lists the bone names by which a kind of rig is recognised, and facts that names and hierarchy do not show: which
bones are the joints (only where recognition needs them), and the settings that make the FK controls active. Keys:

- `family`: the name shown; `notes`: free text.
- `names`: bones that all have to be there; `{s}` stands for each word of `sides` in turn.
- `absent`: bones that must not be there.
- `prefix`: a regular expression for what may precede every name, such as a namespace.
- `least`, `most`: numbers of bones.
- `general`: names that several kinds of rigs share; any file with more names has priority.
- `[joints]`: pelvis, spine, spine1, spine2, spine3, neck, head, and collar, shoulder, elbow, wrist, hip, knee, ankle,
  foot with `{s}`, or each side by itself (`l_hip`): lists of bone names, lowest first; names that are not there are
  left out, an empty list means that there is no such bone.
- `[[switches]]`: `bone` and `property`, regular expressions, or `bone` and `constraint`; `value`.
- `[[ik]]`: `end` (wrist or ankle), `control`, and `pole` and `toe` where there are such: the IK controls of a limb,
  with `{s}`. Without these the controls are found by the rig's IK constraints.
- `[[ik_switches]]`: as `[[switches]]`, so that the IK controls are active. Without these the values of `[[switches]]`
  are inverted.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import MotionLCMError
from ..files.atomic_write import replace_bytes
from ..motion.skeleton import JOINTS
from .description import FkSwitch, IkLimb, RigBone, RigMapping

FOLDER = Path(__file__).with_name("families")
SIDED = ("collar", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "foot")
IK_KEYS = ("control", "pole", "toe")
NAMESPACE = r".*[:|]"
"""What may precede the names of any family."""
NUMBERED, MOSTLY = re.compile(r"(.*[^_])_\d{1,4}"), 0.7
"""A name with a number that an exporter has appended, as Sketchfab's does, and the part of an armature's bones that
have one in that case."""
MIDDLE = ("pelvis", "spine", "spine1", "spine2", "spine3", "neck", "head")


class FamilyFileError(MotionLCMError):
    """A family file cannot be read."""


@dataclass(frozen=True)
class SwitchPattern:
    """Which properties or constraints to set; `bone` and `prop` are regular expressions, "" for none."""

    bone: str
    prop: str
    constraint: str
    value: float


@dataclass(frozen=True)
class Family:
    """A kind of rig, as its file describes it. file: the file's name without its suffix."""

    family: str
    names: tuple[str, ...]
    absent: tuple[str, ...] = ()
    prefix: str = ""
    least: int = 0
    most: int = 1_000_000
    general: bool = False
    joints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    switches: tuple[SwitchPattern, ...] = ()
    own: bool = False
    file: str = ""
    ik: tuple[IkLimb, ...] = ()
    ik_switches: tuple[SwitchPattern, ...] = ()


@dataclass(frozen=True)
class FamilyMatch:
    """A family whose names an armature has, and what stands before each name.

    originals: Name as the family has it -> the armature's own, where the armature's names have numbers at their ends.
    """

    family: Family
    prefix: str
    originals: Mapping[str, str] = field(default_factory=dict)

    def joints(self, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The file's joints as bone names of the armature, without joints whose bones are missing."""
        there = set(names)
        found = {}
        for joint, bones in self.family.joints.items():
            named = tuple(name for bone in bones if (name := self._own(bone)) in there)
            if named or not bones:
                found[joint] = named
        return found

    def switches(self, bones: Sequence[RigBone]) -> tuple[FkSwitch, ...]:
        """What to set for the FK controls, of what the armature has."""
        return self._found(self.family.switches, bones)

    def ik_switches(self, bones: Sequence[RigBone]) -> tuple[FkSwitch, ...]:
        """What to set for the IK controls, of what the armature has."""
        return self._found(self.family.ik_switches, bones)

    def ik(self, names: Iterable[str]) -> tuple[IkLimb, ...]:
        """The IK controls of limbs whose bones are there."""
        there, found = set(names), []
        for each in self.family.ik:
            control, pole, toe = (self._own(name) if name else "" for name in (each.control, each.pole, each.toe))
            if control in there and (not pole or pole in there):
                found.append(IkLimb(each.end, control, pole, toe if toe in there else ""))
        return tuple(found)

    def _own(self, bone: str) -> str:
        name = self.prefix + bone
        return self.originals.get(name, name)

    def _found(self, patterns: Sequence[SwitchPattern], bones: Sequence[RigBone]) -> tuple[FkSwitch, ...]:
        plain = {original: name for name, original in self.originals.items()}
        found = []
        for each in patterns:
            pattern = re.compile(re.escape(self.prefix) + f"(?:{each.bone})")
            for bone in bones:
                if not pattern.fullmatch(plain.get(bone.name, bone.name)):
                    continue
                if each.prop:
                    named = [name for name in bone.properties if re.fullmatch(each.prop, name)]
                    found += [FkSwitch(bone.name, name, "", each.value) for name in named]
                elif bone.constraints:
                    found.append(FkSwitch(bone.name, "", each.constraint, each.value))
        return tuple(found)


def match_family(names: Sequence[str], presets_folder: str | Path | None = None) -> FamilyMatch | None:
    """The family whose names an armature has: the user's own first, then the one with the most names.

    Args:
        names: All bone names.
        presets_folder: Folder of the user's own files; one that cannot be read is passed over.
    """
    own = _read_folder(Path(presets_folder), True) if presets_folder and Path(presets_folder).is_dir() else ()
    for families in (own, _package_families()):
        if found := _best_match(families, names):
            return found
    plain = {match[1]: name for name in names if (match := NUMBERED.fullmatch(name))}
    if len(plain) < MOSTLY * len(names):
        return None
    rest = [name for name in names if name not in set(plain.values())]
    numbered = _best_match(_package_families(), [*plain, *rest])
    return None if numbered is None else replace(numbered, originals=plain)


def _best_match(families: Sequence[Family], names: Sequence[str]) -> FamilyMatch | None:
    """The match of most names; one with a namespace in place of the prefix only where there is no other."""
    there = frozenset(names)
    for namespaces in (False, True):
        found = [match for family in families if (match := _match(family, names, there, namespaces))]
        if found:
            return max(found, key=lambda each: (not each.family.general, len(each.family.names)))
    return None


def save_preset(mapping: RigMapping, path: str | Path) -> None:
    """Writes a corrected mapping as a family file, which recognises the same names the next time.

    Args:
        mapping: The mapping as it should be.
        path: The file to write, ending in .toml. It is replaced atomically; its folder is made if missing.

    Raises:
        OSError: The file cannot be written.
    """
    bones = sorted({bone for chain in mapping.joints.values() for bone in chain})
    lines = [
        f"family = {_text(mapping.family)}",
        f"names = [{', '.join(map(_text, bones))}]",
        "",
        "[joints]",
        *(f"{joint} = [{', '.join(map(_text, mapping.joints[joint]))}]" for joint in JOINTS),
    ]
    for switch in mapping.switches:
        lines += ["", "[[switches]]", f"bone = {_text(re.escape(switch.bone))}"]
        if switch.prop:
            lines.append(f"property = {_text(re.escape(switch.prop))}")
        else:
            lines.append(f"constraint = {_text(switch.constraint)}")
        lines.append(f"value = {float(switch.value)!r}")
    replace_bytes(Path(path), ("\n".join(lines) + "\n").encode())


def read_family(path: str | Path, own: bool = False) -> Family:
    """One family file.

    Args:
        path: The TOML file.
        own: Whether it is the user's own.

    Raises:
        FamilyFileError: It is no TOML, or a key is missing or of the wrong kind.
    """
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        return replace(_family(table, own), file=Path(path).stem)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, re.error) as error:
        raise FamilyFileError(f"The rig preset {Path(path).name} cannot be read: {error}.") from error


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _family(table: Mapping[str, Any], own: bool) -> Family:
    sides = table.get("sides", ["L", "R"])
    joints: dict[str, tuple[str, ...]] = {}
    for joint, bones in table.get("joints", {}).items():
        if joint in SIDED:
            for side, word in zip("lr", sides, strict=True):
                joints[f"{side}_{joint}"] = tuple(bone.replace("{s}", word) for bone in bones)
        elif joint in MIDDLE or joint in JOINTS:
            joints[joint] = tuple(map(str, bones))
        else:
            raise KeyError(joint)
    switches, ik_switches = (
        tuple(
            SwitchPattern(each["bone"], each.get("property", ""), each.get("constraint", ""), float(each["value"]))
            for each in table.get(key, ())
        )
        for key in ("switches", "ik_switches")
    )
    for each in (*switches, *ik_switches):
        re.compile(each.bone), re.compile(each.prop)
    ik = tuple(
        _ik_limb(f"{side}_{each['end']}", each, word)
        for each in table.get("ik", ())
        for side, word in zip("lr", sides, strict=True)
    )
    if not {each.end for each in ik} <= set(JOINTS):
        raise KeyError("ik")
    re.compile(table.get("prefix", ""))
    return Family(
        family=str(table["family"]),
        names=_sided(table["names"], sides),
        absent=_sided(table.get("absent", ()), sides),
        prefix=table.get("prefix", ""),
        least=int(table.get("least", 0)),
        most=int(table.get("most", 1_000_000)),
        general=bool(table.get("general", False)),
        joints=joints,
        switches=switches,
        own=own,
        ik=ik,
        ik_switches=ik_switches,
    )


def _ik_limb(end: str, table: Mapping[str, Any], word: str) -> IkLimb:
    control, pole, toe = (str(table.get(key, "")).replace("{s}", word) for key in IK_KEYS)
    return IkLimb(end, control, pole, toe)


def _sided(names: Sequence[str], sides: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for name in names:
        found += [name.replace("{s}", side) for side in sides] if "{s}" in name else [name]
    return tuple(found)


def _match(family: Family, names: Sequence[str], there: frozenset[str], namespaces: bool) -> FamilyMatch | None:
    """The match of one family. namespaces: whether any namespace may precede the names instead of the prefix."""
    if not family.least <= len(names) <= family.most or not family.names:
        return None
    pattern = NAMESPACE if namespaces else family.prefix
    prefixes = [""]
    if pattern:
        first = family.names[0]
        before = {name[: -len(first)] for name in names if name.endswith(first)}
        prefixes = [each for each in sorted(before, key=len) if re.fullmatch(pattern, each)]
    for prefix in prefixes:
        if all(prefix + name in there for name in family.names) and not any(
            prefix + name in there for name in family.absent
        ):
            return FamilyMatch(family, prefix)
    return None


@lru_cache(maxsize=1)
def _package_families() -> tuple[Family, ...]:
    return tuple(read_family(path) for path in sorted(FOLDER.glob("*.toml")))


def _read_folder(folder: Path, own: bool) -> tuple[Family, ...]:
    found = []
    for path in sorted(folder.glob("*.toml")):
        try:
            found.append(read_family(path, own))
        except FamilyFileError:
            continue
    return tuple(found)
