"""A small random sentence-t5 in the published layout (sentence-transformers)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

WORDS = ["▁a", "▁person", "▁walks", "▁forward", "▁and", "▁waves", "▁", *"abcdefghijklmnopqrstuvwxyz"]


def write_plain_t5(folder: Path) -> Path:
    """The same, without PyTorch: random weights as safetensors."""
    import numpy as np
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    for name in ("1_Pooling", "2_Dense"):
        (folder / name).mkdir(parents=True)
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((w, -float(i)) for i, w in enumerate(WORDS, 1))]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"model_type": "t5", "num_layers": 2, "num_heads": 3, "d_model": 24, "feed_forward_proj": "relu"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "2_Dense" / "config.json").write_text('{"in_features": 24, "out_features": 16, "bias": false}')
    rng = np.random.default_rng(0)
    shapes = {"shared": (len(vocabulary), 24), "encoder.final_layer_norm": (24,)}
    shapes["encoder.block.0.layer.0.SelfAttention.relative_attention_bias"] = (32, 3)
    for number in range(2):
        block = f"encoder.block.{number}.layer"
        shapes |= {f"{block}.0.SelfAttention.{part}": (24, 24) for part in "qkvo"}
        shapes |= {f"{block}.0.layer_norm": (24,), f"{block}.1.layer_norm": (24,)}
        shapes |= {f"{block}.1.DenseReluDense.wi": (48, 24), f"{block}.1.DenseReluDense.wo": (24, 48)}
    weights = {f"{name}.weight": rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    save_file(weights, folder / "model.safetensors")
    save_file({"linear.weight": rng.standard_normal((16, 24), np.float32)}, folder / "2_Dense" / "model.safetensors")
    return folder


def write_small_t5(folder: Path) -> Path:
    """24 wide, two layers, sentence vectors of 16; the dense layer is a pickle, as published. Skips without torch."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    torch.manual_seed(0)
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((w, -float(i)) for i, w in enumerate(WORDS, 1))]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    fast.save_pretrained(folder)
    config = transformers.T5Config(
        vocab_size=len(vocabulary),
        d_model=24,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=3,
        feed_forward_proj="relu",
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )
    transformers.T5EncoderModel(config).save_pretrained(folder)
    (folder / "modules.json").write_text(
        json.dumps(
            [
                {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
                for i, (path, kind) in enumerate(
                    [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize")]
                )
            ]
        )
    )
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 256, "do_lower_case": false}')
    for name in ("1_Pooling", "2_Dense", "3_Normalize"):
        (folder / name).mkdir()
    pooling = {"word_embedding_dimension": 24, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    dense = {"in_features": 24, "out_features": 16, "bias": False}
    dense |= {"activation_function": "torch.nn.modules.linear.Identity"}
    (folder / "2_Dense" / "config.json").write_text(json.dumps(dense))
    torch.save({"linear.weight": torch.randn(16, 24)}, folder / "2_Dense" / "pytorch_model.bin")
    return folder
