"""Training weights read back from a converted model, so that the shipped folder is all that further training starts from.

CTranslate2 has no reader for Python: this follows `ModelSpec.save` of its converters, version 6 of the file format.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack_from("<" + kind, self.content, self.at)
        self.at += struct.calcsize("<" + kind)
        return int(value)

    def name(self) -> str:
        length = self.number("H")
        self.at += length
        return self.content[self.at - length : self.at - 1].decode()

    def array(self) -> NDArray[np.generic]:
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind, size = np.dtype(TYPES[self.number("B")]), self.number("I")
        self.at += size
        return np.frombuffer(self.content, kind, size // kind.itemsize, self.at - size).reshape(shape)


def _variables(path: Path) -> dict[str, NDArray[np.float32]]:
    """Every variable of a `model.bin` as float32, int8 weights multiplied out."""
    reader = _Reader(path.read_bytes())
    if (version := reader.number("I")) != 6:
        raise ValueError(f"{path}: expected file format 6 of CTranslate2, found {version}")
    reader.name()
    reader.number("I")
    raw = {reader.name(): reader.array() for _ in range(reader.number("I"))}

    def plain(name: str, value: NDArray[np.generic]) -> NDArray[np.float32]:
        scale = raw.get(name + "_scale")
        wide = np.asarray(value, np.float32)
        return wide if scale is None else wide / np.asarray(scale, np.float32).reshape(-1, *[1] * (wide.ndim - 1))

    return {name: plain(name, value) for name, value in raw.items() if not name.endswith("_scale")}


def _attention(found: dict[str, NDArray[np.float32]], at: str, name: str, own: bool) -> dict[str, NDArray[np.float32]]:
    parts = ("q", "k", "v")
    weights, biases = ([found[f"{at}/linear_{i}/{w}"] for i in ((0,) if own else (0, 1))] for w in ("weight", "bias"))
    split = dict(zip(parts, np.split(np.concatenate(weights), 3), strict=True))
    bias = dict(zip(parts, np.split(np.concatenate(biases), 3), strict=True))
    last = f"{at}/linear_{1 if own else 2}"
    out = {f"{name}.{p}_proj.weight": split[p] for p in parts} | {f"{name}.{p}_proj.bias": bias[p] for p in ("q", "v")}
    out |= {f"{name}.out_proj.weight": found[f"{last}/weight"], f"{name}.out_proj.bias": found[f"{last}/bias"]}
    return out | _norm(found, f"{at}/layer_norm", f"{name}_layer_norm")


def _norm(found: dict[str, NDArray[np.float32]], at: str, name: str) -> dict[str, NDArray[np.float32]]:
    return {f"{name}.weight": found[f"{at}/gamma"], f"{name}.bias": found[f"{at}/beta"]}


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The state dict by `network.Whisper`'s names, without what is for training only, of a folder that `convert.py` wrote."""
    found = _variables(folder / "model.bin")
    state = {"decoder.embed_tokens.weight": found["decoder/embeddings/weight"]}
    state |= {f"{s}.embed_positions.weight": found[f"{s}/position_encodings/encodings"] for s in ("encoder", "decoder")}
    state |= {f"encoder.{c}.{w}": found[f"encoder/{c}/{w}"] for c in ("conv1", "conv2") for w in ("weight", "bias")}
    for side in ("encoder", "decoder"):
        state |= _norm(found, f"{side}/layer_norm", f"{side}.layer_norm")
        for i in range(len({k.split("/")[1] for k in found if k.startswith(f"{side}/layer_") and k.count("/") > 2})):
            at, name = f"{side}/layer_{i}", f"{side}.layers.{i}"
            state |= _attention(found, f"{at}/self_attention", f"{name}.self_attn", True)
            if side == "decoder":
                state |= _attention(found, f"{at}/attention", f"{name}.encoder_attn", False)
            for j in (1, 2):
                state |= {f"{name}.fc{j}.{w}": found[f"{at}/ffn/linear_{j - 1}/{w}"] for w in ("weight", "bias")}
            state |= _norm(found, f"{at}/ffn/layer_norm", f"{name}.final_layer_norm")
    return {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
