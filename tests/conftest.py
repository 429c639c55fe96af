"""What several rooms' tests share: the command as a newcomer types it, and one demo made for all of them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
settings.load_profile("unhurried")

Qa = Callable[..., "subprocess.CompletedProcess[str]"]


def run_qa(*words: object, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """`qa WORDS…` in a process of its own."""
    command = [sys.executable, "-c", "from qa_pipeline.cli import main; main(prog_name='qa')", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", timeout=300, check=False)


@pytest.fixture(scope="session")
def qa() -> Qa:
    return run_qa


@pytest.fixture(scope="session")
def first_demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """The folder of one `qa demo` on the shipped samples, and what the command said."""
    folder = tmp_path_factory.mktemp("demo") / "project"
    return folder, run_qa("demo", folder)


@pytest.fixture(scope="session")
def demo_project(first_demo: tuple[Path, "subprocess.CompletedProcess[str]"]) -> Path:
    """A project with the shipped samples transcribed, judged and scored. For reading only: copy it before changing it."""
    folder, done = first_demo
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def s3_uri() -> Iterator[str]:
    """A bucket's address, keys in the environment as S3 tools expect them."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1"}.items():
            environment.setenv(name, value)
        environment.setenv("NO_PROXY", "127.0.0.1")
        from qa_pipeline.dataset.store import open_store

        uri = f"s3://calls/night?endpoint_override={host}:{port}&scheme=http&allow_bucket_creation=true"
        open_store(uri).fs.create_dir("calls")
        yield uri
    server.stop()
