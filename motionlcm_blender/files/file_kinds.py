"""Recognise by its first bytes a file whose content does not fit its name."""

from __future__ import annotations

HEAD = 512
"""Bytes that `other_kind` reads."""

_COMPRESSED = (
    b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"Rar!", b"7z\xbc\xaf\x27\x1c",
    b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda",
)  # fmt: skip
"""gzip, bzip2, xz, Zstandard, RAR, 7-Zip; the last four are zlib, without a name of its own."""
_KNOWN = {
    b"Kaydara FBX": "an FBX file", b"; FBX": "an FBX file", b"glTF": "a glTF file", b"BLENDER": "a Blender file",
    b"%PDF": "a PDF document", b"\x89PNG": "an image", b"\xff\xd8\xff": "an image",
}  # fmt: skip


def other_kind(content: bytes) -> str:
    """What a file is in place of a motion, a body model or weights.

    Args:
        content: The first `HEAD` bytes of the file, or all of it.

    Returns:
        The rest of a sentence that starts with the file's name, without a full stop; empty for unrecognised bytes.
    """
    start = content[:HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not content:
        return "is empty: download it again"
    if start.startswith(b"version https://git-lfs"):
        return "is a pointer of Git LFS and not the file itself: fetch the file with git lfs pull"
    if start[:1] == b"<":
        return "is a web page and not the file itself: sign in at its website and download the file again"
    if content.startswith(_COMPRESSED) or content[257:262] == b"ustar":
        return "is compressed or an archive: unpack it first"
    known = next((kind for sign, kind in _KNOWN.items() if start.startswith(sign)), "")
    if known:
        return f"is {known}: choose another file"
    if not any(content[:HEAD]):
        return "has no content but zeros: download it again"
    return ""
