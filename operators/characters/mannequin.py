"""The body of a new character: a plain mannequin of tubes and balls, bound to the bones.

Built in armature space: metres, Z up, facing -Y, the T-pose of the engine's SMPL skeleton standing on z = 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import bmesh
import bpy
import numpy as np

Weights = dict[str, float]
SEGMENTS = 16
MATERIALS = {
    "MotionLCM Body": (0.72, 0.74, 0.77, 1.0),
    "MotionLCM Left": (0.80, 0.24, 0.12, 1.0),
    "MotionLCM Right": (0.10, 0.35, 0.75, 1.0),
}
"""Left and right hands and feet differ in colour, so that a pose can be read from any side: left is red and right is
blue, as in the figure of a mapping (`operators/rigs/mapping_drawing.py`)."""
BODY, LEFT, RIGHT = range(3)


@dataclass
class _Surface:
    """Vertices, faces, bone weights and materials, collected part by part."""

    vertices: list[np.ndarray] = field(default_factory=list)
    faces: list[tuple[int, ...]] = field(default_factory=list)
    materials: list[int] = field(default_factory=list)
    weights: list[Weights] = field(default_factory=list)

    def tube(self, rings: list[tuple[np.ndarray, np.ndarray, np.ndarray, Weights]], material: int = BODY) -> None:
        """Connect rings to a closed tube. A ring: its centre, its two half axes, the weights of its points."""
        angles = np.linspace(0.0, 2.0 * np.pi, SEGMENTS, endpoint=False)
        first = len(self.vertices)
        for centre, u, v, weights in rings:
            for angle in angles:
                self._point(centre + np.cos(angle) * u + np.sin(angle) * v, weights)
        for ring in range(len(rings) - 1):
            a, b = first + ring * SEGMENTS, first + (ring + 1) * SEGMENTS
            for k in range(SEGMENTS):
                n = (k + 1) % SEGMENTS
                self._face((a + k, a + n, b + n, b + k), material)
        for ring, start in ((0, first), (-1, first + (len(rings) - 1) * SEGMENTS)):
            pole = self._point(rings[ring][0], rings[ring][3])
            for k in range(SEGMENTS):
                self._face((pole, start + k, start + (k + 1) % SEGMENTS), material)

    def ball(self, centre: np.ndarray, radii: Sequence[float], weights: Weights, material: int = BODY) -> None:
        """An ellipsoid with its axes along x, y and z."""
        rings = []
        for angle in np.linspace(-0.49 * np.pi, 0.49 * np.pi, 9):
            width, height = np.cos(angle), np.sin(angle)
            ring_centre = centre + np.array([0.0, 0.0, radii[2] * height])
            u, v = np.array([radii[0] * width, 0.0, 0.0]), np.array([0.0, radii[1] * width, 0.0])
            rings.append((ring_centre, u, v, weights))
        self.tube(rings, material)

    def _point(self, position: np.ndarray, weights: Weights) -> int:
        self.vertices.append(position)
        self.weights.append(weights)
        return len(self.vertices) - 1

    def _face(self, corners: tuple[int, ...], material: int) -> None:
        self.faces.append(corners)
        self.materials.append(material)


def build_mannequin(name: str, heads: dict[str, np.ndarray]) -> bpy.types.Object:
    """A mesh object with a vertex group for each bone. heads: joint -> (3,) in armature space."""
    surface = _Surface()
    _torso(surface, heads)
    _head(surface, heads)
    for side, material in (("l", LEFT), ("r", RIGHT)):
        _arm(surface, heads, side, material)
        _leg(surface, heads, side, material)

    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([tuple(v) for v in surface.vertices], [], surface.faces)
    for material_name, colour in MATERIALS.items():
        mesh.materials.append(_material(material_name, colour))
    mesh.polygons.foreach_set("material_index", surface.materials)
    mesh.polygons.foreach_set("use_smooth", [True] * len(surface.faces))
    _turn_faces_outward(mesh)
    body = bpy.data.objects.new(name, mesh)
    members: dict[tuple[str, float], list[int]] = {}
    for index, weights in enumerate(surface.weights):
        for bone, weight in weights.items():
            members.setdefault((bone, weight), []).append(index)
    for (bone, weight), indices in members.items():
        group = body.vertex_groups.get(bone) or body.vertex_groups.new(name=bone)
        group.add(indices, weight, "REPLACE")
    return body


def _torso(surface: _Surface, heads: dict[str, np.ndarray]) -> None:
    """One tube from the crotch to the neck, with weights that blend along the spine."""
    knots = [heads["pelvis"][2], heads["spine1"][2], heads["spine2"][2], heads["spine3"][2]]
    middles = [knots[0] + 0.03, *(0.5 * (a + b) for a, b in itertools.pairwise(knots[1:])), knots[3] + 0.05]
    names = ["pelvis", "spine1", "spine2", "spine3"]
    bottom, top = heads["l_hip"][2] - 0.055, heads["neck"][2] + 0.01
    profile = (  # fraction of the height, half width, half depth, backward shift
        (0.00, 0.040, 0.040, 0.000), (0.03, 0.095, 0.075, 0.000), (0.08, 0.140, 0.098, 0.004),
        (0.15, 0.158, 0.110, 0.008), (0.23, 0.155, 0.106, 0.006), (0.32, 0.138, 0.093, 0.002),
        (0.41, 0.127, 0.088, 0.002), (0.50, 0.131, 0.092, 0.003), (0.60, 0.146, 0.104, 0.003),
        (0.70, 0.162, 0.112, 0.000), (0.79, 0.172, 0.106, 0.002), (0.87, 0.166, 0.092, 0.008),
        (0.93, 0.128, 0.076, 0.012), (0.98, 0.074, 0.060, 0.014), (1.00, 0.052, 0.052, 0.014),
    )  # fmt: skip
    rings = []
    for share, width, depth, back in profile:
        z = bottom + share * (top - bottom)
        centre = np.array([0.0, back, z])
        u, v = np.array([width, 0.0, 0.0]), np.array([0.0, depth, 0.0])
        rings.append((centre, u, v, _between(z, middles, names)))
    surface.tube(rings)


def _head(surface: _Surface, heads: dict[str, np.ndarray]) -> None:
    neck, head = heads["neck"], heads["head"]
    rings = []
    for share, radius, weights in (
        (-0.25, 0.064, {"spine3": 0.5, "neck": 0.5}),
        (0.1, 0.058, {"neck": 1.0}),
        (0.7, 0.055, {"neck": 1.0}),
        (1.15, 0.054, {"neck": 0.5, "head": 0.5}),
        (1.5, 0.050, {"head": 1.0}),
    ):
        centre = neck + share * (head - neck)
        rings.append((centre, np.array([radius, 0.0, 0.0]), np.array([0.0, radius * 1.05, 0.0]), weights))
    surface.tube(rings)
    skull = head + [0.0, -0.012, 0.088]
    surface.ball(skull, (0.082, 0.103, 0.124), {"head": 1.0})
    surface.ball(
        skull + [0.0, -0.103, -0.018], (0.013, 0.020, 0.026), {"head": 1.0}
    )  # the nose shows the direction of the head


def _arm(surface: _Surface, heads: dict[str, np.ndarray], side: str, material: int) -> None:
    collar, shoulder, elbow, wrist, hand = (
        heads[f"{side}_{name}"] for name in ("collar", "shoulder", "elbow", "wrist", "hand")
    )
    names = {n: f"{side}_{n}" for n in ("collar", "shoulder", "elbow", "wrist", "hand")}
    depth, height = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])

    def ring(
        a: np.ndarray, b: np.ndarray, share: float, size: float, weights: Weights, flat: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, Weights]:
        return a + share * (b - a), depth * size, height * size * flat, weights

    upper, fore, palm, tip = ({names[n]: 1.0} for n in ("shoulder", "elbow", "wrist", "hand"))
    rest_of = {names["collar"]: 0.7, "spine3": 0.3}
    surface.tube(
        [
            ring(collar, shoulder, 0.30, 0.060, rest_of),
            ring(collar, shoulder, 0.72, 0.066, {names["collar"]: 0.8, names["shoulder"]: 0.2}),
            ring(shoulder, elbow, 0.00, 0.064, {names["collar"]: 0.45, names["shoulder"]: 0.55}),
            ring(shoulder, elbow, 0.14, 0.058, {names["collar"]: 0.1, names["shoulder"]: 0.9}),
            ring(shoulder, elbow, 0.32, 0.051, upper),
            ring(shoulder, elbow, 0.60, 0.047, upper),
            ring(shoulder, elbow, 0.86, 0.042, {names["shoulder"]: 0.8, names["elbow"]: 0.2}),
            ring(shoulder, elbow, 1.00, 0.041, {names["shoulder"]: 0.5, names["elbow"]: 0.5}),
            ring(elbow, wrist, 0.15, 0.043, {names["shoulder"]: 0.2, names["elbow"]: 0.8}),
            ring(elbow, wrist, 0.35, 0.041, fore),
            ring(elbow, wrist, 0.70, 0.032, fore),
            ring(elbow, wrist, 0.97, 0.026, {names["elbow"]: 0.6, names["wrist"]: 0.4}),
        ]
    )
    surface.tube(
        [
            ring(wrist, hand, -0.05, 0.024, {names["elbow"]: 0.4, names["wrist"]: 0.6}),
            ring(wrist, hand, 0.30, 0.036, palm, 0.55),
            ring(wrist, hand, 0.80, 0.043, palm, 0.45),
            ring(wrist, hand, 1.10, 0.042, {names["wrist"]: 0.5, names["hand"]: 0.5}, 0.40),
            ring(wrist, hand, 1.60, 0.036, tip, 0.36),
            ring(wrist, hand, 2.00, 0.022, tip, 0.36),
            ring(wrist, hand, 2.08, 0.008, tip, 0.50),
        ],
        material,
    )
    thumb = wrist + 0.45 * (hand - wrist) + [0.0, -0.043, 0.0]
    surface.ball(thumb, (0.030, 0.018, 0.014), palm, material)


def _leg(surface: _Surface, heads: dict[str, np.ndarray], side: str, material: int) -> None:
    hip, knee, ankle, foot = (heads[f"{side}_{name}"] for name in ("hip", "knee", "ankle", "foot"))
    names = {n: f"{side}_{n}" for n in ("hip", "knee", "ankle", "foot")}
    outward, forward, up = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])

    def ring(
        a: np.ndarray, b: np.ndarray, share: float, size: float, weights: Weights, shift: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, Weights]:
        return a + share * (b - a) + forward * shift, outward * size, forward * size * 1.08, weights

    thigh, shin = {names["hip"]: 1.0}, {names["knee"]: 1.0}
    surface.tube(
        [
            ring(hip, knee, -0.10, 0.060, {"pelvis": 0.8, names["hip"]: 0.2}),
            ring(hip, knee, 0.00, 0.083, {"pelvis": 0.55, names["hip"]: 0.45}),
            ring(hip, knee, 0.12, 0.087, {"pelvis": 0.15, names["hip"]: 0.85}),
            ring(hip, knee, 0.30, 0.082, thigh),
            ring(hip, knee, 0.60, 0.069, thigh),
            ring(hip, knee, 0.88, 0.056, {names["hip"]: 0.8, names["knee"]: 0.2}),
            ring(hip, knee, 1.00, 0.054, {names["hip"]: 0.5, names["knee"]: 0.5}, -0.004),
            ring(knee, ankle, 0.12, 0.053, {names["hip"]: 0.2, names["knee"]: 0.8}),
            ring(knee, ankle, 0.30, 0.056, shin, 0.010),
            ring(knee, ankle, 0.55, 0.047, shin, 0.006),
            ring(knee, ankle, 0.85, 0.034, shin),
            ring(knee, ankle, 1.00, 0.034, {names["knee"]: 0.5, names["ankle"]: 0.5}),
        ]
    )
    # The foot: upright ellipses from heel to toes, the sole on the floor.
    heel = ankle + [0.0, 0.055, 0.0]
    toes = foot + [0.0, -0.085, 0.0]
    whole, toe = {names["ankle"]: 1.0}, {names["foot"]: 1.0}
    rings = []
    for share, width, height, weights in (
        (0.00, 0.018, 0.022, whole),
        (0.06, 0.032, 0.040, whole),
        (0.18, 0.037, 0.050, whole),
        (0.34, 0.038, 0.050, whole),
        (0.52, 0.042, 0.037, whole),
        (0.66, 0.046, 0.028, {names["ankle"]: 0.6, names["foot"]: 0.4}),
        (0.78, 0.046, 0.022, toe),
        (0.92, 0.038, 0.017, toe),
        (1.00, 0.018, 0.011, toe),
    ):
        along = heel + share * (toes - heel)
        centre = np.array([along[0], along[1], foot[2] + height])
        rings.append((centre, outward * width, up * height, weights))
    surface.tube(rings, material)


def _between(z: float, knots: list[float], names: list[str]) -> Weights:
    """Weights that blend from one bone to the next along the height."""
    shares = [float(np.interp(z, knots, each)) for each in np.eye(len(knots))]
    return {name: round(share, 3) for name, share in zip(names, shares, strict=True) if share > 1e-3}


def _turn_faces_outward(mesh: bpy.types.Mesh) -> None:
    edited = bmesh.new()
    edited.from_mesh(mesh)
    bmesh.ops.recalc_face_normals(edited, faces=edited.faces)
    edited.to_mesh(mesh)
    edited.free()


def _material(name: str, colour: tuple[float, float, float, float]) -> bpy.types.Material:
    material = bpy.data.materials.get(name)
    if material is not None:
        return material
    material = bpy.data.materials.new(name)
    material.diffuse_color = colour
    if material.node_tree is None:  # from 5.0 on every material has one
        material.use_nodes = True
    shader = material.node_tree.nodes.get("Principled BSDF")
    if shader is not None:
        shader.inputs["Base Color"].default_value = colour
        shader.inputs["Roughness"].default_value = 0.55
    return material
