"""What `qa doctor` asks of the Whisper backend: the checkpoint, the device, the precision. Loads no weights."""

from __future__ import annotations

from pathlib import Path

from qa_pipeline.speech.backend import Asr, Check, ModelError
from qa_pipeline.speech.checkpoint import WEIGHTS, choose_device, choose_precision, find_checkpoint, workers_and_threads
from qa_pipeline.speech.mel import ear_of


def check_whisper(asr: Asr) -> list[Check]:
    try:
        import ctranslate2
        import faster_whisper
    except ImportError as problem:
        return [Check("whisper", "missing", str(problem), "pip install faster-whisper")]
    said = f"faster-whisper {faster_whisper.__version__}, ctranslate2 {ctranslate2.__version__}"
    return [Check("whisper", "ok", said), _device(asr), _model(asr)]


def _device(asr: Asr) -> Check:
    import ctranslate2

    cards = ctranslate2.get_cuda_device_count()
    device = choose_device(asr.device)
    if device == "cuda" and not cards:
        remedy = 'device = "auto" in [asr] of qa.toml, or a driver and the CUDA 12 libraries (pip install nvidia-cublas-cu12)'
        return Check("device", "wrong", "asr.device is cuda and no CUDA card is to be seen", remedy)
    can = ", ".join(sorted(ctranslate2.get_supported_compute_types(device)))
    workers, each = workers_and_threads(asr.threads, device)
    where = f"{cards} CUDA card(s)" if device == "cuda" else f"processor, {workers} batches at a time, {each} thread(s) each"
    try:
        taken = choose_precision(asr.precision, device)
    except ModelError as problem:
        return Check("device", "wrong", problem.message, f"one of {can}")
    if taken != asr.precision:
        return Check("device", "note", f"{where}; precision {asr.precision} is not to be had here, {taken} is taken; can {can}")
    return Check("device", "ok", f"{where}; precision {asr.precision}; can {can}")


def _model(asr: Asr) -> Check:
    try:
        folder = find_checkpoint(asr.model, fetch=False)
    except ModelError as problem:
        return Check("model", "wrong", problem.message, _remedy(asr.model))
    ear = ear_of(folder, asr.window)
    size = (folder / WEIGHTS).stat().st_size / 1e6
    told = f"{folder}: {size:.0f} MB, {ear.mels} mels, {asr.window} windows up to {ear.longest_ms // 1000} s"
    if not (folder / "preprocessor_config.json").is_file() and ear.mels == 80:
        remedy = (
            "copy preprocessor_config.json of the original checkpoint into the folder (large-v3 and turbo need its 128 mels)"
        )
        return Check("model", "note", f"{told}; no preprocessor_config.json, so 80 mels are taken", remedy)
    return Check("model", "ok", told)


def _remedy(model: str) -> str:
    if Path(model).is_absolute() or Path(model).is_dir():
        return 'a folder with a CTranslate2 Whisper model, or a size such as "large-v3-turbo", as asr.model'
    return f"python -c \"from faster_whisper import download_model; print(download_model('{model}'))\""
