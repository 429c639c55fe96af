"""Imports run one way, and light commands stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "qa_pipeline"
ALLOWED = {
    "model": set[str](),
    "errors": set[str](),
    "shipped": set[str](),
    "kernels": set[str](),
    "processes": set[str](),
    "text": {"model", "errors", "kernels"},
    "recordings": {"model", "errors", "text"},
    "speech": {"model", "errors", "shipped", "text", "recordings"},
    "dataset": {"model", "errors", "kernels"},
    "rules": {"model", "errors", "kernels", "text", "dataset"},
    "review": {"model", "errors", "text", "dataset", "rules"},
    "forms": {"model", "errors", "recordings"},
    "settings": {"recordings"},
    # these see the slow half and the fast one
    "config": {"errors", "settings", "shipped", "recordings", "speech", "dataset", "rules"},
    "verdicts": {"errors", "kernels", "processes", "config", "dataset", "rules"},
    "upkeep": {"errors", "config", "speech", "dataset", "rules", "verdicts"},
    "batch": {
        *("model", "errors", "processes", "config", "settings", "text", "recordings", "speech", "dataset", "rules", "verdicts"),
    },
    "exchange": {"model", "errors", "config", "text", "recordings", "forms", "dataset", "rules", "verdicts", "upkeep"},
    "night": {"config", "recordings", "speech", "dataset", "rules", "batch", "verdicts", "upkeep"},
    "cli": {
        *("errors", "shipped", "settings", "config", "forms", "recordings", "speech", "dataset", "rules", "review"),
        *("processes", "night", "batch", "exchange", "verdicts", "upkeep"),
    },
}


def imported(path: Path) -> set[str]:
    """First-level parts of qa_pipeline that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "qa_pipeline":
            rest = node.module.split(".")[1:]
            names |= {rest[0]} if rest else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.name.split(".")[1] for a in node.names if a.name.startswith("qa_pipeline.")}
    return names


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_what_lies_before_it(room: str) -> None:
    files = sorted((PACKAGE / room).rglob("*.py")) if (PACKAGE / room).is_dir() else [PACKAGE / f"{room}.py"]
    assert files
    wrong = {f.name: extra for f in files if (extra := imported(f) - ALLOWED[room] - {room})}
    assert not wrong


def test_every_room_has_its_place_in_the_order() -> None:
    rooms = {p.stem for p in PACKAGE.glob("[a-z]*.py")} | {p.parent.name for p in PACKAGE.glob("*/__init__.py")}
    assert rooms == set(ALLOWED)


def loaded(code: str) -> set[str]:
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stderr.split()}


def test_help_loads_neither_asr_nor_pandas() -> None:
    seen = loaded("from qa_pipeline.cli import main; main(['--help'])")
    assert not seen & {"faster_whisper", "ctranslate2", "av", "pandas", "pyarrow", "numpy"}


def test_rescore_loads_neither_asr_nor_pandas(tmp_path: Path) -> None:
    seen = loaded(
        f"from qa_pipeline.cli import main; main(['init', {str(tmp_path / 'p')!r}], standalone_mode=False); "
        f"main(['rescore', '--project', {str(tmp_path / 'p')!r}])"
    )
    assert "qa_pipeline" in seen and "pyarrow" in seen
    assert not seen & {"faster_whisper", "ctranslate2", "av", "pandas"}
