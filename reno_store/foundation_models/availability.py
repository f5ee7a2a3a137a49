"""What can be loaded on this machine without the network."""

from __future__ import annotations

import importlib.util

from reno_store.foundation_models.catalogue import CatalogueEntry

__all__ = ["is_on_this_machine"]


def is_on_this_machine(entry: CatalogueEntry) -> bool:
    """Tell whether a model of the catalogue can be loaded without fetching anything."""
    if entry.source == "hf":
        from reno_store.foundation_models.huggingface.hub import weights_are_here

        return weights_are_here(entry.location)
    if entry.source == "opensmile":
        return importlib.util.find_spec("opensmile") is not None
    return entry.source == "built in"
