"""Far pins: a ground path on which the character walks to pins that its motion does not come near.

Without it the whole take would be moved beside its start. The path begins as the character stands, turns towards each
pin in an arc, and stops within reach of it; after the last pin the motion goes on as it would have gone. The path
becomes a hint (`Hints.root_xz`), so the network sees it. Metres, Y up, 20 fps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..motion.metrics import pin_errors
from ..motion.skeleton import FPS
from ..motion.smoothing import smooth
from ..postprocess.headings import facing_angles
from ..postprocess.pin_ik import hold_pins
from ..postprocess.pin_moves import limb_reach, moves_in_time, needed_move
from .generated_motion import GeneratedMotion
from .request import Hints, Request

FAR = 0.3
"""Metres by which a motion may miss the place for a pin before the character walks there."""
ARC = 0.45
"""Metres: radius of the arc in which the path turns towards a pin."""
STROLL, EASE_SECONDS = 0.9, 0.5
"""m/s: a character that stands leaves in time to walk at this speed; seconds in which it starts and stops."""
TRAVELS = 0.4
"""m/s from which a motion travels: it walks to the pin from its first frame on, and past it."""
CLOSER = 0.85
"""Share of a limb's reach at which the character stands before a pin."""
_STEP = 0.02
"""Metres of the way between two of its points."""


@dataclass(frozen=True, eq=False)
class Station:
    """Frames of a pin, and the place of the pelvis there.

    Attributes:
        first: First pinned frame.
        last: Last pinned frame.
        pin: (2,) metres, x and z of the pin on the first frame.
        reach: Metres from the pin at which the pelvis stands.
    """

    first: int
    last: int
    pin: FloatArray
    reach: float


def approached(request: Request, joints: FloatArray) -> Request | None:
    """Give a request with far pins a ground path that leads to them.

    Args:
        request: The request of one take.
        joints: (T, 22, 3) metres, its motion as sampled, in the frame of the request.

    Returns:
        The request with the path; None if it has a path or an end, if its pins are near, or if they are too far to be
        reached in time.
    """
    hints = request.hints
    if hints is None or hints.root_xz is not None or request.end is not None or hints.pins is None:
        return None
    positions, mask = hints.pins
    begin = 0 if request.start is None else request.start.frames - 1
    needed, known = needed_move(joints, positions, mask)
    timely = moves_in_time(joints, positions, mask)
    far = np.linalg.norm(needed, axis=-1) > FAR
    known[: begin + 1] = False
    if not (far & known & timely).any():
        return None
    found = _stations(joints, positions, mask, known & timely)
    xz = _way(np.asarray(joints, np.float64), found, begin)
    path = Hints.ground_path(xz)
    both = mask | path.mask
    return replace(request, hints=Hints(np.where(mask, positions, path.positions), both))


def restore_request(motion: GeneratedMotion, request: Request) -> GeneratedMotion:
    """Give a motion that was led to far pins the request without the path.

    Args:
        motion: The motion of the request from `approached`.
        request: The original request.

    Returns:
        The motion, with pinned hips exactly in their place and without measures of the path.
    """
    hints = request.hints
    assert hints is not None and hints.pins is not None
    report = {name: value for name, value in motion.report.items() if "path" not in name}
    joints = motion.joints
    if hints.pins[1][:, 0].any():
        joints = hold_pins(joints, motion.contacts, *hints.pins).astype(np.float32)
        error = 100 * pin_errors(joints, *hints.pins)
        report |= {"pin_mean_cm": float(np.nanmean(error)), "pin_max_cm": float(np.nanmax(error))}
    return replace(motion, joints=joints, request=request, report=report)


def _stations(joints: FloatArray, positions: FloatArray, mask: BoolArray, known: BoolArray) -> list[Station]:
    """The runs of pinned frames (T,) in time; of several pinned joints the pelvis counts, else the first one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]])))
    found = []
    for first, stop in zip(edges[0::2], edges[1::2], strict=True):
        pinned = np.flatnonzero(mask[first, :, 0] & mask[first, :, 2])
        if not len(pinned):
            continue
        joint = int(pinned[0])
        reach = 0.0 if joint == 0 else CLOSER * limb_reach(joints, joint, float(positions[first, joint, 1]))
        found.append(Station(int(first), int(stop) - 1, positions[first, joint, [0, 2]].astype(np.float64), reach))
    return found


def _way(joints: FloatArray, stations: list[Station], begin: int) -> FloatArray:
    """(T, 2) path of the pelvis through the stations."""
    frames = len(joints)
    own = smooth(joints[:, 0][:, [0, 2]], 3.0)
    pace = float(np.linalg.norm(own[-1] - own[begin]) * FPS / max(frames - 1 - begin, 1))
    faces = facing_angles(joints)
    way = joints[:, 0][:, [0, 2]].copy()
    at, place, heading = begin, way[begin], float(faces[begin])
    for number, station in enumerate(stations):
        line = _line_to(place, heading, station)
        passes = pace > TRAVELS and number == len(stations) - 1
        leave = at if pace > TRAVELS and number == 0 else max(at, _departure(line, at, station.first))
        if number == 0 and leave > at:  # it stays where the motion is, until it leaves
            line = line + (own[leave] - place)
            line = _line_to(own[leave], float(faces[leave]), station)
            way[at : leave + 1] = own[at : leave + 1]
        else:
            way[at : leave + 1] = place
        way[leave : station.first + 1] = _timed(line, station.first - leave, pace > TRAVELS and number == 0, passes)
        way[station.first : station.last + 1] = line[-1]
        at, place = station.last, line[-1]
        if len(line) > 1:
            heading = float(np.arctan2(*(line[-1] - line[-2])))
    turn = heading - float(faces[at])
    rest = own[at:] - own[at]
    cos, sin = np.cos(turn), np.sin(turn)
    way[at:, 0] = place[0] + cos * rest[:, 0] + sin * rest[:, 1]
    way[at:, 1] = place[1] + cos * rest[:, 1] - sin * rest[:, 0]
    return way


def _line_to(place: FloatArray, heading: float, station: Station) -> FloatArray:
    """(N, 2) points every 2 cm from a place to within reach of a station: an arc, then straight on."""
    points, at = [np.asarray(place, np.float64)], np.asarray(place, np.float64)
    distance = float(np.linalg.norm(station.pin - at))
    radius = min(ARC, 0.3 * distance)
    for _ in range(int(4.0 * distance / _STEP) + 400):
        to_pin = station.pin - at
        if np.linalg.norm(to_pin) <= max(station.reach, _STEP):
            break
        off = (np.arctan2(*to_pin) - heading + np.pi) % (2.0 * np.pi) - np.pi
        heading += float(np.clip(off, -_STEP / max(radius, _STEP), _STEP / max(radius, _STEP)))
        at = at + _STEP * np.array([np.sin(heading), np.cos(heading)])
        points.append(at)
    return np.stack(points)


def _departure(line: FloatArray, at: int, arrival: int) -> int:
    """Frame on which a character that stands leaves, so that it strolls."""
    seconds = _STEP * (len(line) - 1) / STROLL + EASE_SECONDS
    return max(at, round(arrival - seconds * FPS))


def _timed(line: FloatArray, frames: int, begins_moving: bool, ends_moving: bool) -> FloatArray:
    """(frames + 1, 2) points along a line, with an even speed that eases in and out."""
    time = np.linspace(0.0, 1.0, frames + 1)
    ease = min(EASE_SECONDS * FPS / max(frames, 1), 0.4)
    speed = np.ones(frames + 1)
    if not begins_moving:
        speed = np.minimum(speed, time / ease)
    if not ends_moving:
        speed = np.minimum(speed, (1.0 - time) / ease)
    gone = np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]))])
    where = gone / max(gone[-1], 1e-9) * (len(line) - 1)
    index = np.arange(len(line))
    return np.stack([np.interp(where, index, line[:, k]) for k in (0, 1)], axis=-1)
