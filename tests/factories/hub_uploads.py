"""What the hub of `hub_server` answers to those who create models and commit files."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["OWNER", "READ_TOKEN", "WRITE_TOKEN", "answer_upload", "is_owner"]

OWNER = "me"
WRITE_TOKEN, READ_TOKEN = "hf_write", "hf_read"
_LARGE = (".safetensors", ".skops")

Answer = tuple[int, dict[str, str], bytes]


def is_owner(headers: Mapping[str, str]) -> bool:
    """Say whether a request comes with the token that may write."""
    return headers.get("Authorization") == f"Bearer {WRITE_TOKEN}"


def answer_upload(hub: Any, path: str, body: bytes, *, is_owner: bool) -> Answer:
    """Give status, headers and body for a POST or PUT."""
    if path.startswith("/lfs/"):  # a signed address, which needs no token
        digest = hashlib.sha256(body).hexdigest()
        if path != f"/lfs/{digest}":
            return _json(400, {"error": "the hash differs"})
        hub.objects[digest] = body
        return _json(200, {})
    if not is_owner:
        return 403, {"X-Error-Message": "this token may not write"}, b"{}"
    parts = path.strip("/").split("/")
    if path == "/api/validate-yaml":
        return _validate(json.loads(body)["content"])
    if path == "/api/repos/create":
        return _create(hub, json.loads(body))
    if parts[2:] == ["info", "lfs", "objects", "batch"]:
        return _json(200, {"objects": [_lfs(hub, each) for each in json.loads(body)["objects"]]})
    _, _, owner, name, action, *revision = parts
    repository, branch = f"{owner}/{name}", "/".join(revision)
    if not hub.has(repository):
        return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"
    if action == "branch":
        hub.branch(repository, branch)
        return _json(200, {})
    if hub.newest(repository, branch) is None:
        return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
    if action == "preupload":
        return _json(200, {"files": [_mode(each) for each in json.loads(body)["files"]]})
    return _commit(hub, repository, branch, [json.loads(line) for line in body.splitlines()])


def _create(hub: Any, asked: Mapping[str, Any]) -> Answer:
    repository = f"{asked['organization'] or OWNER}/{asked['name']}"
    if asked["organization"] not in (None, OWNER):
        return 403, {"X-Error-Message": "not your name"}, b"{}"
    url = f"{hub.url}/{repository}"
    if hub.has(repository):
        return _json(409, {"error": "exists", "url": url})
    hub.commit(repository, {".gitattributes": b""})
    if asked.get("visibility") == "private" or asked.get("private"):
        hub.private.add(repository)
    return _json(200, {"url": url, "id": repository})


def _validate(card: str) -> Answer:
    """Read the header of a card, of which each line is a name and JSON."""
    lines = card.split("---\n")[1].splitlines()
    try:
        for line in lines:
            json.loads(line.partition(": ")[2])
    except ValueError as error:
        return _json(400, {"errors": [{"message": str(error)}], "warnings": []})
    return _json(200, {"errors": [], "warnings": []})


def _mode(asked: Mapping[str, Any]) -> dict[str, Any]:
    mode = "lfs" if asked["path"].endswith(_LARGE) else "regular"
    return {"path": asked["path"], "uploadMode": mode, "shouldIgnore": False}


def _lfs(hub: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    if asked["oid"] in hub.objects:
        return dict(asked)
    return {**asked, "actions": {"upload": {"href": f"{hub.url}/lfs/{asked['oid']}"}}}


def _commit(hub: Any, repository: str, branch: str, lines: list[dict[str, Any]]) -> Answer:
    files = dict(hub.files(repository, branch))
    for line in lines:
        value = line["value"]
        if line["key"] == "header":
            if value.get("parentCommit") not in (None, hub.newest(repository, branch)):
                return _json(412, {"error": "the branch has changed"})
        elif line["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            files[value["path"]] = hub.objects[value["oid"]]
        elif line["key"] == "deletedFile":
            del files[value["path"]]
        else:
            return _json(400, {"error": f"unknown {line['key']}"})
    commit = hub.commit(repository, files, branch=branch)
    return _json(200, {"commitUrl": f"{hub.url}/{repository}/commit/{commit}", "commitOid": commit})


def _json(status: int, content: object) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(content).encode()
