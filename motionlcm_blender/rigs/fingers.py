"""The fingers of a hand, by their names, or by how their chains lie beside one another."""

from __future__ import annotations

from collections.abc import Sequence

from .figure import Figure

NAMES = {
    "thumb": "thumb", "index": "index", "point": "index", "indexfinger": "index", "middle": "middle", "mid": "middle",
    "ring": "ring", "pinky": "pinky", "pinkie": "pinky", "little": "pinky",
}  # fmt: skip
ORDER = ("thumb", "index", "middle", "ring", "pinky")
OTHER_WORDS = {"toe", "foot", "master"}
NOT_FINGERS = {"tip", "ik", "mechanism", "tweak", "twist", "helper", "other"}


def fingers_of(figure: Figure, wrist: int, side: str, sides: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Bones of each finger from the palm outwards.

    Args:
        figure: The bones.
        wrist: The hand's bone.
        side: "l" or "r".
        sides: Each bone's side.
    """
    found: dict[str, list[int]] = {}
    for bone, name in enumerate(figure.names):
        below = figure.is_below(bone, wrist) if not figure.control_rig else sides[bone] == side
        if not below or "finger" not in name.kinds or name.kinds & NOT_FINGERS or OTHER_WORDS & set(name.words):
            continue
        if finger := next((NAMES[word] for word in name.words if word in NAMES), None):
            found.setdefault(finger, []).append(bone)
    if figure.control_rig:
        return {finger: tuple(_controls(figure, found[finger])) for finger in ORDER if finger in found}
    if found:
        return {finger: tuple(_chain(figure, found[finger])) for finger in ORDER if finger in found}
    return _by_place(figure, wrist)


def _controls(figure: Figure, bones: list[int]) -> list[int]:
    """Of bones at the same places those that serve best for keys."""
    best = max(figure.role[bone] for bone in bones)
    kept = [bone for bone in bones if figure.role[bone] > best - 0.2]
    return sorted(kept, key=lambda bone: (figure.names[bone].numbers, figure.depth[bone], bone))


def _chain(figure: Figure, bones: list[int]) -> list[int]:
    """The bones in order, without a last one that only marks the finger's end."""
    bones = sorted(bones, key=lambda bone: (figure.depth[bone], bone))
    return [bone for at, bone in enumerate(bones) if at == 0 or figure.is_below(bone, bones[0])]


def _by_place(figure: Figure, wrist: int) -> dict[str, tuple[int, ...]]:
    """Five branches of a hand; the thumb starts nearest to the wrist, the others by how far from it they start."""
    starts = [kid for kid in figure.children[wrist] if figure.children[kid]]
    if len(starts) != 5:
        return {}
    thumb = min(starts, key=lambda kid: figure.distance(kid, wrist))
    others = sorted((kid for kid in starts if kid != thumb), key=lambda kid: figure.distance(kid, thumb))
    found = {}
    for finger, start in zip(ORDER, [thumb, *others], strict=True):
        chain = [start]
        while figure.children[chain[-1]]:
            chain.append(figure.children[chain[-1]][0])
        found[finger] = tuple(chain[:3])
    return found
