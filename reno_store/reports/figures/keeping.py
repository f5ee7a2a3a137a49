"""Maps that are laid out once: kept in the ledger, found again by the embeddings."""

from __future__ import annotations

import contextlib
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import LedgerError
from reno_store.reports.figures.maps import LayOut
from reno_store.reports.figures.neighbours import embed_in_plane, perplexity_for
from reno_store.studies.ledger import Ledger
from reno_store.studies.recipes import hash_array

__all__ = ["kept_maps"]

_CODE = 1
"""To be raised when `embed_in_plane` comes to give other places."""


def kept_maps(ledger: Ledger) -> LayOut:
    """Make what lays maps out and remembers them.

    Parameters
    ----------
    ledger : Ledger
        Where they are kept. If nothing can be written there, they are laid out each time.
    """

    def lay_out(X: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
        recipe = {
            "map": "t-SNE",
            "embeddings": hash_array(X),
            "perplexity": perplexity_for(len(X)),
            "seed": seed,
            "code": _CODE,
            "packages": {name: version(name) for name in ("numpy", "scikit-learn")},
        }
        places = ledger.find(recipe)
        if places is None:
            places = embed_in_plane(X, seed).tolist()
            with contextlib.suppress(LedgerError):
                ledger.keep(recipe, places)
        return np.array(places, np.float32)

    return lay_out
