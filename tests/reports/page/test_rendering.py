"""The page as text: complete, in order, with the words that belong there."""

import re
from dataclasses import replace

import pytest
from factories.made_up_pages import (
    make_claims,
    make_comparison,
    make_comparisons,
    make_figures,
)
from factories.odd_studies import make_study
from factories.parsed_pages import Page, render

from reno_store.errors import RenoStoreError
from reno_store.reports.commands import PythonCalls
from reno_store.reports.page import render_page


@pytest.fixture(scope="module")
def study():
    return make_study(datasets=("jnv", "vivae"), lacking=("wav2vec2-base",))


@pytest.fixture(scope="module")
def page(study):
    return Page(render(study))


class TestContent:
    def test_sections_stand_in_the_order_in_which_they_are_read(self, page):
        sections = [each["id"] for each in page.find("section")]
        assert sections == [
            "summary",
            "data",
            "models",
            "protocols",
            "tables",
            "conclusions",
            "figures",
            "commands",
            "versions",
        ]

    def test_the_page_says_its_language_and_has_one_title(self, page):
        assert page.find("html", lang="en")
        assert page.words("h1") == page.words("title")
        assert "jnv and vivae" in page.words("h1")[0]

    def test_each_link_leads_to_a_place_on_the_page(self, page):
        ids = [each["id"] for each in page.elements if "id" in each]
        assert len(ids) == len(set(ids))
        links = [each["href"] for each in page.find("a")]
        assert len(links) > 20
        assert {link.removeprefix("#") for link in links} <= set(ids)
        named = {each["aria-labelledby"] for each in page.elements if "aria-labelledby" in each}
        assert named <= set(ids)

    def test_each_computed_cell_has_its_mean_even_without_tables(self, study):
        page = Page(render_page(study))
        rows = page.words("tr")
        for number, cell in enumerate(study.cells, 1):
            (row,) = (each for each in page.find("tr") if each.get("id") == f"cell-{number}")
            text = " ".join(row["text"].split())
            assert text in rows
            for models in cell.models:
                assert models in text
            if cell.computed:
                assert (
                    f"{100 * cell.mean('accuracy'):.1f} ± {100 * cell.sd('accuracy'):.1f}" in text
                )
                assert f"{100 * cell.mean('macro_f1'):.1f} ±" in text
            else:
                assert cell.reason in text
            assert PythonCalls().cell(study, cell) in text

    def test_each_row_of_a_table_leads_to_its_own_command(self, page, study):
        found = re.findall(
            r'href="#cell-(\d+)" aria-label="Command for (\w+) on ([^"]+)"', page.text
        )
        assert sorted(int(number) for number, *_ in found) == list(range(1, len(study.cells) + 1))
        for number, estimator, models in found:
            cell = study.cells[int(number) - 1]
            assert (cell.estimator, " + ".join(cell.models)) == (estimator.lower(), models)

    def test_rows_that_were_not_computed_say_why_and_are_not_sorted_among_numbers(self, page):
        reasons = page.find("td", **{"class": "reason"})
        spans = [each for each in reasons if each["colspan"] != "2"]
        assert spans
        assert "jnv has no embeddings of wav2vec2-base" in " ".join(each["text"] for each in spans)
        assert not any("data-value" in each for each in reasons)

    def test_places_are_sorted_by_their_whole_value_not_by_what_is_shown(self, page, study):
        first = study.cells[0]
        assert page.find("td", **{"data-value": repr(100 * first.mean("accuracy"))})

    def test_headings_that_sort_are_real_buttons(self, page):
        buttons = page.find("button", **{"class": "sort"})
        assert buttons
        assert all(each["type"] == "button" and each["within"][-1] == "th" for each in buttons)

    def test_data_models_and_protocols_are_described(self, page):
        text = " ".join(page.text.split())
        for words in (
            "anger 50, fear 50, joy 50, pain 50",
            "25.0",
            "Mamba-based (MAFM)",
            "attention-based (AAFM)",
            "aaaaaaaaaaaa",
            "no speaker on both sides",
            "never heard in training",
            "nothing certain about new speakers",
            "standard deviation of each training fold",
            "torch 2.13.0",
        ):
            assert words in text
        assert page.words("code")[-1] == "s.results"
        assert page.words("code")[-2].startswith("run_study('s.zarr', StudyRequest(")

    def test_a_whole_fingerprint_is_shown_where_it_is_given(self, study):
        fingerprints = {"mfcc": {"weights": "none", "layer": "last"}}
        page = Page(render_page(study, fingerprints=fingerprints))
        (whole,) = page.words("pre")
        assert whole == '{ "layer": "last", "weights": "none" }'

    def test_hyperparameters_are_shown_as_far_as_cells_share_them(self):
        study = make_study(protocols=("paper",))
        cells = tuple(
            replace(cell, parameters={"lr": 0.001, "sizes": [number]})
            for number, cell in enumerate(study.cells)
        )
        page = Page(render_page(replace(study, cells=cells)))
        assert page.words("pre") == ['{ "lr": 0.001 }'] * 4
        assert "Hyperparameters of RENO" in page.words("summary")

    def test_what_is_not_given_has_no_section(self, study):
        sections = [each["id"] for each in Page(render_page(study)).find("section")]
        assert not {"tables", "conclusions", "figures"} & set(sections)


class TestSummary:
    def test_sentences_that_are_given_open_the_page(self, study):
        page = Page(render(study, summary=("It holds.", "It does not.")))
        assert page.words("li")[:2] == ["It holds.", "It does not."]

    def test_without_a_summary_claims_are_quoted(self, page, study):
        (first,) = page.words("section", id="summary")
        assert all(claim.sentence in first for claim in make_claims(study))

    def test_how_folds_were_got_changes_nothing(self, study):
        served = replace(study, n_trained=0, n_served=study.n_trained)
        assert render_page(served) == render_page(study)


class TestComparisons:
    def test_each_is_shown_with_its_sentence_under_its_kind(self, page, study):
        for each in make_comparisons(study):
            assert f"sentence{each.sentence}" in page.words("td", **{"class": "unfolds"})
        assert "RENO vs concatenation: accuracy" in page.words("h3")

    def test_numbers_that_do_not_exist_are_dashes_and_stand_last(self):
        study = make_study(protocols=("paper",))
        nan = float("nan")
        one = make_comparison(
            "reno-concat",
            study.cells[-1],
            study.cells[-4],
            interval=(nan, nan),
            p=nan,
            p_holm=nan,
        )
        text = render_page(study, comparisons=(one,))
        assert text.count('<td class="number">–</td>') == 2
        assert "nan" not in re.sub(r"<style>.*?</style>", "", text, flags=re.S).lower()

    def test_a_leak_names_both_protocols(self):
        study = make_study()
        (paper,) = study.select(protocol="paper", estimator="cnn", models=("mfcc",))
        (speaker,) = study.select(protocol="speaker", estimator="cnn", models=("mfcc",))
        comparisons = (make_comparison("paper-speaker", paper, speaker),)
        assert "paper − speaker" in Page(render_page(study, comparisons=comparisons)).words("td")


class TestFigures:
    def test_each_is_an_image_inside_the_page_with_words(self, page, study):
        images = page.find("img")
        assert len(images) == len(make_figures(study))
        for image, figure in zip(images, make_figures(study), strict=True):
            assert image["src"].startswith("data:image/svg+xml;base64,")
            assert figure.title in image["alt"]
            assert figure.caption in page.words("figcaption")
        assert (images[0]["width"], images[0]["height"]) == ("322", "288")

    def test_one_can_choose_among_several_datasets_alone(self, page):
        assert page.words("option") == ["all datasets", "jnv", "vivae"]
        assert not Page(render(make_study())).find("select")

    @pytest.mark.parametrize("svg", ["", "<p>no</p>", "<svg></svg>", '<svg width="9q" height="1">'])
    def test_what_is_no_svg_of_a_size_is_refused_by_name(self, study, svg):
        with pytest.raises(RenoStoreError, match="confusion-jnv"):
            render(study, to_svg=lambda figure: svg)
