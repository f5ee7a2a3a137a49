"""A Hugging Face hub of our own on this machine: models, datasets, branches, commits, refusals.

`hub_uploads` answers what changes a model.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from factories.hub_uploads import answer_upload, is_owner

__all__ = ["FakeHub", "serve_hub", "use_hub"]


class FakeHub:
    """What the server knows, and what it was asked.

    Attributes
    ----------
    url : str
        Where it listens.
    asked : list[tuple[str, str]]
        Every request, method and path without its query, in order.
    refusals : dict[str, tuple[int, dict[str, str]]]
        Status and headers by the beginning of a path: answered instead of what is there.
    private : set[str]
        Models that only the owner sees.
    objects : dict[str, bytes]
        Large files that were uploaded, by their SHA-256.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[tuple[str, str]] = []
        self.refusals: dict[str, tuple[int, dict[str, str]]] = {}
        self.private: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self._branches: dict[str, dict[str, str]] = {}
        self._commits: dict[str, dict[str, dict[str, bytes]]] = {}

    def push(
        self,
        repository: str,
        folder: Path,
        *,
        branch: str = "main",
        extra: Mapping[str, bytes] | None = None,
    ) -> str:
        """Make a folder's files (and further ones) a branch's newest commit; give its hash."""
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        return self.commit(repository, {**files, **(extra or {})}, branch=branch)

    def push_dataset(
        self, repository: str, files: Mapping[str, bytes], *, branch: str = "main"
    ) -> str:
        """Make files, by their paths, the newest commit of a dataset's branch; give its hash."""
        return self.commit(f"datasets/{repository}", files, branch=branch)

    def commit(self, repository: str, files: Mapping[str, bytes], *, branch: str = "main") -> str:
        """Make files a branch's newest commit; give its hash."""
        commits = self._commits.setdefault(repository, {})
        digest = hashlib.sha1(f"{repository} {branch} {len(commits)}".encode())
        for name, content in files.items():
            digest.update(name.encode() + content)
        commit = digest.hexdigest()
        commits[commit] = dict(files)
        self._branches.setdefault(repository, {})[branch] = commit
        return commit

    def branch(self, repository: str, name: str) -> None:
        """Start a branch at the newest commit of main."""
        self._branches[repository][name] = self._branches[repository]["main"]

    def has(self, repository: str) -> bool:
        """Say whether there is a model of this name."""
        return repository in self._commits

    def newest(self, repository: str, branch: str = "main") -> str | None:
        """Give a branch's newest commit."""
        return self._branches[repository].get(branch)

    def files(self, repository: str, branch: str = "main") -> dict[str, bytes]:
        """Give the files of a branch's newest commit."""
        return self._commits[repository][self._branches[repository][branch]]

    def fetched(self) -> list[str]:
        """Name the files that were asked for, each once, sorted."""
        asked = (path.partition("/resolve/")[2] for method, path in self.asked if method == "GET")
        return sorted({path.partition("/")[2] for path in asked if path})

    def refusal(self, path: str) -> tuple[int, dict[str, str], bytes] | None:
        """Give what is answered instead of what is there."""
        for beginning, (status, headers) in self.refusals.items():
            if unquote(path).startswith(beginning):
                return status, headers, b""
        return None

    def answer(self, path: str, *, is_owner: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Give status, headers and body for a path in which names are still encoded."""
        if refusal := self.refusal(path):
            return refusal
        parts = [unquote(part) for part in path.strip("/").split("/")]
        about = parts[:1] == ["api"]
        is_dataset = "datasets" in parts[:2]
        kept = parts[2:] if about else parts[1:] if is_dataset else parts
        owner, name, *rest = [*kept, "", ""]
        repository = f"{'datasets/' * is_dataset}{owner}/{name}"
        if repository not in self._commits or (repository in self.private and not is_owner):
            return 404, {"X-Error-Code": "RepoNotFound"}, b""
        kind, revision, *file = [part for part in rest if part] or ["revision", "main"]
        commit = self._branches[repository].get(revision, revision)
        if commit not in self._commits[repository]:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b""
        files = self._commits[repository][commit]
        if about and kind == "revision":
            siblings = [{"rfilename": file} for file in files]
            is_private = repository in self.private
            about = {"id": repository, "sha": commit, "siblings": siblings, "private": is_private}
            return _json(about)
        if about and kind == "tree":
            return _json(
                [
                    {"type": "file", "path": file, "size": len(content), "oid": _etag(content)}
                    for file, content in files.items()
                ]
            )
        if kind == "resolve" and "/".join(file) in files:
            content = files["/".join(file)]
            return 200, {"X-Repo-Commit": commit, "ETag": f'"{_etag(content)}"'}, content
        return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}, b""


@contextmanager
def serve_hub() -> Iterator[FakeHub]:
    """Serve a hub without models on a free port until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    hub = _Handler.hub_of[server.server_port] = FakeHub(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def use_hub(monkeypatch, url: str, cache: Path) -> None:
    """Have huggingface_hub in this process ask a hub at `url`, and keep its files in `cache`."""
    from huggingface_hub import constants

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name, value in {
        "ENDPOINT": url,
        "HUGGINGFACE_CO_URL_TEMPLATE": url + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(cache),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_DISABLE_TELEMETRY": True,
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": True,
    }.items():
        monkeypatch.setattr(constants, name, value)


class _Handler(BaseHTTPRequestHandler):
    hub_of: dict[int, FakeHub] = {}  # noqa: RUF012

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        hub = self.hub_of[self.server.server_port]
        hub.asked.append((self.command, unquote(path)))
        self._send(*hub.answer(path, is_owner=is_owner(self.headers)))

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        path = unquote(urlsplit(self.path).path)
        hub = self.hub_of[self.server.server_port]
        hub.asked.append((self.command, path))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        refusal = hub.refusal(path)
        self._send(*(refusal or answer_upload(hub, path, body, is_owner=is_owner(self.headers))))

    do_PUT = do_POST  # noqa: N815

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Keep the terminal quiet."""


def _json(content: object) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(content).encode()


def _etag(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()
