"""HumanML3D's evaluator networks (Guo et al., CVPR 2022), so that their published weights load by name.

Movement encoder (two strided convolutions over four frames each), motion encoder and text encoder (bidirectional GRUs).
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from ...errors import TrainingDataError
from ...motion.features import FEATURES

WORD, POS, WIDTH, MOTION_HIDDEN = 300, 15, 512, 1024
CONTACTS = 4
"""Features at the end that the evaluator does not read."""

UNIT = 4
"""Frames of one movement."""

PARTS = ("movement_encoder", "motion_encoder", "text_encoder")


class _Movement(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv1d(FEATURES - CONTACTS, WIDTH, 4, 2, 1),
            nn.Dropout(0.2),
            nn.LeakyReLU(0.2),
            nn.Conv1d(WIDTH, WIDTH, 4, 2, 1),
            nn.Dropout(0.2),
            nn.LeakyReLU(0.2),
        )
        self.out_net = nn.Linear(WIDTH, WIDTH)

    def forward(self, features: Tensor) -> Tensor:
        """(B, T, 259) -> (B, T / 4, 512)."""
        result: Tensor = self.out_net(self.main(features.transpose(1, 2)).transpose(1, 2))
        return result


class _Recurrent(nn.Module):
    """What motion and text encoder share: a GRU with a learnt start, its two last states to one vector."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.input_emb = nn.Linear(inputs, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.output_net = nn.Sequential(
            nn.Linear(2 * hidden, hidden), nn.LayerNorm(hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, WIDTH)
        )
        self.hidden = nn.Parameter(torch.zeros(2, 1, hidden))

    def forward(self, rows: Tensor, lengths: Tensor) -> Tensor:
        """rows: (B, L, inputs); lengths: (B,), at least 1. Returns (B, 512)."""
        packed = nn.utils.rnn.pack_padded_sequence(
            self.input_emb(rows), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        _, last = self.gru(packed, self.hidden.repeat(1, len(rows), 1))
        result: Tensor = self.output_net(torch.cat([last[0], last[1]], -1))
        return result


class _Text(_Recurrent):
    def __init__(self) -> None:
        super().__init__(WORD, WIDTH)
        self.pos_emb = nn.Linear(POS, WORD)


class HumanMLNetworks(nn.Module):
    """The three networks under the names their checkpoint has."""

    def __init__(self) -> None:
        super().__init__()
        self.movement_encoder = _Movement()
        self.motion_encoder = _Recurrent(WIDTH, MOTION_HIDDEN)
        self.text_encoder = _Text()

    @classmethod
    def load(cls, file: Path) -> HumanMLNetworks:
        """Read finest.tar; the file can run no code. Raises TrainingDataError if it is missing or something else."""
        try:
            checkpoint = torch.load(file, map_location="cpu", weights_only=True)
            networks = cls()
            for part in PARTS:
                getattr(networks, part).load_state_dict(checkpoint[part])
        except (OSError, pickle.UnpicklingError, RuntimeError, KeyError, TypeError, AttributeError) as error:
            raise TrainingDataError(f"{file.name} does not hold HumanML3D's evaluator.") from error
        return networks.eval().requires_grad_(False)

    def motion(self, features: Tensor, lengths: Tensor) -> Tensor:
        """features: (B, 196, 263) normalised, zero behind their ends; lengths: (B,) frames. Returns (B, 512)."""
        movements = self.movement_encoder(features[..., :-CONTACTS])
        result: Tensor = self.motion_encoder(movements, lengths // UNIT)
        return result

    def text(self, words: Tensor, kinds: Tensor, lengths: Tensor) -> Tensor:
        """words: (B, L, 300); kinds: (B, L, 15) one-hot; lengths: (B,) words. Returns (B, 512)."""
        rows = words + self.text_encoder.pos_emb(kinds)
        result: Tensor = self.text_encoder(rows, lengths)
        return result
