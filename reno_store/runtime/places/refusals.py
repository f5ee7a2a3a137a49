"""What a server's refusal means, in words; of the environment only the endpoint is shown."""

from __future__ import annotations

import os
import re

from reno_store.errors import BucketError

__all__ = [
    "NO_BUCKET",
    "SETTINGS",
    "code_of",
    "endpoint_url",
    "refused",
    "status_of",
    "unreachable",
]

NO_BUCKET = {"NoSuchBucket", "ContainerNotFound"}
"""Codes of S3 and Google, and of Azure."""

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")

SETTINGS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and, for servers other than "
    "Amazon's, AWS_ENDPOINT_URL",
    "gs": "GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    "memory": "nothing",
}
"""Kind of URL -> the variables that it needs."""


def status_of(described: str) -> int:
    """Return the status of an answer that obstore describes; 0 without an answer."""
    return int(found[1]) if (found := _STATUS.search(described)) else 0


def code_of(described: str) -> str:
    """Return S3's code for an error; empty if there is none."""
    return found[1] if (found := _CODE.search(described)) else ""


def refused(url: str, key: str, described: str) -> BucketError:
    """Return the error about a request that the server refuses."""
    status, named = status_of(described), f"{url}/{key}".rstrip("/")
    code = code_of(described) or (f"status {status}" if status else "permission denied")
    if code in NO_BUCKET or status == 404:
        return BucketError(
            f"{named}: there is no such bucket ({code}){_endpoint(url)}. Create it, or check its "
            "name."
        )
    return BucketError(
        f"{named}: the server refuses the request ({code}). Check that the credentials are right "
        f"and may do this{_endpoint(url)}; they are taken from the environment: {_settings(url)}."
    )


def unreachable(url: str, key: str, described: str) -> BucketError:
    """Return the error about a server that does not answer, or not as it should."""
    status, named = status_of(described), f"{url}/{key}".rstrip("/")
    what = f"answers with status {status}" if status else "cannot be reached"
    return BucketError(
        f"{named}: the server {what}{_endpoint(url)}. Check the network and the environment: "
        f"{_settings(url)}. What was written until now is kept; run it again."
    )


def endpoint_url() -> str:
    """Return the address of a server other than Amazon's; empty if there is none."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return next((found for name in names if (found := os.environ.get(name, ""))), "")


def _settings(url: str) -> str:
    return SETTINGS[url.partition(":")[0]]


def _endpoint(url: str) -> str:
    endpoint = endpoint_url() if url.startswith("s3:") else ""
    # An endpoint may hold a password: https://user:password@host
    return f" (AWS_ENDPOINT_URL is {re.sub('//[^/@]*@', '//', endpoint)})" if endpoint else ""
