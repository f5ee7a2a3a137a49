"""All forms of a study's tables for other programs."""

from __future__ import annotations

from collections.abc import Sequence

from reno_store.conclusions import Answer, Claim, Comparison
from reno_store.errors import UnknownNameError
from reno_store.reports.commands import Commands, PythonCalls
from reno_store.reports.tables.document import to_json
from reno_store.reports.tables.latex import to_latex
from reno_store.reports.tables.markdown import to_markdown
from reno_store.reports.tables.results import results_frame
from reno_store.studies import Study

__all__ = ["FORMS", "render", "to_csv"]

FORMS = ("csv", "json", "latex", "markdown")


def render(
    study: Study,
    form: str,
    *,
    answers: Sequence[Answer] = (),
    claims: Sequence[Claim] = (),
    comparisons: Sequence[Comparison] = (),
    commands: Commands | None = None,
) -> str:
    """Write a study's tables in one of the `FORMS`.

    Parameters
    ----------
    study : Study
        Computed or not.
    form : {"csv", "json", "latex", "markdown"}
        Which form.
    answers, claims, comparisons : Sequence
        The study's conclusions, which all forms but CSV include.
    commands : Commands, optional
        How to describe what to run; Python calls by default.

    Raises
    ------
    UnknownNameError
        If the form is another.
    """
    if form == "csv":
        return to_csv(study, commands)
    if form == "latex":
        return to_latex(study, commands, answers=answers, claims=claims, comparisons=comparisons)
    if form not in FORMS:
        raise UnknownNameError.among("form", form, FORMS)
    write = to_json if form == "json" else to_markdown
    return write(study, answers=answers, claims=claims, comparisons=comparisons, commands=commands)


def to_csv(study: Study, commands: Commands | None = None) -> str:
    r"""Write `results_frame` as CSV, with all digits; unknown numbers are empty.

    `best` is ``true`` or ``false``, the last column is what to run for the cell. Lines end in
    ``\n``.
    """
    commands, frame = commands or PythonCalls(), results_frame(study)
    how = [commands.cell(study, study.cells[place]) for place in frame.index]
    frame = frame.assign(best=frame["best"].map({True: "true", False: "false"}), command=how)
    return frame.to_csv(index=False, lineterminator="\n")
