"""Every backend keeps the contract: real packages, real graphs, a real server; the same assertions for all."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qa_pipeline.speech.backend import Asr, Recogniser, Window
from qa_pipeline.speech.recognisers import find_backend
from qa_pipeline.speech.vocabulary import Vocabulary
from qa_pipeline.speech.whisper import Whisper, WhisperSettings
from tests.speech import onnx_models
from tests.speech.endpoint import serving
from tests.speech.whisper_shape import SHAPES, make_checkpoint

SHERPA = {"sense-voice": onnx_models.sense_voice, "paraformer": onnx_models.paraformer, "zipformer-ctc": onnx_models.zipformer}
KINDS = ("demo", "stock-short", "stock-full", *SHERPA, "http")


@pytest.fixture(scope="module", params=KINDS)
def backend(request: Any, make_demo: Any, tmp_path_factory: Any) -> Iterator[Recogniser]:
    folder: Path = tmp_path_factory.mktemp("model") / request.param
    if request.param == "demo":
        yield make_demo()
    elif request.param in SHERPA:
        SHERPA[request.param](folder)
        yield find_backend("sherpa").make(Asr(backend="sherpa", model=str(folder)), Vocabulary())
    elif request.param == "http":
        with serving(make_demo(beam=1)) as server:
            asr = Asr(backend="http", model="demo-behind", options={"http": {"url": server.url}})
            yield find_backend("http").make(asr, Vocabulary(("盘王谷酒店",)))
    else:
        make_checkpoint(folder, SHAPES["tiny"].shallow())
        yield Whisper(WhisperSettings(str(folder), request.param.split("-")[1], "cpu", threads=1))


def test_the_contract_is_kept(backend: Recogniser, contract: Any, sample: Any) -> None:
    windows = sample("dd-04-leak-bad").sketch.windows
    answers = contract(backend, [windows[i] for i in (0, 2, 5)])
    assert any(h.text for h in answers) or isinstance(backend, Whisper), "nonsense may be refused, all of it only from Whisper"


def test_windows_of_one_call_do_not_change_with_those_of_another(backend: Recogniser, sample: Any) -> None:
    one, other = (
        [Window(backend.ear.hear(w), call, 1000) for w in itertools.islice(sample(call).sketch.windows, 3)]
        for call in ("dd-04-leak-bad", "pm-02-late-transfer")
    )
    alone = [*backend.recognise(one), *backend.recognise(other)]
    mixed = backend.recognise([w for pair in zip(one, other, strict=True) for w in pair])
    assert [*mixed[::2], *mixed[1::2]] == alone


def test_no_windows_need_no_model(backend: Recogniser) -> None:
    assert backend.recognise([]) == []
