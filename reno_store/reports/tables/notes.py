"""What a reader of a table must know besides its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reno_store.conclusions.names import cell_title, estimator_title, models_title
from reno_store.reports.commands import Commands
from reno_store.reports.tables.transfer_notes import transfer_notes
from reno_store.runtime.numbers import count
from reno_store.samples.rare_labels import rare_labels_note
from reno_store.studies import PROTOCOLS, Cell, DatasetFacts, Study
from reno_store.studies.scores import COLLAPSED_NOTE

__all__ = [
    "Note",
    "collapsed_note",
    "fold_names",
    "protocol_note",
    "study_notes",
    "table_notes",
    "untested_note",
]

_MOST_NAMED = 6
"""A note counts more folds or rows than this instead of naming them."""


@dataclass(frozen=True, slots=True)
class Note:
    """A note, and the commands at its end, which some forms show as code."""

    text: str
    commands: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.text, *([" ; ".join(self.commands)] if self.commands else [])])


def study_notes(study: Study) -> tuple[Note, ...]:
    """Return the notes that hold for every table of a study."""
    scaled = (
        "Embeddings are scaled by the mean and standard deviation of each training fold."
        if study.request.standardize
        else "Embeddings are taken as stored, not scaled."
    )
    spread = (
        "Scores are in per cent. ± is the standard deviation over folds (of all seeds). Folds "
        "share clips, so it shows how scores spread; it is no standard error of the mean."
    )
    return Note(spread), Note(scaled)


def protocol_note(protocol: str) -> Note:
    """Return the note on how a protocol makes folds."""
    return Note(f"Protocol {protocol}: {PROTOCOLS[protocol].description}.")


def table_notes(
    study: Study, cells: Sequence[Cell], commands: Commands, *, beside_paper: bool
) -> list[Note]:
    """Return the notes on one table: its folds, its clips, and why cells are missing."""
    facts, protocol = study.dataset(cells[0].dataset), PROTOCOLS[cells[0].protocol]
    texts = [
        *(_n_note(n, cells) for n in sorted({cell.n for cell in cells if cell.computed})),
        *untested_note(cells, len(facts.labels), _MOST_NAMED),
        *collapsed_note(cells),
        *_clips_notes(facts, study.request.min_clips),
    ]
    if beside_paper:
        texts.append(
            "paper: the value printed in the paper, an average of five folds; difference: the mean "
            "minus it, in points."
            + " The paper does not say that its folds keep speakers apart, as these do, so the "
            "protocols may explain the difference." * protocol.speaker_disjoint
        )
    notes = [protocol_note(cells[0].protocol), *map(Note, texts)]
    return [*notes, *_missing_notes(study, cells, commands)]


def _n_note(n: int, cells: Sequence[Cell]) -> str:
    cell = next(cell for cell in cells if cell.n == n)
    folds = count(len(cell.outcomes[0]), "fold")
    if PROTOCOLS[cell.protocol].one_fold_a_speaker:
        folds += ", one per speaker"
    seeds = ", ".join(map(str, cell.seeds))
    many = len(cell.seeds) > 1
    words = f"{len(cell.seeds)} seeds ({seeds}) of {folds}" if many else f"{folds} (seed {seeds})"
    return f"n = {n}: {words}{'; one fold has no standard deviation' * (n == 1)}."


def fold_names(cell: Cell) -> list[str]:
    """Name folds, seed by seed: by the speaker left out, else by their number."""
    several = len(cell.seeds) > 1
    return [
        outcome.score.speaker or (f"{number} (seed {seed})" if several else str(number))
        for seed, outcomes in zip(cell.seeds, cell.outcomes, strict=True)
        for number, outcome in enumerate(outcomes, start=1)
    ]


def untested_note(cells: Sequence[Cell], n_labels: int, most_named: int) -> list[str]:
    """Name the folds that test no clip of some label; none where there is no such fold."""
    lacking = dict.fromkeys(
        name
        for cell in cells
        if cell.computed
        for name, outcome in zip(fold_names(cell), cell.folds, strict=True)
        if outcome.score.n_labels < n_labels
    )
    if not lacking:
        return []
    if len(lacking) > most_named:
        which = f"{len(lacking)} folds test"
    else:
        which = f"Fold{'s' * (len(lacking) > 1)} {', '.join(lacking)}"
        which += " test" if len(lacking) > 1 else " tests"
    return [
        f"{which} no clip of some labels: macro-F1 and balanced accuracy there average over the "
        "other labels, so compare folds and protocols with care."
    ]


def collapsed_note(cells: Sequence[Cell]) -> list[str]:
    """Name the cells that collapsed in some fold; none where there is no such cell."""
    named = [
        f"{cell_title(cell)} ({cell.n_collapsed} of {cell.n} folds)"
        for cell in cells
        if cell.n_collapsed
    ]
    if len(named) > _MOST_NAMED:
        named = [*named[:_MOST_NAMED], f"{len(named) - _MOST_NAMED} more"]
    return [COLLAPSED_NOTE.format(", ".join(named))] if named else []


def _clips_notes(facts: DatasetFacts, min_clips: int) -> list[str]:
    notes = transfer_notes(facts, min_clips)
    if facts.n_left_out and facts.transfer is None:
        n_stored = facts.n_clips + facts.n_left_out + sum(facts.rare_labels.values())
        notes.append(
            f"{facts.n_left_out:,} of {n_stored:,} clips are left out, since they lack an "
            "embedding."
        )
    if facts.rare_labels and facts.transfer is None:
        notes.append(rare_labels_note(facts.rare_labels, min_clips))
    return [*notes, f"The most frequent label has {100 * facts.majority:.1f} % of the clips."]


def _missing_notes(study: Study, cells: Sequence[Cell], commands: Commands) -> list[Note]:
    """Return one note per reason: which rows are empty, why, and what to run."""
    missing: dict[str, list[Cell]] = {}
    for cell in cells:
        if not cell.computed:
            reason = " ".join(cell.reason.split()).removesuffix(".") or "the reason is not known"
            missing.setdefault(reason, []).append(cell)
    notes = []
    for reason, empty in missing.items():
        how = dict.fromkeys(commands.cell(study, cell) for cell in empty)
        how.pop("", None)
        advice = ". What to run:" if how else "."
        notes.append(Note(f"Not computed ({_rows(empty)}): {reason}{advice}", tuple(how)))
    return notes


def _rows(cells: Sequence[Cell]) -> str:
    by_models: dict[tuple[str, ...], list[str]] = {}
    for cell in cells:
        by_models.setdefault(cell.models, []).append(estimator_title(cell))
    if len(by_models) > _MOST_NAMED:
        return count(len(cells), "row")
    return "; ".join(
        f"{', '.join(names)} on {models_title(models)}" for models, names in by_models.items()
    )
