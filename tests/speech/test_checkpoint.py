"""Stock checkpoints load on their first day: by folder, by size from the cache; what is missing is told with what to do."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa_pipeline.speech.backend import ModelError, heard
from qa_pipeline.speech.checkpoint import choose_precision, find_checkpoint, load_checkpoint, workers_and_threads
from qa_pipeline.speech.mel import ear_of
from qa_pipeline.speech.whisper import Whisper, WhisperSettings
from tests.speech.whisper_shape import SHAPES, Shape, make_checkpoint

NARROW = Shape(64, 2, 1, 1)
"""Where only the tokens and files count."""

SOUND = np.random.default_rng(1).normal(0, 0.1, 24000).astype(np.float32)


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_a_stock_checkpoint_in_its_true_shape_runs_the_whole_path(size: str, tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / size, SHAPES[size])
    for window in ("short", "full") if size == "tiny" else ("full",):
        (said,) = heard(Whisper(WhisperSettings(str(folder), window, "cpu", threads=1)), [SOUND])
        assert not (said.problem or "").startswith("failed"), said
        assert len(said.text) == len(said.char_ms)


@pytest.mark.parametrize("size", ["base", "medium", "large-v2", "large-v3", "large-v3-turbo"])
def test_the_larger_ones_run_in_their_true_width_with_one_layer_a_side(size: str, tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / size, SHAPES[size].shallow())
    ear = ear_of(folder, "short")
    assert ear.mels == (128 if "v3" in size else 80)
    (said,) = heard(Whisper(WhisperSettings(str(folder), "short", "cpu", threads=1)), [SOUND])
    assert not (said.problem or "").startswith("failed"), said


def test_a_batch_is_encoded_as_each_of_it_alone_and_aligned_over_all_that_was_said(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(str(make_checkpoint(tmp_path / "narrow", NARROW)), "cpu", "default", 1)
    mel = np.random.default_rng(2).normal(0, 1, (7, 80, 300)).astype(np.float32)
    tokens = [[20000 + 7 * i + k for k in range(5 * i)] for i in range(7)]
    whole = checkpoint.encode(mel)
    alone = [checkpoint.encode(one[None]) for one in mel]
    np.testing.assert_allclose(np.asarray(whole), np.concatenate([np.asarray(one) for one in alone]), atol=1e-4)
    aligned = checkpoint.align(whole, tokens, [300] * 7)
    for pairs, said in zip(aligned, tokens, strict=True):  # of random weights the path is any, over all that was said
        assert set(range(len(said))) <= {token for token, _ in pairs} <= set(range(len(said) + 1))  # and the end of the text
        assert pairs == sorted(pairs) and all(0 <= step < 150 for _, step in pairs)


def test_cantonese_moves_the_tokens_after_it_and_all_are_found_by_name(tmp_path: Path) -> None:
    v2, v3 = (
        load_checkpoint(str(make_checkpoint(tmp_path / str(mels), replace(NARROW, mels=mels))), "cpu", "default", 1)
        for mels in (80, 128)
    )
    assert (v2.start, v3.start) == ([50258, 50260, 50359], [50258, 50260, 50360])
    assert (v2.prompt("")[-1], v3.prompt("")[-1]) == (50363, 50364)
    assert (v2.eot, v3.eot) == (50257, 50257)


def test_a_prompt_stands_before_the_start_and_keeps_its_end(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(str(make_checkpoint(tmp_path / "m", NARROW)), "cpu", "default", 1)
    told = checkpoint.prompt("以下是普通话的句子。")
    assert told[0] == checkpoint.token("<|startofprev|>") and told[-4:] == checkpoint.prompt("")
    assert len(checkpoint.prompt("您好" * 500)) == 1 + 200 + 4


def test_a_size_comes_from_the_local_cache_before_any_hub(tmp_path: Path, monkeypatch: Any) -> None:
    folder, asked = make_checkpoint(tmp_path / "m", NARROW), list[bool]()

    def cached(model: str, local_files_only: bool = False) -> str:
        asked.append(local_files_only)
        return str(folder)

    monkeypatch.setattr("faster_whisper.download_model", cached)
    assert find_checkpoint("tiny") == folder and asked == [True]


def test_a_size_that_no_hub_can_give_says_how_to_bring_it(monkeypatch: Any) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError) as caught:
        find_checkpoint("large-v3-turbo")
    for said in (
        "the hub cannot be reached",
        "download_model('large-v3-turbo', output_dir='large-v3-turbo')",
        "copy that folder",
    ):
        assert said in str(caught.value)
    with pytest.raises(ModelError, match="not on this machine yet"):
        find_checkpoint("large-v3-turbo", fetch=False)


def test_what_is_neither_size_nor_folder_is_told_the_sizes(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"neither a folder nor a size; the sizes are tiny, base, small"):
        find_checkpoint("largest")
    with pytest.raises(ModelError, match="there is no folder"):
        find_checkpoint(str(tmp_path / "none"))


def test_a_folder_that_lacks_a_file_says_which_and_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="ct2-transformers-converter"):
        find_checkpoint(str(tmp_path))
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"lacks tokenizer\.json: copy it"):
        find_checkpoint(str(tmp_path))


def test_a_broken_checkpoint_is_a_model_error_and_no_windows(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "m", NARROW)
    (folder / "model.bin").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="cannot be loaded on cpu"):
        heard(Whisper(WhisperSettings(str(folder), "full", "cpu")), [SOUND])


def test_precisions_that_the_processor_lacks_fall_back_to_the_nearest() -> None:
    assert choose_precision("default", "cpu") == "default"
    assert choose_precision("int8", "cpu") == "int8"
    assert choose_precision("int8_float16", "cpu") == "int8_float32"
    assert choose_precision("float16", "cpu") == "float32"
    with pytest.raises(ModelError, match=r"asr\.precision: expected one of default, auto, float16"):
        choose_precision("int3", "cpu")


def test_few_threads_work_on_a_batch_each_and_many_share() -> None:
    assert [workers_and_threads(n, "cpu") for n in (1, 2, 4, 8, 16, 32)] == [(1, 1), (2, 1), (4, 1), (4, 2), (8, 2), (8, 4)]
    assert workers_and_threads(8, "cuda") == (2, 1)
