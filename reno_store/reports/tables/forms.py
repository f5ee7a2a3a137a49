"""The forms in which a study's tables can be written, by name."""

from __future__ import annotations

from collections.abc import Sequence

from reno_store.conclusions import Claim, Comparison
from reno_store.errors import UnknownNameError
from reno_store.reports.tables.document import to_json
from reno_store.reports.tables.latex import to_latex
from reno_store.reports.tables.markdown import to_markdown
from reno_store.reports.tables.records import to_csv
from reno_store.studies import Study

__all__ = ["FORMS", "render"]

FORMS = ("csv", "json", "latex", "markdown")


def render(
    study: Study,
    form: str,
    *,
    claims: Sequence[Claim] = (),
    comparisons: Sequence[Comparison] = (),
) -> str:
    """Write a study's tables in one of the `FORMS`.

    Parameters
    ----------
    study : Study
        Computed or not.
    form : {"csv", "json", "latex", "markdown"}
        Which form.
    claims, comparisons : Sequence
        What the study allows one to conclude; Markdown and JSON tell it, CSV and LaTeX have
        no place for it.

    Raises
    ------
    UnknownNameError
        If there is no such form.
    """
    if form == "csv":
        return to_csv(study)
    if form == "json":
        return to_json(study, claims=claims, comparisons=comparisons)
    if form == "latex":
        return to_latex(study)
    if form == "markdown":
        return to_markdown(study, claims=claims, comparisons=comparisons)
    raise UnknownNameError.among("form", form, FORMS)
