"""The header of a model card, from which the Hugging Face hub finds and lists models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reno_store.recognition.models import RecognizerModel
from reno_store.studies import Cell

__all__ = ["hub_header"]

_TAGS = ("audio-classification", "emotion-recognition", "non-verbal-vocalizations", "reno-store")


def hub_header(
    title: str,
    models: Sequence[RecognizerModel],
    cells: Sequence[Cell] = (),
    licence: str = "other",
) -> str:
    """Return the header, between its dashes.

    Parameters
    ----------
    title : str
        Name of the recognizer.
    models : Sequence[RecognizerModel]
        Its foundation models.
    cells : Sequence[Cell]
        Cross-validated scores.
    licence : str
        Of the recognizer, as the hub writes it.
    """
    header: dict[str, Any] = {
        "license": licence,
        "library_name": "reno-store",
        "pipeline_tag": "audio-classification",
        "tags": list(_TAGS),
        "metrics": ["accuracy", "f1"],
    }
    if base := [repository for model in models if (repository := _repository(model))]:
        header["base_model"] = base
    if cells:
        header["model-index"] = [{"name": title, "results": [_result(cell) for cell in cells]}]
    # JSON values are YAML values.
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in header.items()]
    return "\n".join(["---", *lines, "---", "", ""])


def _result(cell: Cell) -> dict[str, Any]:
    return {
        "task": {"type": "audio-classification"},
        "dataset": {"name": f"{cell.dataset}, protocol {cell.protocol}", "type": cell.dataset},
        "metrics": [
            {"type": "accuracy", "value": round(cell.mean("accuracy"), 4)},
            {"type": "f1", "name": "macro-F1", "value": round(cell.mean("macro_f1"), 4)},
        ],
    }


def _repository(model: RecognizerModel) -> str | None:
    """Return the model's repository on the hub, if it is from there."""
    source = model.fingerprint.get("source")
    if isinstance(source, Mapping) and isinstance(source.get("repository"), str):
        return str(source["repository"])
    return None
