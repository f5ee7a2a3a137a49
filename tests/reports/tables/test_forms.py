"""One entry point for all forms."""

import pytest
from factories.made_up_studies import make_study
from factories.odd_studies import conclude

from reno_store.errors import UnknownNameError
from reno_store.reports.tables import FORMS, render, to_csv, to_json, to_latex, to_markdown

STUDY = make_study()
CLAIMS, COMPARISONS = conclude(STUDY)


def test_each_form_is_that_of_its_own_function():
    told = {"claims": CLAIMS, "comparisons": COMPARISONS}
    assert {form: render(STUDY, form, **told) for form in FORMS} == {
        "csv": to_csv(STUDY),
        "json": to_json(STUDY, **told),
        "latex": to_latex(STUDY),
        "markdown": to_markdown(STUDY, **told),
    }


def test_an_unknown_form_is_refused_with_the_choices():
    choices = r"did you mean 'markdown'.*csv, json, latex, markdown"
    with pytest.raises(UnknownNameError, match=choices):
        render(STUDY, "markdwon")


@pytest.mark.parametrize("form", FORMS)
def test_a_form_ends_in_one_line_break_and_is_the_same_twice(form):
    text = render(STUDY, form, claims=CLAIMS, comparisons=COMPARISONS)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert render(make_study(), form, claims=CLAIMS, comparisons=COMPARISONS) == text
