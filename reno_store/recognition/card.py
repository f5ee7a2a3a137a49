"""The model card of a recognizer: Markdown with the header that the Hugging Face hub reads."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from reno_store import __version__
from reno_store.corpora import find_card
from reno_store.errors import RenoStoreError
from reno_store.foundation_models import parse_model_specs
from reno_store.foundation_models.catalogue import CATALOGUE
from reno_store.recognition.calibration import Calibration
from reno_store.recognition.hub_header import hub_header
from reno_store.recognition.models import RecognizerModel
from reno_store.recognition.recognizer import Recognizer
from reno_store.runtime.numbers import count, listing, per_cent, score
from reno_store.samples import Samples
from reno_store.samples.rare_labels import rare_labels_note
from reno_store.store import short_fingerprint
from reno_store.studies import PROTOCOLS, Cell, Study

__all__ = ["PLACE_IN_CARDS", "CardContent", "bare_card", "rename_model", "write_card"]

PLACE_IN_CARDS = "THIS_FOLDER"
"""How a card names the recognizer that it describes; replaced when it is published."""


@dataclass(frozen=True, slots=True, eq=False)
class CardContent:
    """What a card is written from.

    Attributes
    ----------
    recognizer : Recognizer
        The recognizer; its own card is not used.
    samples : Samples
        What it was trained on.
    rare : Mapping[str, int]
        Labels that were left out -> their clips.
    study : Study or None
        Cross-validated scores of the same classifier; None where there are none.
    calibration : Calibration or None
        How its probabilities were calibrated, if they were.
    licence : str
        Of the recognizer, as the hub writes it.
    """

    recognizer: Recognizer
    samples: Samples
    rare: Mapping[str, int] = field(default_factory=dict)
    study: Study | None = None
    calibration: Calibration | None = None
    licence: str = "other"


def write_card(content: CardContent) -> str:
    """Return the card of a recognizer that was trained on a store."""
    samples, recognizer = content.samples, content.recognizer
    cells = list(content.study.cells) if content.study else []
    computed = [cell for cell in cells if cell.computed]
    title = f"{type(recognizer.classifier).__name__} on {_models_title(recognizer)}"
    header = hub_header(title, recognizer.models, computed, content.licence)
    parts = [
        f"# {_text(title)}",
        f"Recognizes {count(len(recognizer.classes_), 'label')} in recordings of non-verbal "
        f"vocalizations: {_text(listing(map(str, recognizer.classes_)))}. Trained by reno-store "
        f"{__version__} on "
        f"{count(len(samples.y), 'clip')} of the dataset {_text(samples.dataset)}.",
        "## Use",
        _usage(),
        "## Training data",
        *_data(content),
        "## Scores",
        *_scores(content, cells),
        *(_confusion(computed) if computed else ()),
        *(("## Calibration", _calibration(content.calibration)) if content.calibration else ()),
        *_limits(recognizer, samples),
        "## Licences",
        *_licences(content),
        "## Details",
        *_details(recognizer),
    ]
    return header + "\n\n".join(parts) + "\n"


def bare_card(recognizer: Recognizer) -> str:
    """Return the card of a recognizer of which only the classifier is known."""
    title = f"{type(recognizer.classifier).__name__} on {_models_title(recognizer)}"
    header = hub_header(title, recognizer.models)
    parts = [
        f"# {_text(title)}",
        f"Labels: {_text(listing(map(str, recognizer.classes_)))}. It was saved from a pipeline, "
        "so the training data and the scores are not known. Add them here.",
        "## Use",
        _usage(),
        "## Details",
        *_details(recognizer),
    ]
    return header + "\n\n".join(parts) + "\n"


def rename_model(card: bytes, old: str, new: str) -> bytes:
    """Return a card that names another place of a foundation model."""
    return card.replace(_text(old).encode(), _text(new).encode())


def _models_title(recognizer: Recognizer) -> str:
    return " + ".join(model.name for model in recognizer.models)


def _usage() -> str:
    return (
        f"```sh\nreno-store predict {PLACE_IN_CARDS} recording.wav recordings/ -o labels.csv\n"
        "```\n\n```python\nimport reno_store as rs\n\n"
        f'recognizer = rs.load_recognizer("{PLACE_IN_CARDS}")\n'
        'recognizer.predict_proba(["recording.wav"])\n```'
    )


def _data(content: CardContent) -> Iterator[str]:
    samples = content.samples
    labels, counts = np.unique(samples.y, return_counts=True)
    speakers = set() if samples.groups is None else set(samples.groups.tolist()) - {""}
    known = count(len(speakers), "speaker") if speakers else "speakers unknown"
    yield f"Dataset {_text(samples.dataset)}: {count(len(samples.y), 'clip')}, {known}."
    if content.rare:
        yield _text(rare_labels_note(content.rare, min(content.rare.values()) + 1))
    rows = [[label, f"{n:,}"] for label, n in zip(labels.tolist(), counts.tolist(), strict=True)]
    yield _table(["label", "clips"], rows)


def _scores(content: CardContent, cells: Sequence[Cell]) -> Iterator[str]:
    labels, counts = np.unique(content.samples.y, return_counts=True)
    chance = counts.max() / counts.sum()
    if not cells:
        yield "Not evaluated: it was trained without scores."
    else:
        yield (
            "Mean ± standard deviation over cross-validated folds, in per cent. The recognizer "
            "itself is trained on all clips, so these are scores of the same classifier on less "
            "data."
        )
        rows = []
        for cell in cells:
            if not cell.computed:
                rows.append([cell.protocol, _reason(cell), "", ""])
                continue
            scores = [
                score(100 * cell.mean(metric), 100 * cell.sd(metric) if cell.n > 1 else None)
                for metric in ("accuracy", "macro_f1")
            ]
            collapsed = f", {cell.n_collapsed} collapsed" if cell.n_collapsed else ""
            rows.append([cell.protocol, *scores, f"{cell.n}{collapsed}"])
        yield _table(["protocol", "accuracy", "macro-F1", "folds"], rows)
        yield "\n".join(
            f"- {cell.protocol}: {PROTOCOLS[cell.protocol].description}." for cell in cells
        )
    yield (
        f"Chance: {per_cent(1 / len(labels))} by guessing among {len(labels)} labels, "
        f"{per_cent(float(chance))} by always guessing the most frequent one, "
        f"{_text(str(labels[counts.argmax()]))}."
    )


def _reason(cell: Cell) -> str:
    return "not possible: " + cell.reason.split(". ")[0]


def _confusion(cells: Sequence[Cell]) -> Iterator[str]:
    cell = cells[-1]  # of the strictest protocol
    counts = cell.confusion()
    yield f"## Confusion, protocol {cell.protocol}"
    yield "Clips by their label (rows) and the predicted label (columns)."
    rows = [
        [label, *(f"{n:,}" for n in row)]
        for label, row in zip(cell.labels, counts.to_numpy().tolist(), strict=True)
    ]
    yield _table(["", *cell.labels], rows)


def _calibration(calibration: Calibration) -> str:
    held_out = "speakers" if calibration.protocol == "speaker" else "clips (speakers are not known)"
    return (
        f"Logits are divided by a temperature of {calibration.temperature:.3f}, fitted on "
        f"{count(calibration.n_clips, 'clip')} of held-out {held_out}. The expected calibration "
        f"error (15 bins) is {per_cent(calibration.error_before)} before and "
        f"{per_cent(calibration.error_after)} after, each fold with the temperature of the others."
    )


def _limits(recognizer: Recognizer, samples: Samples) -> Iterator[str]:
    yield "## Intended use"
    yield (
        "Research on non-verbal vocalizations: sorting recordings, finding examples, comparing "
        "models. Not for decisions about people: not for hiring, policing, health or education."
    )
    yield "## Limits"
    calibrated = recognizer.temperature is not None
    limits = [
        "It knows only the labels above and gives every recording one of them, also speech, music "
        "and silence.",
        f"It has heard only the voices, rooms and microphones of {_text(samples.dataset)}. On "
        "other recordings scores are lower; measure them on some of your own.",
        "The labels are what the corpus names a sound, not what somebody felt.",
        "Probabilities are calibrated on recordings like those of training."
        if calibrated
        else "Probabilities are not calibrated: they are often too certain.",
    ]
    if samples.groups is None:
        limits.append("Speakers are not known, so scores may come from recognizing voices.")
    yield "\n".join(f"- {limit}" for limit in limits)


def _licences(content: CardContent) -> Iterator[str]:
    dataset = content.samples.dataset
    try:
        card = find_card(dataset)
        data = f"{card.licence} ({card.title}, {card.source})"
    except RenoStoreError:
        data = "not known to reno-store"
    rows = [[f"data: {dataset}", data]]
    rows += [[f"model: {each.name}", _licence_of(each)] for each in content.recognizer.models]
    yield _table(["part", "licence"], rows)
    yield "Please check whether they allow your use, and what they require of this recognizer."


def _licence_of(model: RecognizerModel) -> str:
    (spec,) = parse_model_specs([model.spec])
    for entry in CATALOGUE.values():
        if spec.location in (entry.name, entry.location):
            return entry.licence
    return "not known to reno-store"


def _details(recognizer: Recognizer) -> Iterator[str]:
    rows = [
        [model.name, model.spec, str(model.dim), short_fingerprint(model.fingerprint)]
        for model in recognizer.models
    ]
    yield _table(["model", "loaded from", "dimensions", "fingerprint"], rows)
    classifier = recognizer.classifier
    parameters = {
        name: value
        for name, value in sorted(classifier.get_params(deep=False).items())
        if name not in ("device", "verbose", "n_jobs")
    }
    shown = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    yield f"`{type(classifier).__name__}({shown.replace('`', '')})`, " + (
        "on embeddings scaled by the mean and standard deviation of the training clips."
        if recognizer.scaler is not None
        else "on embeddings as they are."
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_text, line))} |" for line in lines)


def _text(text: str) -> str:
    """Write a text that may hold anything, such as a label, as Markdown in one line."""
    plain = html.escape(" ".join(text.split()), quote=False)
    for sign in ("\\", "|", "`", "[", "*"):
        plain = plain.replace(sign, f"\\{sign}")
    return plain
