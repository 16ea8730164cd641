"""Scales the noise of the sampler by how much motion of a caption usually moves.

A sampler of few steps damps lively actions and makes quiet ones too busy, because each step averages over the motions
that fit. The size of its initial noise changes how much its motion moves. A model folder corrects this with
caption_speed.safetensors (`text.caption_speed`) and a table in its config.json:

    "liveliness": {"speeds": [0.14, 0.5], "noise": [0.82, 1.24]}

The noise for a caption whose motion is predicted to move at the first of the speeds or slower (m/s, mean of the joints
against the pelvis) is multiplied by the first factor, at the second speed or faster by the second one; between them the
logarithm of the factor follows the logarithm of the speed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..array_types import FloatArray
from ..errors import ModelFolderError
from ..networks.model_folder import ModelFolder
from ..text.caption_speed import CaptionSpeed, read_caption_speed
from .request import Request

logger = logging.getLogger(__name__)

SENTENCE_ROW = 1
"""Row of the sentence vector in the text tokens (`text_tokens.state_tokens`)."""


class CaptionLiveliness:
    """Noise factors of a model folder. The file of the predictor is read at the first request."""

    def __init__(self, folder: ModelFolder | None) -> None:
        """folder: The model folder; None, or one without a table "liveliness": all factors are 1."""
        self._folder = folder if folder is not None and folder.liveliness else None
        self._predictor: CaptionSpeed | None = None

    def noise_factor(self, request: Request, text: FloatArray) -> float:
        """The factor on the initial noise of a request.

        A predictor that cannot be used is named in the log; then all factors are 1.

        Args:
            request: The request; with a path, whose speed the motion takes, or without `caption_liveliness` the factor
                is 1.
            text: (text tokens, text_width) of what the network gets, from `MotionModel.encode_prompt`.

        Returns:
            The factor.
        """
        if not request.caption_liveliness or request.has_path or self._folder is None:
            return 1.0
        try:
            if self._predictor is None:
                self._predictor = read_caption_speed(self._folder.path)
            speed = float(self._predictor.body_speeds(text[SENTENCE_ROW][None])[0])
        except ModelFolderError as error:
            logger.warning("Liveliness does not depend on the prompt: %s", error)
            self._folder = None
            return 1.0
        return noise_factor_at(speed, self._folder.liveliness)


def noise_factor_at(speed: float, table: Mapping[str, Any]) -> float:
    """The factor on the initial noise at a body speed.

    Args:
        speed: m/s.
        table: "liveliness" of config.json: "speeds" and "noise", two numbers each.

    Returns:
        The factor.
    """
    return float(np.exp(np.interp(np.log(speed), np.log(table["speeds"]), np.log(table["noise"]))))
