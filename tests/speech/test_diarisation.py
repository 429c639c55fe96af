"""Voices on one channel are told apart by the real sherpa-onnx, on graphs in the form of its models: one low, one high."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, save

from qa_pipeline.speech.activity import Stretch
from qa_pipeline.speech.channel import Channel
from qa_pipeline.speech.diarisation import Diarisation, _parted, part_speakers
from qa_pipeline.speech.listen import sketch

RATE = 8000


def write(path: Path, nodes: list, shapes: tuple, weights: dict, told: dict) -> str:  # type: ignore[type-arg]
    into, out = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes)
    held = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "g", [into], [out], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])
    model.ir_version = 8
    helper.set_model_props(model, {name: str(value) for name, value in told.items()})
    save(model, str(path))
    return str(path)


def segmentation(path: Path) -> str:
    """As pyannote's: x [N, 1, T] → [N, frames, 7], of which 0 is nobody, 1 a low voice, 2 a high one."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "smooth"], ["low"], kernel_shape=[16], pads=[8, 7]),
        node("Sub", ["x", "low"], ["high"]),
        node("Abs", ["low"], ["low_size"]),
        node("Abs", ["high"], ["high_size"]),
        node("AveragePool", ["low_size"], ["low_mean"], kernel_shape=[991], strides=[270]),
        node("AveragePool", ["high_size"], ["high_mean"], kernel_shape=[991], strides=[270]),
        node("Mul", ["low_mean", "gain"], ["one"]),
        node("Mul", ["high_mean", "gain"], ["two"]),
        node("Mul", ["low_mean", "zero"], ["nothing"]),
        node("Add", ["nothing", "quiet"], ["nobody"]),
        node("Add", ["nothing", "never"], ["both"]),
        node("Concat", ["nobody", "one", "two", "both", "both", "both", "both"], ["classes"], axis=1),
        node("Transpose", ["classes"], ["y"], perm=[0, 2, 1]),
    ]
    weights = {"smooth": np.full((1, 1, 16), 1 / 16), "gain": [100], "zero": [0], "quiet": [1], "never": [-99]}
    told = {"num_speakers": 3, "powerset_max_classes": 2, "num_classes": 7, "sample_rate": 16000, "window_size": 160_000}
    told |= {"receptive_field_size": 991, "receptive_field_shift": 270}
    told |= {"model_type": "pyannote-segmentation-3.0", "version": 1}  # type: ignore[dict-item]
    return write(path, nodes, (("x", ["N", 1, "T"]), ("y", ["N", "F", 7])), weights, told)


def embedding(path: Path) -> str:
    """As WeSpeaker's: features [N, T, 80] → [N, 80], their mean over time."""
    nodes = [helper.make_node("ReduceMean", ["x"], ["voice"], axes=[1], keepdims=0)]
    told = {"framework": "wespeaker", "language": "Chinese", "url": "-", "comment": "-", "sample_rate": 16000, "output_dim": 80}
    told |= {"normalize_samples": 1, "feature_normalize_type": ""}
    return write(path, nodes, (("x", ["N", "T", 80]), ("voice", ["N", 80])), {}, told)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Diarisation:
    folder = tmp_path_factory.mktemp("voices")
    return Diarisation(segmentation(folder / "segmentation.onnx"), embedding(folder / "embedding.onnx"))


def voice(hertz: float, seconds: float) -> NDArray[np.float64]:
    t = np.arange(int(seconds * RATE)) / RATE
    return np.asarray(6000 * np.sin(2 * np.pi * hertz * t) * (1 + 0.3 * np.sin(2 * np.pi * 4 * t)))


def talk(*parts: NDArray[np.float64]) -> NDArray[np.int16]:
    sound = np.concatenate(parts)
    return (sound + np.random.default_rng(1).standard_normal(len(sound)) * 10).astype(np.int16)


def quiet(seconds: float) -> NDArray[np.float64]:
    return np.zeros(int(seconds * RATE))


def test_each_voice_has_its_stretches(models: Diarisation) -> None:
    said = talk(quiet(1), voice(220, 3), quiet(0.5), voice(2600, 2), quiet(0.5), voice(220, 1.5), quiet(1))
    low, high, again = Stretch(1000, 4000), Stretch(4500, 6500), Stretch(7000, 8500)
    assert part_speakers(Channel(said, RATE), [low, high, again], models) == [[low, again], [high]]


def test_a_stretch_in_which_the_voice_changes_is_cut_where_it_does(models: Diarisation) -> None:
    said = talk(quiet(1), voice(220, 3), voice(2600, 3), quiet(1))
    (low,), (high,) = part_speakers(Channel(said, RATE), [Stretch(1000, 7000)], models)
    assert (low.start_ms, low.end_ms, high.end_ms) == (1000, high.start_ms, 7000)
    assert abs(low.end_ms - 4000) < 150


def test_where_nobody_is_heard_speech_is_one_voice_and_no_speech_is_none(models: Diarisation) -> None:
    channel = Channel(talk(quiet(5)), RATE)
    assert part_speakers(channel, [Stretch(1000, 2000)], models) == [[Stretch(1000, 2000)]]
    assert part_speakers(channel, [], models) == []


def test_a_piece_too_short_to_be_sure_of_goes_with_its_neighbour_and_far_speech_to_the_nearest_voice() -> None:
    voiced = [(Stretch(0, 1000), 0), (Stretch(1000, 1100), 1), (Stretch(5000, 6000), 1)]
    assert _parted(Stretch(100, 1120), voiced) == [(Stretch(100, 1120), 0)]
    assert _parted(Stretch(4000, 4500), voiced) == [(Stretch(4000, 4500), 1)]


def test_turns_of_a_one_channel_call_have_their_voices(models: Diarisation, sample: object) -> None:
    call = sample("bs-03-cold-bad")  # type: ignore[operator]
    mixed = call.samples.astype(np.int32).sum(0).clip(-32768, 32767).astype(np.int16)[None]
    parted = sketch("c", mixed, call.rate, 8000, diarisation=models)
    assert {t.voice for t in parted.turns} <= {0, 1} and all(t.channel == 0 and t.speaker is not None for t in parted.turns)
    assert all(t.speaker is None for t in sketch("c", mixed, call.rate, 8000).turns)


def test_what_is_missing_for_it_is_told(tmp_path: Path) -> None:
    assert Diarisation().problems() == [] and not Diarisation().wanted
    said = Diarisation(segmentation=str(tmp_path / "gone.onnx"), speakers=99).problems()
    assert [line.split(":")[0] for line in said] == ["segmentation", "embedding", "speakers"]
