"""What a reader must know about a pair of corpora: its labels, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping

from reno_store.runtime.numbers import count
from reno_store.samples.rare_labels import rare_labels_note
from reno_store.studies import DatasetFacts, Transfer

__all__ = ["left_out_text", "transfer_notes"]

_MOST_NAMED = 6


def transfer_notes(facts: DatasetFacts, min_clips: int) -> list[str]:
    """Return the notes on a pair of corpora; none for a single dataset."""
    transfer = facts.transfer
    if transfer is None:
        return []
    labels = ", ".join(
        f"{label} ({transfer.train_labels.get(label, 0):,} and {n:,})"
        for label, n in facts.labels.items()
    )
    match transfer.map_source:
        case "":
            how = "matched by name"
        case "given":
            how = "in the common words of a label map"
        case source:
            how = f"in the common words of the label map {source}"
    notes = [
        f"Trained on {count(transfer.n_train, 'clip')}, tested on {facts.n_clips:,}. Labels, "
        f"{how}, with the clips of either side: {labels or 'none'}."
    ]
    if transfer.unmatched:
        notes.append(
            f"{count(transfer.n_unmatched, 'clip')} of labels that the other side lacks are left "
            f"out: {left_out_text(transfer.unmatched)}."
        )
    if facts.rare_labels:
        notes.append(rare_labels_note(facts.rare_labels, min_clips))
    if facts.n_left_out:
        notes.append(f"{count(facts.n_left_out, 'clip')} without an embedding are left out.")
    return [*notes, *_warnings(transfer)]


def left_out_text(unmatched: Mapping[str, Mapping[str, int]]) -> str:
    """Name the labels of each dataset that were left out, with their clips.

    Examples
    --------
    >>> left_out_text({"jnv": {"happy": 70, "sad": 70}})
    'jnv happy (70), sad (70)'
    """
    return "; ".join(
        f"{name} {', '.join(f'{label} ({n:,})' for label, n in own.items())}"
        for name, own in unmatched.items()
    )


def _warnings(transfer: Transfer) -> list[str]:
    notes = [
        f"The label map lists labels that {name} does not have: {', '.join(labels)}."
        for name, labels in transfer.unknown.items()
    ]
    if transfer.same_ids:
        named = ", ".join(transfer.same_ids[:_MOST_NAMED])
        more = ", ..." * (len(transfer.same_ids) > _MOST_NAMED)
        notes.append(
            f"{count(len(transfer.same_ids), 'speaker id')} of both sides ({named}{more}) are "
            "taken as different people."
        )
    if transfer.unhashed:
        notes.append(
            f"Recordings of {', '.join(transfer.unhashed)} have no hash, since only their "
            "embeddings were imported, so recordings on both sides cannot be found."
        )
    return notes
