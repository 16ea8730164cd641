"""Errors of the installation, each with one sentence."""

from __future__ import annotations

import errno
import re

from ..errors import MotionLCMError


class RuntimeProblem(MotionLCMError):
    """PyTorch cannot be installed, checked or removed; the message is the reason."""


class Busy(RuntimeProblem):
    """Another Blender is working on the installation."""

    def __init__(self) -> None:
        super().__init__("Another Blender is installing or removing PyTorch; wait until it has finished.")


FULL = "The disk is full: free some space, then press Go On."
FORBIDDEN = "This folder may not be written to: {folder}; see to its permissions, then press Go On."
NETWORK = "The download failed: see to the connection, then press Go On; what was fetched is kept."
CERTIFICATE = (
    "The certificate of the server is not valid on this machine: see to the machine's clock and, behind a company's "
    "proxy, have its root certificate installed in the system, then press Go On."
)
DAMAGED = "A file came damaged and is not used: press Go On to fetch it again."
NOT_THERE = "There is no PyTorch of the right version for this Python and machine {where}."
IN_INDEX, IN_FOLDER = "to be fetched: choose a Wheel Folder that has it", "in {wheels}: put it and all it needs there"
SIGNS = (
    (r"no space left|os error 28\b|errno 28\b|not enough space|os error 112\b|disk quota exceeded", FULL),
    (r"permission denied|os error 13\b|errno 13\b|access is denied|read-only file system|os error 30\b", FORBIDDEN),
    (r"certificate[ _]?(verify|verification|is not|is invalid|has expired|unknown|not trusted|was revoked)"
     r"|certificate .{0,60}(not trusted|is invalid)|invalid peer certificate|unknown ?issuer|self[- ]signed certificate"
     r"|unable to get local issuer|sslcertverificationerror", CERTIFICATE),
    # pip goes on without an index that it cannot reach, and then finds no version.
    (r"dns error|failed to establish a new connection|name or service not known|getaddrinfo failed"
     r"|connection (refused|reset|broken|aborted)|error sending request|tunnel connection failed"
     r"|network is unreachable|timed out", NETWORK),
    (r"hash mismatch|do not match the hash|badzipfile|bad zip|not a zip|invalid zip|zip archive|failed to extract"
     r"|failed to unzip|bad crc|\bcorrupt|invalid wheel|is invalid|end of central directory", DAMAGED),
    (r"no solution found|no matching distribution|could not find a version|no wheels|not found in the package"
     r"|no matching platform", NOT_THERE),
    (r"failed to fetch|\bconnection\b|\btls\b|\bcertificate\b|\bproxy\b|failed to download|request failed", NETWORK),
)  # fmt: skip
"""Patterns in the output of installers, with sentences; the first match counts."""


def explained(printed: str, folder: str, wheels: str | None) -> str:
    """Make one sentence from an installer's output before its failure."""
    for sign, sentence in SIGNS:
        if re.search(sign, printed, re.IGNORECASE):
            return sentence.format(folder=folder, where=IN_FOLDER.format(wheels=wheels) if wheels else IN_INDEX)
    last = next((line.strip() for line in reversed(printed.splitlines()) if line.strip()), "no output")
    return f"The installer failed ({last[:160].rstrip('.')}): press Go On to try again; its log has the details."


def of_system(error: OSError, folder: str) -> RuntimeProblem:
    """Make a sentence from an error of the operating system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or getattr(error, "winerror", None) == 112:
        return RuntimeProblem(FULL)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return RuntimeProblem(FORBIDDEN.format(folder=error.filename or folder))
    what, why = error.filename or folder, error.strerror or error
    return RuntimeProblem(f"The operating system refused {what} ({why}): see to that, then press Go On.")
