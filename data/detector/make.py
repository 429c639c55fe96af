"""Makes `silero_vad_v6.onnx` here out of the one that faster-whisper ships: the same weights, its convolutions as products.

    python data/detector/make.py

A frame is so short (4 columns of 129 values, later 2 and 1) that onnxruntime spends three quarters of Silero's time on entering
convolutions. Columns laid side by side make each of them one product of matrices over all frames: the same sums in another
order, at a third of the cost.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
BINS, WIDTH = 129, 128  # of a column of the spectrum; of every layer but two, and of the memory
Weights = dict[str, NDArray[Any]]


def shipped() -> Path:
    (folder,) = importlib.util.find_spec("faster_whisper").submodule_search_locations  # type: ignore[union-attr,misc]
    return Path(folder) / "assets" / "silero_vad_v6.onnx"


def side_by_side(kernel: NDArray[Any], taps: tuple[int, ...]) -> NDArray[Any]:
    """[taps * in, out] of a convolution's kernel [out, in, taps]; what only meets padding is left out."""
    return np.concatenate([kernel[:, :, tap].T for tap in taps])


def weights_of(model: Any) -> Weights:
    told = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    kernels = [told[f"encoder.conv_layers.{i}.weight"] for i in range(4)]
    taps = ((0, 1, 2), (0, 1, 2), (1, 2), (1,))
    return {
        "waves": told["encoder.feature_extractor.forward_basis_buffer"][:, 0].T,
        **{f"kernel{i}": side_by_side(kernel, taps[i]) for i, kernel in enumerate(kernels)},
        **{f"bias{i}": told[f"encoder.conv_layers.{i}.bias"] for i in range(4)},
        "memory_in": told["onnx::LSTM_209"],
        "memory_back": told["onnx::LSTM_210"],
        "memory_bias": told["onnx::LSTM_211"],
        "last": told["decoder.conv1d.weight"].reshape(WIDTH, 1),
        "last_bias": told["decoder.conv1d.bias"],
    }


class Graph:
    """Nodes by the name of what they make."""

    def __init__(self, weights: Weights) -> None:
        self.constants = dict(weights)
        self.nodes: list[Any] = []

    def add(self, kind: str, made: str, *taken: str, **how: Any) -> str:
        self.nodes.append(helper.make_node(kind, taken, made.split(), **how))
        return made

    def whole(self, *numbers: int) -> str:
        """A constant of whole numbers."""
        name = "_".join(map(str, ("whole", *numbers)))
        self.constants[name] = np.array(numbers, np.int64)
        return name

    def cut(self, made: str, taken: str, start: int, end: int, axis: int) -> str:
        return self.add("Slice", made, taken, self.whole(start), self.whole(end), self.whole(axis))

    def shaped(self, made: str, taken: str, *shape: int) -> str:
        return self.add("Reshape", made, taken, self.whole(*shape))

    def layer(self, made: str, taken: str, number: int) -> str:
        self.add("MatMul", f"{made}_product", taken, f"kernel{number}")
        self.add("Add", f"{made}_sum", f"{made}_product", f"bias{number}")
        return self.add("Relu", made, f"{made}_sum")


def spectrum(graph: Graph) -> str:
    """[n, 4, 129] of frames [n, 576]: magnitudes of 256 samples each 128, the last of them mirrored at the end."""
    graph.shaped("pieces", graph.add("Pad", "mirrored", "input", graph.whole(0, 0, 0, 64), mode="reflect"), -1, 5, 128)
    halves = [graph.cut(f"pieces_from_{i}", "pieces", i, i + 4, 1) for i in range(2)]
    graph.add("MatMul", "waved", graph.add("Concat", "columns", *halves, axis=2), "waves")
    for part, start in (("real", 0), ("imaginary", BINS)):
        graph.cut(part, "waved", start, start + BINS, 2)
        graph.add("Mul", f"{part}_power", part, part)
    graph.add("Add", "power", "real_power", "imaginary_power")
    return graph.add("Sqrt", "magnitudes", "power")


def encoder(graph: Graph, magnitudes: str) -> str:
    """[n, 1, 128]: four convolutions, of which the second and the third halve the columns."""
    graph.add("Pad", "padded", magnitudes, graph.whole(0, 1, 0, 0, 1, 0))
    beside = [graph.cut(f"padded_from_{i}", "padded", i, i + 4, 1) for i in range(3)]
    first = graph.layer("first", graph.add("Concat", "threes", *beside, axis=2), 0)
    graph.add("Pad", "first_padded", first, graph.whole(0, 1, 0, 0, 0, 0))
    threes = [
        graph.shaped(f"first_three_{i}", graph.cut(f"first_from_{i}", "first_padded", i, i + 3, 1), -1, 1, 3 * WIDTH)
        for i in (0, 2)
    ]
    second = graph.layer("second", graph.add("Concat", "first_threes", *threes, axis=1), 1)
    third = graph.layer("third", graph.shaped("second_flat", second, -1, WIDTH), 2)
    return graph.shaped("encoded", graph.layer("fourth", third, 3), -1, 1, WIDTH)


def decoder(graph: Graph, encoded: str) -> None:
    """The probability of speech in each frame, by a memory that goes from frame to frame."""
    weights = ("memory_in", "memory_back", "memory_bias", "", "h", "c")
    graph.add("LSTM", "remembered hn cn", encoded, *weights, hidden_size=WIDTH)
    graph.add("Relu", "bent", graph.shaped("remembered_flat", "remembered", -1, WIDTH))
    graph.add("Gemm", "said", "bent", "last", "last_bias")
    graph.add("Sigmoid", "probable", "said")
    graph.shaped("speech_probs", "probable", -1)


def made() -> bytes:
    """Inputs and outputs are called as Silero's are."""
    source = onnx.load(str(shipped()))
    graph = Graph(weights_of(source))
    decoder(graph, encoder(graph, spectrum(graph)))

    def value(name: str, *shape: int | str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    memory = (1, 1, WIDTH)
    whole = helper.make_graph(
        graph.nodes,
        "silero_vad_v6",
        [value("input", "frames", 576), value("h", *memory), value("c", *memory)],
        [value("speech_probs", "frames"), value("hn", *memory), value("cn", *memory)],
        [numpy_helper.from_array(np.ascontiguousarray(kept), name) for name, kept in graph.constants.items()],
    )
    version = helper.make_opsetid("", 18)
    model = helper.make_model(
        whole, opset_imports=[version], ir_version=source.ir_version, producer_name="data/detector/make.py"
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    (HERE / "silero_vad_v6.onnx").write_bytes(made())
