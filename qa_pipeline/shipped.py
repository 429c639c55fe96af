"""What travels with the package: rule packs, sample calls, the demonstration model, the speech detector.

In a checkout, the folders themselves.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def _folder(inside: str, checkout: str) -> Path:
    packed = _HERE / "shipped_files" / inside
    return packed if packed.is_dir() else _HERE.parent / checkout


def packs() -> Path:
    return _folder("rules", "rules")


def sample_calls() -> Path:
    return _folder("samples/calls", "data/samples/calls")


def demo_model() -> Path:
    return _folder("samples/model", "data/samples/model")


def detector() -> Path:
    return _folder("detector", "data/detector") / "silero_vad_v6.onnx"
