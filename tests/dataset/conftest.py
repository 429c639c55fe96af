"""A real S3 API over HTTP, for the session."""

from collections.abc import Iterator

import pytest


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
