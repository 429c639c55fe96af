"""sherpa-onnx with real graphs: which files of a folder, and whose time each character has."""

from pathlib import Path
from typing import Any

import pytest

from qa_pipeline.speech import sherpa
from qa_pipeline.speech.backend import Asr, ModelError, heard
from qa_pipeline.speech.sherpa import find_model, timed_by_tokens
from qa_pipeline.speech.vocabulary import Vocabulary
from tests.speech import onnx_models


def files(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")
    return folder


def asr(folder: Path, **told: Any) -> Asr:
    return Asr(backend="sherpa", model=str(folder), **told)


def test_a_releases_folder_says_its_kind_and_int8_is_taken_first(tmp_path: Path) -> None:
    folder = files(tmp_path / "sherpa-onnx-paraformer-zh-2024-03-09", "model.int8.onnx", "model.onnx", "tokens.txt")
    model = find_model(asr(folder))
    assert (model.kind, dict(model.files)["paraformer"].name) == ("paraformer", "model.int8.onnx")
    assert dict(find_model(asr(folder, precision="float32")).files)["paraformer"].name == "model.onnx"


def test_whisper_and_transducers_have_several_files(tmp_path: Path) -> None:
    whisper = files(tmp_path / "sherpa-onnx-whisper-small", "small-encoder.onnx", "small-decoder.onnx", "small-tokens.txt")
    assert {a: p.name for a, p in find_model(asr(whisper)).files} == {
        "tokens": "small-tokens.txt",
        "encoder": "small-encoder.onnx",
        "decoder": "small-decoder.onnx",
    }
    joined = files(tmp_path / "mine", "encoder.onnx", "decoder.onnx", "joiner.onnx", "tokens.txt")
    assert find_model(asr(joined)).kind == "transducer"


def test_what_the_name_does_not_tell_the_settings_must(tmp_path: Path) -> None:
    folder = files(tmp_path / "mine", "model.onnx", "tokens.txt")
    with pytest.raises(ModelError, match=r"asr\.sherpa\.kind: expected one of sense_voice, paraformer"):
        find_model(asr(folder))
    assert find_model(asr(folder, options={"sherpa": {"kind": "sense_voice"}})).kind == "sense_voice"


def test_all_that_is_wrong_comes_at_once(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        find_model(asr(tmp_path / "none", options={"sherpa": {"knd": "x"}}))
    assert all(part in str(caught.value) for part in ("asr.sherpa.knd", "expected the folder", "asr.sherpa.kind"))
    with pytest.raises(ModelError, match="no file for tokens, paraformer"):
        find_model(asr(files(tmp_path / "paraformer")))


def test_times_come_from_the_tokens_and_where_none_are_told_they_are_marked(tmp_path: Path, sample: Any) -> None:
    windows = sample("dd-04-leak-bad").sketch.windows[2:4]
    timed = sherpa.make(asr(onnx_models.sense_voice(tmp_path / "sense-voice")), Vocabulary())
    spread = sherpa.make(asr(onnx_models.paraformer(tmp_path / "paraformer")), Vocabulary())
    assert {h.timing for h in heard(timed, windows)} == {"heard"}
    assert "spread" in {h.timing for h in heard(spread, windows)}


def test_the_fingerprint_is_that_of_the_weights(tmp_path: Path) -> None:
    first = files(tmp_path / "a" / "paraformer", "model.onnx", "tokens.txt")
    same = files(tmp_path / "b" / "paraformer", "model.onnx", "tokens.txt")
    prints = [sherpa.make(asr(f), Vocabulary()).fingerprint for f in (first, same)]
    (same / "model.onnx").write_bytes(b"y")
    assert prints[0] == prints[1] != sherpa.make(asr(same), Vocabulary()).fingerprint


def test_each_character_has_the_time_of_its_token() -> None:
    assert timed_by_tokens("您好", ["您", "好"], [100, 300]) == [100, 300]
    assert timed_by_tokens("用vip卡", ["用", "▁v", "ip", "卡"], [0, 200, 300, 500]) == [0, 200, 300, 300, 500]
    assert timed_by_tokens("您好，请问。", ["您", "好", "请", "问"], [0, 100, 400, 500]) == [0, 100, 400, 400, 500, 500]


def test_tokens_that_do_not_spell_the_text_place_it_evenly() -> None:
    assert timed_by_tokens("您好请问", ["ƌŕş", "ƍĩ", "Ə", "ĝ", "ƀ", "z", "y", "x"], [*range(0, 800, 100)]) == [0, 200, 400, 600]


def test_the_doctor_loads_the_model_in_a_process_that_may_die(tmp_path: Path) -> None:
    good = onnx_models.zipformer(tmp_path / "zipformer-ctc")
    assert [c.state for c in sherpa.check(asr(good))] == ["ok", "ok"]
    bad = files(tmp_path / "paraformer", "model.onnx", "tokens.txt")
    assert sherpa.check(asr(bad))[-1].state == "wrong"
