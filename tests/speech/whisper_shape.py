"""Stock Whisper checkpoints with random weights: true widths, depths, tokens and costs; the text is nonsense.

The tokens are those of openai/whisper (MIT licence, tests/data/whisper-tokenizer.json.gz). A bias towards the tokens of some
Chinese text makes the nonsense Chinese, characters of two and three tokens among it.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOKENIZER = Path(__file__).parents[1] / "data/whisper-tokenizer.json.gz"
NONSENSE = "您好请问有什么可以帮您的吗嗯对的谢谢再见饕餮魑魅醍醐，。？！繁體電話號碼"
YUE = 50358  # large-v3 has Cantonese after the other languages; what follows moves by one


@dataclass(frozen=True)
class Shape:
    """width and heads of both sides; layers of each; mels."""

    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    mels: int = 80

    def shallow(self) -> Shape:
        """One layer a side: true widths at a fraction of the weights."""
        return replace(self, encoder_layers=1, decoder_layers=1)


SHAPES = {
    "tiny": Shape(384, 6, 4, 4),
    "base": Shape(512, 8, 6, 6),
    "small": Shape(768, 12, 12, 12),
    "medium": Shape(1024, 16, 24, 24),
    "large-v2": Shape(1280, 20, 32, 32),
    "large-v3": Shape(1280, 20, 32, 32, 128),
    "large-v3-turbo": Shape(1280, 20, 32, 4, 128),
}


def make_checkpoint(folder: Path, shape: Shape, chinese: bool = True, quantization: str = "int8", seed: int = 1) -> Path:
    """A folder as ct2-transformers-converter leaves it. Without `chinese` any token may come."""
    from ctranslate2.specs import whisper_spec

    told = _tokenizer(shape.mels == 128)
    ids = {t["content"]: t["id"] for t in told["added_tokens"]} | told["model"]["vocab"]
    names = [name for name, _ in sorted(ids.items(), key=lambda item: item[1])]
    spec = whisper_spec.WhisperSpec(shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads)
    _Filler(seed, shape).fill(spec, len(names))
    if chinese:
        spec.decoder.projection.bias = _bias(told, len(names))
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [220, 50257]
    spec.config.lang_ids = [ids[n] for n in names if 4 <= len(n) <= 7 and n.startswith("<|") and n[2:-2].islower()]
    spec.config.alignment_heads = [[shape.decoder_layers - 1, h] for h in range(2)]
    spec.register_vocabulary(["" if i == 50256 else name for i, name in enumerate(names)])
    spec.validate()
    spec.optimize(quantization=quantization)
    folder.mkdir(parents=True)
    spec.save(str(folder))
    (folder / "tokenizer.json").write_text(json.dumps(told), "utf-8")
    features = {"feature_size": shape.mels, "sampling_rate": 16000, "hop_length": 160, "chunk_length": 30, "n_fft": 400}
    (folder / "preprocessor_config.json").write_text(json.dumps(features), "utf-8")
    return folder


def _tokenizer(cantonese: bool) -> Any:
    told = json.loads(gzip.decompress(TOKENIZER.read_bytes()))
    if cantonese:
        added = told["added_tokens"]
        for token in added:
            token["id"] += token["id"] >= YUE
        added.append({**added[0], "id": YUE, "content": "<|yue|>"})
        added.sort(key=lambda token: token["id"])
    return told


def _bias(told: Any, n: int) -> NDArray[np.float32]:
    from tokenizers import Tokenizer

    bias = np.full(n, -30, np.float32)
    bias[Tokenizer.from_str(json.dumps(told)).encode(NONSENSE, add_special_tokens=False).ids] = 0
    bias[50257] = -2  # the end comes, but not at once
    return bias


class _Filler:
    def __init__(self, seed: int, shape: Shape) -> None:
        self.rng = np.random.default_rng(seed)
        self.shape = shape

    def weights(self, *size: int) -> NDArray[np.float32]:
        return self.rng.standard_normal(size, np.float32) * np.float32(size[-1] ** -0.5)

    def linear(self, spec: Any, out: int, into: int) -> None:
        spec.weight, spec.bias = self.weights(out, into), np.zeros(out, np.float32)

    def norm(self, spec: Any) -> None:
        spec.gamma, spec.beta = np.ones(self.shape.width, np.float32), np.zeros(self.shape.width, np.float32)

    def layer(self, spec: Any, decoder: bool) -> None:
        d = self.shape.width
        self.linear(spec.self_attention.linear[0], 3 * d, d)
        self.linear(spec.self_attention.linear[1], d, d)
        self.norm(spec.self_attention.layer_norm)
        if decoder:
            for linear, out in zip(spec.attention.linear, (d, 2 * d, d), strict=True):
                self.linear(linear, out, d)
            self.norm(spec.attention.layer_norm)
        self.linear(spec.ffn.linear_0, 4 * d, d)
        self.linear(spec.ffn.linear_1, d, 4 * d)
        self.norm(spec.ffn.layer_norm)

    def fill(self, spec: Any, tokens: int) -> None:
        d = self.shape.width
        for conv, into in ((spec.encoder.conv1, self.shape.mels), (spec.encoder.conv2, d)):
            conv.weight = self.rng.standard_normal((d, into, 3), np.float32) * np.float32((3 * into) ** -0.5)
            conv.bias = np.zeros(d, np.float32)
        for part, length, decoder in ((spec.encoder, 1500, False), (spec.decoder, 448, True)):
            part.position_encodings.encodings = self.weights(length, d)
            self.norm(part.layer_norm)
            for layer in part.layer:
                self.layer(layer, decoder)
        spec.decoder.embeddings.weight = spec.decoder.projection.weight = self.weights(tokens, d)
