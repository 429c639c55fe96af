"""A wheel carries all that `qa demo` needs, and finds it from any folder."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHIPPED = {
    "rules": "rules",
    "data/samples/calls": "samples/calls",
    "data/samples/model": "samples/model",
    "data/detector": "detector",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


def shipped_files(of: Path, inside: str = "") -> dict[str, bytes]:
    files = [p for p in sorted(of.rglob("*")) if p.is_file() and "__pycache__" not in p.parts]
    return {f"{inside}{p.relative_to(of).as_posix()}": p.read_bytes() for p in files}


def test_packs_samples_models_and_the_speech_detector_travel_whole(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist() if "/shipped_files/" in name}
    there: dict[str, bytes] = {}
    for folder, inside in SHIPPED.items():
        there |= shipped_files(ROOT / folder, f"qa_pipeline/shipped_files/{inside}/")
    assert len(there) > 25
    assert packed == there


def test_every_file_of_the_package_travels(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    there = [p for p in (ROOT / "qa_pipeline").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    assert [p.name for p in there if p.relative_to(ROOT).as_posix() not in packed] == []
    assert "qa_pipeline/review/scorecard.html" in packed


def test_an_unpacked_wheel_finds_its_own_files_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    unpacked, elsewhere = tmp_path / "unpacked", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    script = (
        f"import sys; sys.path.insert(0, {str(unpacked)!r})\n"
        "from qa_pipeline import cli, shipped\n"
        "from qa_pipeline.rules.pack import load_packs\n"
        "cli.main(['init', 'project'], standalone_mode=False)\n"
        "assert load_packs(shipped.packs())\n"
        "print(shipped.packs(), shipped.sample_calls(), shipped.demo_model(), shipped.detector().parent, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=elsewhere, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = [Path(line) for line in done.stdout.splitlines()[-len(SHIPPED) :]]
    assert found == [unpacked / "qa_pipeline" / "shipped_files" / inside for inside in SHIPPED.values()]
    assert (found[1] / "cdr.csv").is_file()
    assert (found[2] / "model.bin").is_file()
    assert (found[3] / "silero_vad_v6.onnx").is_file()
    assert shipped_files(elsewhere / "project" / "rules") == shipped_files(ROOT / "rules")
