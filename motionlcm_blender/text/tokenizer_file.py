"""The tokenizer of a text encoder, from its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelFolderError
from ..files.safetensors_files import read_bytes

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER = "tokenizer.json"


def read_tokenizer(folder: Path, words: int, weights: str, max_tokens: int) -> Tokenizer:
    """Read the tokenizer of a text encoder, without padding.

    Args:
        folder: The folder of the text encoder.
        words: Number of words that the encoder has weights for.
        weights: Name of the file of weights, for errors.
        max_tokens: Longer prompts are cut to this number of tokens.

    Returns:
        The tokenizer.

    Raises:
        ModelFolderError: The file is missing, damaged, or has more words than the encoder.
    """
    from tokenizers import Tokenizer

    text = read_bytes(folder / TOKENIZER)
    try:
        tokenizer = Tokenizer.from_str(text.decode())
    except Exception as error:  # tokenizers raises nothing more specific
        raise ModelFolderError(f"{TOKENIZER} of the text encoder in {folder} is damaged.") from error
    if tokenizer.get_vocab_size() > words:
        raise ModelFolderError(f"{TOKENIZER} and {weights} in {folder} are not of the same text encoder.")
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer
