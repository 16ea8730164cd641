"""Names and shapes of all parameters of a model, without building it (the official names, docs/MODEL.md section 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..errors import UnsupportedCheckpoint
from ..motion.skeleton import JOINT_COUNT
from .architecture import Architecture
from .noise_schedule import GUIDANCE_WIDTH, STEP_COUNTS, TIME_WIDTH

FEATURES = 263
POSITIONS = 500
"""Rows of every learned position table."""

Shapes = dict[str, tuple[int, ...]]


def parameter_shapes(architecture: Architecture) -> Shapes:
    """Name and shape of every parameter, as in `torch.nn.Module.state_dict` of the official model."""
    a = architecture
    shapes = _lapped_vae_shapes(a) if a.lapped_frames else _vae_shapes(a)
    shapes |= _latent_transformer("denoiser", a, final_norm=True)
    if a.control:
        shapes |= _latent_transformer("controlnet", a, final_norm=False)
        stride = 2 if a.condition_silu else 1
        widths = (a.latent_width, a.width, a.width, a.latent_width)
        for i in range(3):
            shapes |= _linear(f"controlnet.controlnet_cond_embedding.{i * stride}", widths[i], widths[i + 1])
        for i in range(a.denoiser_layers):
            shapes |= _linear(f"controlnet.controlnet_down_mid_blocks.{i}", a.width, a.width)
        shapes["traj_encoder.global_motion_token"] = (a.latent_tokens, a.width)
        if a.adapter:
            shapes |= _linear("traj_encoder.latent_proj", a.width, a.latent_width)
        shapes |= _linear("traj_encoder.skel_embedding", hint_width(a), a.width)
        shapes["traj_encoder.query_pos_encoder.pe"] = (POSITIONS, 1, a.width)
        shapes |= _skip_transformer("traj_encoder.encoder", a, a.trajectory_layers)
    return shapes


def _vae_shapes(a: Architecture) -> Shapes:
    shapes: Shapes = {"vae.global_motion_token": (2 * a.latent_tokens, a.width)}
    if a.adapter:
        shapes |= _linear("vae.latent_pre", a.width, a.latent_width)
        shapes |= _linear("vae.latent_post", a.latent_width, a.width)
    for name, cross in (("encoder", False), ("decoder", True)):
        shapes["vae.query_pos_" + name + ".pe"] = (POSITIONS, 1, a.width)
        shapes |= _skip_transformer("vae." + name, a, a.vae_layers, cross=cross)
    frames = a.features * a.frames_per_token
    return shapes | _linear("vae.skel_embedding", frames, a.width) | _linear("vae.final_layer", a.width, frames)


def _lapped_vae_shapes(a: Architecture) -> Shapes:
    window, frames = a.features * a.lapped_frames, a.features * a.frames_per_token
    shapes = _linear("vae.analysis", window, a.latent_width)
    shapes |= _linear("vae.synthesis", a.latent_width, window)
    shapes["vae.latent_log_std"] = (a.latent_width,)
    shapes["vae.query_pos_decoder.pe"] = (POSITIONS, 1, a.width)
    shapes |= _skip_transformer("vae.refiner", a, a.vae_layers)
    return shapes | _linear("vae.skel_embedding", frames, a.width) | _linear("vae.final_layer", a.width, frames)


def hint_width(architecture: Architecture) -> int:
    """Size of one token of hints: 22 joints x 3 for each of its frames, twice as many with flags."""
    return 3 * JOINT_COUNT * architecture.frames_per_token * (2 if architecture.hint_flags else 1)


def check_shapes(shapes: Mapping[str, tuple[int, ...]], architecture: Architecture) -> None:
    """Check that names and shapes are exactly the architecture's.

    Args:
        shapes: Shapes by name.
        architecture: The expected sizes.

    Raises:
        UnsupportedCheckpoint: They differ; the sentence names the first difference.
    """
    expected = parameter_shapes(architecture)
    missing = sorted(set(expected) - set(shapes))
    if missing:
        raise UnsupportedCheckpoint(f"The weights lack {missing[0]} and {len(missing) - 1} more parameters.")
    unknown = sorted(set(shapes) - set(expected))
    if unknown:
        raise UnsupportedCheckpoint(f"The weights hold {unknown[0]}, which does not belong to this model.")
    for name, shape in expected.items():
        if tuple(shapes[name]) != shape:
            raise UnsupportedCheckpoint(f"{name} has the shape {tuple(shapes[name])} instead of {shape}.")


def block_names(layers: int) -> Iterator[str]:
    """Names of a skip transformer's blocks, in the order in which they run."""
    half = (layers - 1) // 2
    yield from (f"input_blocks.{i}" for i in range(half))
    yield "middle_block"
    yield from (f"output_blocks.{i}" for i in range(half))


def _linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _attention(name: str, width: int) -> Shapes:
    packed: Shapes = {f"{name}.in_proj_weight": (3 * width, width), f"{name}.in_proj_bias": (3 * width,)}
    return packed | _linear(f"{name}.out_proj", width, width)


def _skip_transformer(name: str, a: Architecture, layers: int, cross: bool = False, final_norm: bool = True) -> Shapes:
    shapes: Shapes = _norm(f"{name}.norm", a.width) if final_norm else {}
    for block in (f"{name}.{b}" for b in block_names(layers)):
        shapes |= _attention(f"{block}.self_attn", a.width)
        if cross:
            shapes |= _attention(f"{block}.multihead_attn", a.width)
        shapes |= _linear(f"{block}.linear1", a.width, a.feedforward)
        shapes |= _linear(f"{block}.linear2", a.feedforward, a.width)
        for i in range(1, 4 if cross else 3):
            shapes |= _norm(f"{block}.norm{i}", a.width)
    for i in range((layers - 1) // 2):
        shapes |= _linear(f"{name}.linear_blocks.{i}", 2 * a.width, a.width)
    return shapes


def _latent_transformer(name: str, a: Architecture, final_norm: bool) -> Shapes:
    shapes: Shapes = {}
    if a.adapter:
        shapes |= _linear(f"{name}.latent_pre", a.latent_width, a.width)
        shapes |= _linear(f"{name}.latent_post", a.width, a.latent_width)
    shapes |= _linear(f"{name}.time_embedding.linear_1", TIME_WIDTH, a.width)
    if a.student:
        shapes[f"{name}.time_embedding.cond_proj.weight"] = (TIME_WIDTH, GUIDANCE_WIDTH)
        if a.phased:
            shapes[f"{name}.time_embedding.steps_proj.weight"] = (TIME_WIDTH, STEP_COUNTS)
    shapes |= _linear(f"{name}.time_embedding.linear_2", a.width, a.width)
    shapes |= _linear(f"{name}.emb_proj.1", a.text_width, a.width)
    shapes[f"{name}.query_pos.pe"] = (POSITIONS, 1, a.width)
    return shapes | _skip_transformer(f"{name}.encoder", a, a.denoiser_layers, final_norm=final_norm)
