"""The notebook runs from top to bottom on a real project, and is kept without its outputs."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_a_notebook_draws_the_demo_without_a_warning(
    path: Path, demo_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = shutil.copytree(demo_project, tmp_path / "project")
    monkeypatch.setenv("QA_PROJECT", str(project))
    monkeypatch.setenv("PYTHONWARNINGS", "error::UserWarning")
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=120).execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    said = [o.text for o in outputs if o.output_type == "stream" and o.name == "stderr"]
    assert said == []
    assert sum("image/png" in o.get("data", {}) for o in outputs) == 3
    assert any("25 calls" in o.get("text", "") for o in outputs)
    rules = "rules/etiquette.yaml"
    assert (project / rules).read_text("utf-8") == (demo_project / rules).read_text("utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


def test_there_are_notebooks_of_scorecards_and_of_a_rule_edit() -> None:
    assert [path.name for path in NOTEBOOKS] == ["scorecards.ipynb", "what-if.ipynb"]
