"""Tiny random models of the graphs that sherpa-onnx takes, with the metadata it reads: nonsense as text, but the real path."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, save

SAID = "您好请问有什么可以帮您的吗嗯对谢谢再见号码"
TOKENS = ["<blk>", "<s>", "</s>", "<|zh|>", "<|NEUTRAL|>", "<|Speech|>", "<|woitn|>", *dict.fromkeys(SAID)]

PLACES = {"from": [0], "to": [2**31 - 1], "axis": [1], "step": [4], "one": [1], "two": [2]}
FOURTH = {name: np.array(value, np.int64) for name, value in PLACES.items()}
"""Every fourth frame, and how many those are."""


def sense_voice(folder: Path) -> Path:
    """x [1, T, 560] → logits [1, 4 + T, tokens]: language, emotion, event and form come first."""
    first = np.full((1, 4, len(TOKENS)), -9, np.float32)
    first[0, range(4), [3, 4, 5, 6]] = 9
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["heard"]),
        helper.make_node("Add", ["heard", "bias"], ["said"]),
        helper.make_node("Concat", ["first", "said"], ["logits"], axis=1),
    ]
    whole = [helper.make_tensor_value_info(n, TensorProto.INT32, ["N"]) for n in ("x_length", "language", "text_norm")]
    inputs = [_float("x", 560), *whole]
    told = {"model_type": "sense_voice_ctc", "normalize_samples": 0, "with_itn": 14, "without_itn": 15, **_lfr()}
    told |= {f"lang_{name}": i for i, name in enumerate(("auto", "zh", "en", "yue", "ja", "ko"))}
    return _write(folder, nodes, inputs, [_float("logits", len(TOKENS))], {"first": first, **_weights(560)}, told)


def paraformer(folder: Path) -> Path:
    """speech [1, T, 560] → logits [1, T/4, tokens], and how many of them are tokens; without times."""
    nodes = [
        helper.make_node("Slice", ["speech", "from", "to", "axis", "step"], ["fourth"]),
        helper.make_node("MatMul", ["fourth", "weights"], ["heard"]),
        helper.make_node("Add", ["heard", "bias"], ["logits"]),
        helper.make_node("Shape", ["fourth"], ["shape"]),
        helper.make_node("Slice", ["shape", "one", "two"], ["length"]),
        helper.make_node("Cast", ["length"], ["token_num"], to=TensorProto.INT32),
    ]
    inputs = [_float("speech", 560), helper.make_tensor_value_info("speech_lengths", TensorProto.INT32, ["N"])]
    outputs = [_float("logits", len(TOKENS)), helper.make_tensor_value_info("token_num", TensorProto.INT32, ["N"])]
    return _write(folder, nodes, inputs, outputs, _weights(560, -9) | FOURTH, {"model_type": "paraformer", **_lfr()})


def zipformer(folder: Path) -> Path:
    """x [1, T, 80] → log-probabilities [1, T/4, tokens]."""
    nodes = [
        helper.make_node("Slice", ["x", "from", "to", "axis", "step"], ["fourth"]),
        helper.make_node("MatMul", ["fourth", "weights"], ["heard"]),
        helper.make_node("Add", ["heard", "bias"], ["said"]),
        helper.make_node("LogSoftmax", ["said"], ["log_probs"], axis=-1),
        helper.make_node("Shape", ["fourth"], ["shape"]),
        helper.make_node("Slice", ["shape", "one", "two"], ["log_probs_len"]),
    ]
    inputs = [_float("x", 80), helper.make_tensor_value_info("x_lens", TensorProto.INT64, ["N"])]
    outputs = [_float("log_probs", len(TOKENS)), helper.make_tensor_value_info("log_probs_len", TensorProto.INT64, ["N"])]
    told = {"model_type": "zipformer2_ctc", "subsampling_factor": 4, "vocab_size": len(TOKENS)}
    return _write(folder, nodes, inputs, outputs, _weights(80, 0.5) | FOURTH, told)


def _lfr() -> dict[str, object]:
    rows = {"neg_mean": ",".join(["-10"] * 560), "inv_stddev": ",".join(["0.3"] * 560)}
    return {"lfr_window_size": 7, "lfr_window_shift": 6, "vocab_size": len(TOKENS), **rows}


def _weights(into: int, blank: float = 2.0) -> dict[str, NDArray[np.float32]]:
    """Random, towards the blank, and never towards what is no character."""
    rng = np.random.default_rng(3)
    bias = np.zeros(len(TOKENS), np.float32)
    bias[:7] = -30
    bias[0] = blank
    return {"weights": rng.standard_normal((into, len(TOKENS)), np.float32) * np.float32(into**-0.5), "bias": bias}


def _float(name: str, width: int) -> object:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", f"{name}_T", width])


def _write(folder: Path, nodes: list, inputs: list, outputs: list, weights: dict, told: dict) -> Path:  # type: ignore[type-arg]
    held = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, held), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    helper.set_model_props(model, {name: str(value) for name, value in told.items()})
    folder.mkdir(parents=True)
    save(model, str(folder / "model.onnx"))
    (folder / "tokens.txt").write_text("".join(f"{token} {i}\n" for i, token in enumerate(TOKENS)), "utf-8")
    return folder
