"""What the READMEs promise is what is there and what the gate runs."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
READMES = ["README.md", "README.zh-CN.md"]
COMMANDS = [
    "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt . && .venv/bin/qa demo",
    "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e '.[test]' && .venv/bin/python -m pytest",
]


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def blocks(name: str) -> list[str]:
    """Code blocks, comments aside."""
    return [re.sub(r" *#.*", "", block) for block in re.findall(r"^```\w+\n(.*?)^```", text(name), re.M | re.S)]


@pytest.mark.parametrize("name", READMES)
def test_each_readme_gives_the_two_lines_that_the_gate_reads(name: str) -> None:
    assert [line for line in text(name).splitlines() if line.startswith("python3 -m venv")] == COMMANDS


def test_the_gate_runs_the_lines_of_the_readme() -> None:
    gate = text(".ci/run")
    assert "grep '^python3 -m venv' README.md" in gate
    assert [f'bash -c "${{lines[{i}]}}"' in gate for i in (0, 1)] == [True, True]


def test_both_readmes_show_the_same_commands() -> None:
    assert len(blocks("README.md")) > 5
    assert blocks("README.md") == blocks("README.zh-CN.md")


DOCS = (
    *("docs/import.md", "docs/call-records.md", "docs/recordings.md", "docs/the-night.md", "docs/speech-models.md"),
    "docs/keeping.md",
    "data/samples/README.md",
)


@pytest.mark.parametrize("name", [*READMES, *DOCS])
def test_every_link_leads_somewhere(name: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text(name)) if "://" not in link]
    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("name", READMES)
def test_the_commands_of_the_readme_exist(name: str) -> None:
    from qa_pipeline.cli import main

    used = set(re.findall(r"\bqa ([a-z]+)", "\n".join(blocks(name)))) | set(re.findall(r"`qa ([a-z]+)", text(name)))
    assert {"init", "run", "demo", "scorecard", "show", "rescore", "import"} <= used <= set(main.commands)


def test_the_import_example_is_taken_in(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from qa_pipeline.cli import main

    (line,) = re.findall(r"^\{.*\}$", text("docs/import.md"), re.M)
    (tmp_path / "calls.jsonl").write_text(line, "utf-8")
    runner, project = CliRunner(), str(tmp_path / "project")
    assert runner.invoke(main, ["init", project]).exit_code == 0
    done = runner.invoke(main, ["import", str(tmp_path / "calls.jsonl"), "--project", project])
    assert (done.exit_code, done.output) == (0, "1 calls imported, 0 known, 0 with problems\n")


def test_versions_are_exact_and_have_no_address() -> None:
    lines = text("constraints.txt").splitlines()
    assert len(lines) > 50
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)] == []


def test_every_package_that_the_project_names_has_its_version() -> None:
    told = tomllib.loads(text("pyproject.toml"))["project"]
    named = {Requirement(line).name for line in (*told["dependencies"], *told["optional-dependencies"]["test"])}
    kept = {line.partition("==")[0] for line in text("constraints.txt").splitlines()}
    assert {canonicalize_name(n) for n in named} <= {canonicalize_name(n) for n in kept}
