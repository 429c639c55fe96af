"""A training checkpoint → a folder that `faster_whisper.WhisperModel` loads: CTranslate2 weights, tokenizer, feature settings.

python data/samples/make/convert.py CHECKPOINT.pt FOLDER
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ctranslate2.converters import utils
from ctranslate2.specs import common_spec, whisper_spec
from sentences import characters
from tokens import build

WINDOW_S = 8


class Weights:
    """Fills CTranslate2's layer specifications from a state dict by the names `transformers` uses."""

    def __init__(self, state: dict[str, torch.Tensor]) -> None:
        self.arrays = {k: v.float().contiguous().numpy() for k, v in state.items()}

    def norm(self, spec: Any, name: str) -> None:
        spec.gamma, spec.beta = self.arrays[name + ".weight"], self.arrays[name + ".bias"]

    def linear(self, spec: Any, name: str) -> None:
        spec.weight = self.arrays[name + ".weight"]
        spec.bias = self.arrays.get(name + ".bias", np.zeros(len(spec.weight), np.float32))

    def attention(self, spec: Any, name: str, self_attention: bool) -> None:
        q, k, v = (common_spec.LinearSpec() for _ in range(3))
        for part, key in ((q, "q"), (k, "k"), (v, "v")):
            self.linear(part, f"{name}.{key}_proj")
        if self_attention:
            utils.fuse_linear(spec.linear[0], [q, k, v])
        else:
            utils.fuse_linear(spec.linear[0], [q])
            utils.fuse_linear(spec.linear[1], [k, v])
        self.linear(spec.linear[-1], f"{name}.out_proj")

    def layer(self, spec: Any, name: str, decoder: bool) -> None:
        self.attention(spec.self_attention, f"{name}.self_attn", True)
        self.norm(spec.self_attention.layer_norm, f"{name}.self_attn_layer_norm")
        if decoder:
            self.attention(spec.attention, f"{name}.encoder_attn", False)
            self.norm(spec.attention.layer_norm, f"{name}.encoder_attn_layer_norm")
        self.linear(spec.ffn.linear_0, f"{name}.fc1")
        self.linear(spec.ffn.linear_1, f"{name}.fc2")
        self.norm(spec.ffn.layer_norm, f"{name}.final_layer_norm")


def convert(checkpoint: Path, folder: Path) -> None:
    saved, tokenizer = torch.load(checkpoint, map_location="cpu"), build(characters())
    size, weights = saved["size"], Weights(saved["model"])
    spec = whisper_spec.WhisperSpec(size["encoder_layers"], size["heads"], size["decoder_layers"], size["heads"])
    for i in (1, 2):
        conv = getattr(spec.encoder, f"conv{i}")
        conv.weight, conv.bias = (weights.arrays[f"encoder.conv{i}.{part}"] for part in ("weight", "bias"))
    for side, part in (("encoder", spec.encoder), ("decoder", spec.decoder)):
        part.position_encodings.encodings = weights.arrays[f"{side}.embed_positions.weight"]
        weights.norm(part.layer_norm, f"{side}.layer_norm")
        for i in range(size[f"{side}_layers"]):
            weights.layer(part.layer[i], f"{side}.layers.{i}", side == "decoder")
    spec.decoder.embeddings.weight = spec.decoder.projection.weight = weights.arrays["decoder.embed_tokens.weight"]
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [tokenizer.token_to_id(" "), tokenizer.token_to_id("<|endoftext|>")]
    spec.config.lang_ids = [tokenizer.token_to_id(f"<|{x}|>") for x in ("zh", "en", "yue")]
    last = size["decoder_layers"] - 1
    spec.config.alignment_heads = [[last, 0], [last, 1]]
    names = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    names[names.index("<unk>")] = ""  # CTranslate2 calls a Whisper multilingual when the empty string is a token
    spec.register_vocabulary(names)
    spec.validate()
    spec.optimize(quantization="int8_float16")
    staged = folder.with_name(folder.name + ".new")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    spec.save(str(staged))
    tokenizer.save(str(staged / "tokenizer.json"), pretty=False)
    vocabulary = staged / "vocabulary.json"
    compact = json.dumps(json.loads(vocabulary.read_text("utf-8")), ensure_ascii=False, separators=(",", ":"))
    vocabulary.write_text(compact, "utf-8")
    features = {"feature_size": 80, "sampling_rate": 16000, "hop_length": 160, "chunk_length": WINDOW_S, "n_fft": 400}
    (staged / "preprocessor_config.json").write_text(json.dumps(features), "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(staged, folder)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
