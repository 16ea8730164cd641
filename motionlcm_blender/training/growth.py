"""Weights of a smaller model as the beginning of a larger one.

Training of a new architecture from noise costs many hours. This module instead fills the weights of the new
architecture from a trained model with a narrower latent, fewer features, fewer frames in a token or fewer layers, so
that the new model starts near what the old one does.

Source of the idea: Net2Net (Chen, Goodfellow and Shlens 2016), function-preserving growth. Here the growth is only
nearly function-preserving: post-norm blocks have no exact identity, and the frames of one token start with one pose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ..networks.architecture import Architecture

FRESH = 0.1
"""Share of the random initial values that new inputs start with; it breaks the symmetry between frames of a token."""
_LATENT_LAYERS = ("latent_pre.", "latent_post.", "latent_proj.", "controlnet_cond_embedding.")
_BLOCK = re.compile(r"(.*)(input_blocks|output_blocks|linear_blocks)\.(\d+)\.(.*)")


def may_grow(first: Architecture, wanted: Architecture) -> bool:
    """Whether `grown_weights` can make weights of `wanted` from those of `first`."""
    same = replace(
        first,
        velocity=wanted.velocity,
        latent_tokens=wanted.latent_tokens,
        latent_width=wanted.latent_width,
        lapped_frames=wanted.lapped_frames,
        phased=wanted.phased,
        features=wanted.features,
        frames_per_token=wanted.frames_per_token,
        hint_flags=wanted.hint_flags,
        vae_layers=wanted.vae_layers,
        denoiser_layers=wanted.denoiser_layers,
        trajectory_layers=wanted.trajectory_layers,
        student=wanted.student,
        control=wanted.control,
    )
    return (
        same == wanted
        and first.latent_tokens <= wanted.latent_tokens
        and first.latent_width <= wanted.latent_width
        and first.features <= wanted.features
        and wanted.frames_per_token % first.frames_per_token == 0
        and first.hint_flags <= wanted.hint_flags
        and (first.vae_layers <= wanted.vae_layers or not same_latents(first, wanted))
        and first.denoiser_layers <= wanted.denoiser_layers
        and first.trajectory_layers <= wanted.trajectory_layers
    )


def same_latents(first: Architecture, wanted: Architecture) -> bool:
    """Whether the VAEs of two architectures are of one kind, so that they may share what reads or writes latents.

    If they are not, the VAE and all layers that read or write latents begin from noise.
    """
    return first.lapped_frames == wanted.lapped_frames and (
        first.latent_tokens == wanted.latent_tokens or not wanted.lapped_frames
    )


def grown_weights(
    weights: Mapping[str, Tensor], fresh: Mapping[str, Tensor], first: Architecture, wanted: Architecture
) -> dict[str, Tensor]:
    """Fill the weights of one network (VAE, denoiser or trajectory encoder) from a smaller one.

    Args:
        weights: Weights of the smaller network by name, without the network's prefix.
        fresh: Initial weights of the larger network by name.
        first: Architecture of the smaller model; `may_grow` must be true for the pair.
        wanted: Architecture of the larger model.

    Returns:
        A tensor for each name in `fresh`.
    """
    if not same_latents(first, wanted):
        weights = {name: tensor for name, tensor in weights.items() if not name.startswith(_LATENT_LAYERS)}
    deeper = _deeper(weights, fresh)
    ratio = wanted.frames_per_token // first.frames_per_token
    result = {}
    for name, initial in fresh.items():
        known = deeper.get(name)
        if known is None:
            result[name] = initial.detach().clone()
        elif name == "skel_embedding.weight":
            result[name] = _grouped_input(known, initial, first.frames_per_token, wanted.frames_per_token)
        elif name.startswith("final_layer."):
            result[name] = _grouped_output(known, initial, first.frames_per_token, wanted.frames_per_token)
        elif name.endswith("query_pos_encoder.pe"):
            tokens = weights["global_motion_token"].shape[0]
            result[name] = _grouped_positions(known, tokens, ratio)
        elif name.endswith("query_pos.pe"):
            result[name] = _moved_positions(known, first.latent_tokens, wanted.latent_tokens)
        elif name.endswith("query_pos_decoder.pe"):
            result[name] = _grouped_positions(known, 0, ratio)
        else:
            result[name] = widened(known, initial)
    return result


def widened(weights: Tensor, fresh: Tensor) -> Tensor:
    """Weights of a model with a narrower latent as a beginning for one with a wider latent.

    Rows that make new channels start as they are in `fresh`; columns that read new channels start at a tenth of it, so
    that what is known already is hardly disturbed.

    Args:
        weights: The trained values.
        fresh: The new module's initial values, of at least the size of `weights`.
    """
    if weights.shape == fresh.shape:
        return weights
    joined = fresh.detach().to(weights.dtype) * (1.0 if len(fresh) > len(weights) else FRESH)
    joined[tuple(slice(0, size) for size in weights.shape)] = weights
    return joined


def _grouped_input(weight: Tensor, fresh: Tensor, before: int, after: int) -> Tensor:
    """(width, before * n) -> (width, after * m): each token reads the mean of the frames of its old tokens."""
    old = weight.unflatten(1, (before, -1))
    new = FRESH * fresh.detach().to(weight.dtype).unflatten(1, (after, -1))
    ratio = after // before
    if ratio == 1:
        new[:, :, : old.shape[2]] = 0.0
    new[:, :, : old.shape[2]] += old.repeat_interleave(ratio, 1) / ratio
    result: Tensor = new.flatten(1)
    return result


def _grouped_output(weight: Tensor, fresh: Tensor, before: int, after: int) -> Tensor:
    """(before * n, ...) -> (after * m, ...): the frames of a new token start with those of the old token."""
    old = weight.unflatten(0, (before, -1))
    new = fresh.detach().to(weight.dtype).unflatten(0, (after, -1)).clone()
    new[:, : old.shape[1]] = old.repeat_interleave(after // before, 0)
    result: Tensor = new.flatten(0, 1)
    return result


def _grouped_positions(positions: Tensor, leading: int, ratio: int) -> Tensor:
    """(500, 1, width) positions of tokens `ratio` times as long; the first `leading` positions stay."""
    if ratio == 1:
        return positions
    result = positions.clone()
    moving = positions[leading:]
    whole = len(moving) // ratio
    result[leading : leading + whole] = moving[: whole * ratio].unflatten(0, (whole, ratio)).mean(1)
    result[leading + whole :] = result[leading + whole - 1]
    return result


def _moved_positions(positions: Tensor, before: int, after: int) -> Tensor:
    """(500, 1, width) positions of latents, time and text when there are more latents; the new ones repeat the last."""
    added = positions[before - 1 : before].expand(after - before, -1, -1)
    joined: Tensor = torch.cat([positions[:before], added, positions[before:]])[: len(positions)].clone()
    return joined


def _deeper(weights: Mapping[str, Tensor], fresh: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Move blocks to their places in a deeper network; new blocks around the middle one start near the identity."""
    result: dict[str, Tensor] = {}
    before, after = _half(weights), _half(fresh)
    for name, tensor in weights.items():
        found = _BLOCK.fullmatch(name)
        if found is None:
            result[name] = tensor
            continue
        prefix, kind, number, rest = found.groups()
        extra = after[prefix] - before[prefix]
        place = int(number) + (0 if kind == "input_blocks" else extra)
        result[f"{prefix}{kind}.{place}.{rest}"] = tensor
    for name, initial in fresh.items():
        found = _BLOCK.fullmatch(name)
        if found is None or name in result:
            continue
        prefix, kind, _, rest = found.groups()
        if prefix not in before:
            continue
        middle = {n: t for n, t in weights.items() if n.startswith(f"{prefix}middle_block.")}
        result[name] = _identity_part(kind, rest, initial, middle, prefix)
    return result


def _identity_part(kind: str, name: str, initial: Tensor, middle: Mapping[str, Tensor], prefix: str) -> Tensor:
    """A weight of a new block that hands its input on, or of the linear layer that joins its skip connection."""
    if kind == "linear_blocks":
        joined = torch.zeros_like(initial)
        if initial.ndim == 2:
            width = len(initial)
            joined[:, :width] = torch.eye(width, dtype=initial.dtype)
        return joined
    if name.startswith(("self_attn.out_proj.", "multihead_attn.out_proj.", "linear2.")):
        return torch.zeros_like(initial)
    last = "norm3" if f"{prefix}middle_block.norm3.weight" in middle else "norm2"
    if name.startswith(f"{last}."):
        # The block normalises its input, which is the output of a norm already: give it back the size it had.
        scale, shift = middle[f"{prefix}middle_block.{last}.weight"], middle[f"{prefix}middle_block.{last}.bias"]
        size = (scale.float().square().mean() + shift.float().var()).sqrt()
        value = size if name.endswith("weight") else shift.float().mean()
        return torch.full_like(initial, float(value))
    return initial.detach().clone()


def _half(names: Mapping[str, Tensor]) -> dict[str, int]:
    """Number of input blocks by the prefix of each transformer."""
    result: dict[str, int] = {}
    for name in names:
        found = _BLOCK.fullmatch(name)
        if found is not None:
            prefix, number = found.group(1), int(found.group(3)) + 1
            result[prefix] = max(result.get(prefix, 0), number)
    return result
