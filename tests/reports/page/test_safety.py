"""The page as text: everything escaped, and not a single load."""

import re
from dataclasses import replace

import pytest
from factories.made_up_pages import (
    make_answers,
    make_claims,
    make_clips,
    make_comparison,
    make_figures,
)
from factories.made_up_studies import make_cell
from factories.odd_studies import make_study
from factories.parsed_pages import Page, render

from reno_store.reports.page.clips import Clip, Point
from reno_store.studies import DatasetFacts, ModelFacts, StudyRequest

NASTY = "a<b>&\"'</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def study():
    return make_study(datasets=("jnv", "vivae"), lacking=("wav2vec2-base",))


@pytest.fixture(scope="module")
def page(study):
    return Page(render(study))


def test_nothing_is_loaded_from_anywhere(page):
    for element in page.elements:
        for attribute in ("src", "href", "srcset", "action", "data", "poster"):
            value = element.get(attribute, "#")
            assert value.startswith(("#", "data:")), element
        assert "style" not in element
        assert not [name for name in element if name.startswith("on")]
    assert "url(" not in page.text
    assert "@import" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_the_policy_forbids_loads_and_other_scripts(page):
    (policy,) = (
        each["content"]
        for each in page.find("meta")
        if each.get("http-equiv") == "Content-Security-Policy"
    )
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert parts["default-src"] == "'none'"
    assert parts["img-src"] == parts["media-src"] == "data:"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", parts["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", parts["style-src"])


def test_no_name_breaks_out_of_its_place():
    labels = tuple(sorted((NASTY, "joy", "pain", "rage")))
    request = StudyRequest(datasets=(NASTY,), protocols=("paper",), estimators=("cnn",))
    computed = make_cell((NASTY,), "cnn", dataset=NASTY, labels=labels)
    failed = replace(computed, outcomes=(), reason=NASTY, models=("mfcc",))
    study = replace(
        make_study(),
        request=request,
        datasets=(DatasetFacts(NASTY, 10, 0, 2, dict.fromkeys(labels, 5)),),
        models=(ModelFacts(NASTY, NASTY, "", 3, NASTY), ModelFacts("mfcc")),
        cells=(computed, failed),
        notes=(NASTY,),
        versions={NASTY: NASTY},
    )
    figures = tuple(
        replace(each, title=NASTY, caption=NASTY, details=NASTY, dataset=dataset)
        for each, dataset in zip(make_figures(study), (NASTY, NASTY, "other"), strict=True)
    )
    nasty = Clip(NASTY, NASTY, NASTY, "joy", 0.5, 1)
    text = render(
        study,
        comparisons=(make_comparison("cnn-fcn", computed, computed),),
        claims=tuple(replace(claim, title=NASTY, why=NASTY) for claim in make_claims(study)),
        answers=[replace(each, sentences=(NASTY,)) for each in make_answers(study)],
        clips=[
            replace(each, mistakes=(nasty,), points=(Point(nasty, 1, 2),))
            for each in make_clips(study)
        ],
        figures=figures,
        fingerprints={NASTY: {NASTY: NASTY}},
    )
    page = Page(text)
    assert len(page.find("script")) == 1
    assert not page.find("b")
    assert text.count("alert(1)") == text.count("alert(1)&lt;/script&gt;") > 20
    for tag in ("h1", "figcaption", "option", "h3"):
        assert any(NASTY in each for each in page.words(tag))
    assert any(NASTY in each["alt"] for each in page.find("img"))


def test_the_same_study_gives_the_same_bytes(page, study):
    assert render(study) == page.text
