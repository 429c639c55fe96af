"""A Whisper checkpoint in CTranslate2's form: where it lies, how it is loaded, and what its tokens are.

Only documented calls are used: CTranslate2's, Hugging Face's `tokenizers`, and faster-whisper's `download_model`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_pipeline.speech.backend import ModelError
from qa_pipeline.speech.spelling import Spelling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WEIGHTS, TOKENIZER = "model.bin", "tokenizer.json"
LESS_EXACT = {  # what to take where a precision is not to be had, the nearest first
    "float16": ("bfloat16", "float32"),
    "bfloat16": ("float16", "float32"),
    "int8_float16": ("int8_bfloat16", "int8_float32", "int8", "float32"),
    "int8_bfloat16": ("int8_float16", "int8_float32", "int8", "float32"),
    "int8_float32": ("int8", "float32"),
    "int8": ("int8_float32", "float32"),
    "int16": ("int8", "float32"),
}
ENCODED_FRAMES, ALIGNED_TOKENS = 800, 64  # at once, on a processor: what it makes of them stays in its cache
log = logging.getLogger(__name__)


def find_checkpoint(model: str, fetch: bool = True) -> Path:
    """The folder of `model`: one itself, or a size's, from the local cache, else (with `fetch`) the hub. Raises ModelError."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _whole(folder)
    if os.sep in model and (folder.is_absolute() or model.startswith(("./", "../", "~"))):
        raise ModelError(f"asr.model: there is no folder {model}")
    from faster_whisper import available_models, download_model

    if "/" not in model and model not in available_models():
        sizes = ", ".join(m for m in available_models() if not m.endswith(".en"))
        raise ModelError(f"asr.model: {model!r} is neither a folder nor a size; the sizes are {sizes}")
    try:
        return _whole(Path(download_model(model, local_files_only=True)))
    except ModelError:
        raise
    except Exception as problem:  # not in the cache
        if not fetch:
            raise ModelError(f"asr.model: {model!r} is not on this machine yet") from problem
    try:
        return _whole(Path(download_model(model)))
    except Exception as problem:
        raise ModelError(_unreachable(model, problem)) from problem


def _whole(folder: Path) -> Path:
    missing = [name for name in (WEIGHTS, TOKENIZER) if not (folder / name).is_file()]
    if missing == [TOKENIZER]:
        raise ModelError(f"{folder} lacks {TOKENIZER}: copy it from the original checkpoint (openai/whisper-…) into the folder")
    if missing:
        raise ModelError(
            f"{folder} is no CTranslate2 Whisper model: {' and '.join(missing)} missing. "
            "ct2-transformers-converter --model … --output_dir … --copy_files tokenizer.json preprocessor_config.json makes one"
        )
    return folder


def _unreachable(model: str, problem: Exception) -> str:
    said = str(problem).strip().splitlines()
    fetch = f"from faster_whisper import download_model; download_model('{model}', output_dir='{Path(model).name}')"
    return (
        f"asr.model: {model!r} is not on this machine and the hub cannot be reached ({type(problem).__name__}"
        f"{': ' + said[0][:120] if said else ''}). On a machine that can: "
        f'python -c "{fetch}" '
        "then copy that folder here and name it in asr.model"
    )


def choose_device(device: str) -> str:
    import ctranslate2

    return ("cuda" if ctranslate2.get_cuda_device_count() else "cpu") if device == "auto" else device


def choose_precision(precision: str, device: str) -> str:
    """As asked where the device can, else the nearest that it can. `default` is as the checkpoint is stored."""
    import ctranslate2

    if precision in ("default", "auto"):
        return precision
    can = ctranslate2.get_supported_compute_types(device)
    if precision in can:
        return precision
    known = (*LESS_EXACT, "float32")
    if precision not in known:
        raise ModelError(f"asr.precision: expected one of default, auto, {', '.join(known)}, found {precision!r}")
    return next((p for p in LESS_EXACT.get(precision, ()) if p in can), "default")


def workers_and_threads(threads: int, device: str) -> tuple[int, int]:
    """(batches at a time, threads each). On the processor one thread a batch wastes least; big machines share the memory."""
    if device != "cpu":
        return 2, 1  # one batch computes while the words of another are put together
    n = threads or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else threads or os.cpu_count() or 1
    each = 1 if n <= 4 else 2 if n <= 16 else 4
    return max(1, n // each), each


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint. workers: batches that it can work on at the same time."""

    model: Any
    tokenizer: Any
    workers: int
    device: str = "cpu"

    def encode(self, mel: NDArray[np.float32]) -> Any:
        """What the encoder makes of float32 [n, mels, frames].

        On a processor a batch gains it nothing, and a large one costs a quarter more; the decoder is the one that wants many.
        """
        import numpy as np

        if self.device != "cpu":
            return self.model.encode(storage(mel))
        n = max(1, ENCODED_FRAMES // mel.shape[-1])
        pieces = [np.asarray(self.model.encode(storage(mel[i : i + n]))) for i in range(0, len(mel), n)]
        return storage(np.concatenate(pieces))

    def align(self, encoded: Any, tokens: Sequence[Sequence[int]], frames: Sequence[int]) -> list[Any]:
        """Where in the sound each token was said: of each item the pairs (token, step of 20 ms)."""
        import numpy as np

        if self.device != "cpu":
            found = self.model.align(encoded, self.start, tokens, frames)
        else:
            n = max(1, ALIGNED_TOKENS // max(1, *map(len, tokens)))
            pieces = [slice(i, i + n) for i in range(0, len(tokens), n)]
            whole = np.asarray(encoded)
            found = [a for p in pieces for a in self.model.align(storage(whole[p]), self.start, tokens[p], frames[p])]
        return [one.alignments for one in found]

    @cached_property
    def spelling(self) -> Spelling:
        return Spelling(self.tokenizer)

    @cached_property
    def eot(self) -> int:
        return self.token("<|endoftext|>")

    def token(self, name: str) -> int:
        found = self.tokenizer.token_to_id(name)
        if found is None:
            raise ModelError(f"the checkpoint's {TOKENIZER} has no {name}: it is no multilingual Whisper")
        return int(found)

    @cached_property
    def start(self) -> list[int]:
        """Chinese, written down."""
        return [self.token(name) for name in ("<|startoftranscript|>", "<|zh|>", "<|transcribe|>")]

    def prompt(self, told: str, most: int = 200) -> list[int]:
        """What comes before the text: `told` as if it had been said before (its last `most` tokens), then the start."""
        before = self.tokenizer.encode(" " + told, add_special_tokens=False).ids[-most:] if told else []
        head = [self.token("<|startofprev|>"), *before] if before else []
        return [*head, *self.start, self.token("<|notimestamps|>")]


def load_checkpoint(model: str, device: str, precision: str, threads: int) -> Checkpoint:
    """Raises ModelError saying what to do."""
    folder, device = find_checkpoint(model), choose_device(device)
    taken = choose_precision(precision, device)
    if taken != precision:
        log.warning("asr.precision %s is not to be had on %s; taking %s", precision, device, taken)
    workers, each = workers_and_threads(threads, device)
    import ctranslate2
    from tokenizers import Tokenizer

    try:
        made = ctranslate2.models.Whisper(
            str(folder), device, compute_type=taken, inter_threads=workers if device == "cpu" else 1, intra_threads=each
        )
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as problem:
        raise ModelError(f"the speech model {model!r} cannot be loaded on {device}: {problem}") from problem
    if not made.is_multilingual:
        raise ModelError(f"the speech model {model!r} knows English only; choose one without .en in its name")
    return Checkpoint(made, tokenizer, workers, device)


def storage(values: NDArray[np.float32]) -> Any:
    """As CTranslate2 takes it; nothing is copied."""
    import ctranslate2

    return ctranslate2.StorageView.from_array(values)
