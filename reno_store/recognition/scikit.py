"""Classifiers of scikit-learn in a file of skops: no pickle, and only types that skops trusts."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from sklearn.base import is_classifier

from reno_store.errors import RecognizerError, Remedy

__all__ = ["read_classifier", "write_classifier"]


def _skops() -> Any:
    try:
        import skops.io
    except ImportError:
        raise RecognizerError(
            "classifiers of scikit-learn are kept by the package skops, which is not installed. "
            "Install it: pip install 'reno-store[skops]'."
        ) from None
    return skops.io


def write_classifier(classifier: Any) -> bytes:
    """Return a fitted classifier as the bytes of a file.

    Raises
    ------
    RecognizerError
        If skops is not installed, or does not trust everything in it.
    """
    skops = _skops()
    content: bytes = skops.dumps(classifier)
    if untrusted := skops.get_untrusted_types(data=content):
        raise RecognizerError(
            f"{type(classifier).__name__} contains {', '.join(untrusted)}, which skops does not "
            "trust: such a file could do harm when it is opened.",
            Remedy("Use a network, logistic regression or an SVM", {"estimators": ("logreg",)}),
        )
    return content


def read_classifier(content: bytes) -> Any:
    """Return the classifier in a file.

    Raises
    ------
    RecognizerError
        If the file is damaged, holds something else or a type that skops does not trust.
    """
    skops = _skops()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            sizes = [entry.file_size for entry in file.infolist()]
            # Written without compression, so it cannot unpack to more than it is.
            if sum(sizes) > len(content):
                raise RecognizerError("classifier.skops is compressed; expected plain entries.")
        if untrusted := skops.get_untrusted_types(data=content):
            raise RecognizerError(
                f"classifier.skops contains {', '.join(untrusted)}, which skops does not trust. "
                "It was not opened."
            )
        classifier = skops.loads(content, trusted=[])
    except RecognizerError:
        raise
    # skops and what it makes may raise anything on a damaged file.
    except Exception as error:
        raise RecognizerError(
            f"classifier.skops is damaged: {type(error).__name__}: {error}"
        ) from None
    if not is_classifier(classifier):
        raise RecognizerError(
            f"classifier.skops holds a {type(classifier).__name__}; expected a classifier."
        )
    return classifier
