"""The page as text: complete, in order, with the words that belong there."""

import math
import re
from dataclasses import replace

import pytest
from factories.made_up_pages import (
    make_answers,
    make_clips,
    make_comparison,
    make_comparisons,
    make_figures,
)
from factories.made_up_studies import make_cell
from factories.odd_studies import make_study
from factories.parsed_pages import Page, render

from reno_store.conclusions.names import cell_title, comparison_title
from reno_store.errors import RenoStoreError
from reno_store.reports.commands import PythonCalls
from reno_store.reports.page import render_page, rendering
from reno_store.runtime.numbers import points


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
            "answer",
            "tables",
            "comparisons",
            "claims",
            "clips",
            "figures",
            "data",
            "models",
            "protocols",
            "commands",
            "versions",
        ]

    def test_the_page_says_its_language_and_has_one_title(self, page):
        assert page.find("html", lang="en")
        assert page.words("h1") == page.words("title")[:1]
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
            r'href="#cell-(\d+)" aria-label="show the command for (\w+) on ([^"]+)"', page.text
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
        assert not {"tables", "comparisons", "claims", "clips", "figures", "notes"} & set(sections)


class TestAnswer:
    def test_the_best_its_interval_and_guessing_come_first(self, page, study):
        answer, *_ = make_answers(study)
        (first, *_), (key, *_) = page.words("article"), page.words("dl")
        assert first.startswith("jnv")
        low, high = (f"{100 * end:.1f}" for end in answer.best.interval)
        for words in (
            f"{100 * answer.best.score:.1f} %",
            f"95 % interval {low} to {high}",
            cell_title(answer.best.cell),
            "Chance (1 in 4)25.0 %",
            "Always the most frequent label25.0 %",
        ):
            assert words in key
        for sentence in answer.sentences:
            assert sentence in page.words("li")
        assert page.text.index('class="key"') < page.text.index("<nav")

    def test_one_knows_at_once_whether_others_may_be_as_good(self, page, study):
        answer, *_ = make_answers(study)
        (short, *_) = page.words("p", **{"class": "so"})
        others = len(answer.ranking) - 1
        assert f"{len(answer.ties)} of {others} others may be as good" in short

    def test_where_nothing_beats_guessing_that_comes_before_the_score(self):
        study = make_study(protocols=("paper",))
        guesses = [
            make_cell(cell.models, cell.estimator, skill=0.0, seed=number)
            for number, cell in enumerate(study.cells)
        ]
        page = Page(render(replace(study, cells=tuple(guesses))))
        (article,) = page.words("article")
        assert article.startswith("Nothing here beats guessing Highest accuracy")
        assert not Page(render(study)).words("p", **{"class": "nothing"})

    def test_the_figure_of_all_scores_is_there_and_nowhere_else(self, page):
        scores = [each for each in page.find("img") if "all scores" in each["alt"]]
        assert [each["within"][-3:] for each in scores] == [("article", "figure", "picture")] * 2
        narrow = page.find("source")
        assert [each["width"] for each in narrow] == ["247", "247"]
        assert all("max-width" in each["media"] for each in narrow)

    def test_a_study_without_results_says_so(self):
        lacking = ("audio-mamba-tiny", "wav2vec2-base", "mfcc")
        page = Page(render(make_study(lacking=lacking)))
        (words,) = page.words("section", id="answer")
        assert words == "Nothing was computed; the tables give the reasons."

    def test_how_folds_were_got_changes_nothing(self, study):
        served = replace(study, n_trained=0, n_served=study.n_trained)
        assert render_page(served) == render_page(study)


class TestComparisons:
    def test_each_is_in_the_section_of_its_kind(self, page, study):
        rows = page.words("tr")
        for each in make_comparisons(study):
            start = comparison_title(each.first, each.second) + points(100 * each.difference)
            assert any(row.startswith(start) for row in rows)
        assert "RENO vs concatenation, same models" in page.words(
            "th", **{"class": None, "scope": "rowgroup"}
        )

    def test_numbers_that_do_not_exist_are_dashes_and_not_sorted(self):
        study = make_study(protocols=("paper",))
        nan = float("nan")
        numbers = {"interval": (nan, nan), "p": nan, "p_holm": nan}
        one = make_comparison("reno-concat", study.cells[-1], study.cells[-4], **numbers)
        text = render_page(study, comparisons=(one,))
        assert text.count('<td class="number">–</td>') == 2
        assert "nan" not in re.sub(r"<style>.*?</style>", "", text, flags=re.S).lower()

    def test_numbers_are_sorted_by_what_is_written(self, page, study):
        each = make_comparisons(study)[0]
        value = repr(round(100 * each.difference, 1))
        assert page.find("td", **{"class": "number", "data-value": value})

    def test_claims_without_comparisons_are_left_out(self, page):
        (claims,) = page.words("section", id="claims")
        assert "RENO vs concatenation: jnv" in claims
        assert "MAFM" not in claims


class TestClips:
    def test_a_point_shows_its_clip_label_and_prediction(self, page):
        titles = [each for each in page.words("title") if each.startswith("clip-")]
        assert titles[:2] == [
            "clip-1 · anger · predicted anger (0.88) · speaker f1",
            "clip-2 · fear · predicted joy (0.75) · speaker f1",
        ]
        wrong = [each for each in page.find("use") if each.get("class", "").endswith(" w")]
        assert [(each["x"], each["y"]) for each in wrong] == [("300", "400")] * 2

    def test_mistakes_are_listed_with_their_recordings(self, page):
        row, _ = (row for row in page.words("tr") if row.startswith("clip-2"))
        assert row == "clip-2fearjoy0.751 of 3f1"
        assert [each["src"] for each in page.find("audio")] == ["data:audio/mpeg;,"] * 2

    def test_without_confidences_the_order_is_explained(self, study):
        clips = [
            replace(
                each, mistakes=tuple(replace(clip, confidence=math.nan) for clip in each.mistakes)
            )
            for each in make_clips(study)
        ]
        page = Page(render(study, clips=clips))
        assert "Probabilities were not kept" in " ".join(page.words("p"))
        assert not any("Probability" in each for each in page.words("th"))


class TestFigures:
    def test_each_is_an_image_inside_the_page_with_words(self, page, study):
        images = {each["alt"].partition(". ")[0]: each for each in page.find("img")}
        assert len(images) == len(make_figures(study))
        for figure in make_figures(study):
            assert images[figure.title]["src"].startswith("data:image/svg+xml;base64,")
            assert figure.caption in page.words("figcaption")

    def test_text_of_7_points_has_12_pixels(self, page):
        (first, *_) = (each for each in page.find("img") if each["alt"].startswith("Confusion"))
        assert (first["width"], first["height"]) == (str(round(3.35 * 72 * 12 / 7)), "370")

    def test_a_page_that_would_be_too_large_has_fewer_figures(self, study, monkeypatch):
        figure = make_figures(study)[1]
        figures = [
            replace(figure, name=f"{kind}-{n}", kind=kind, title=f"{kind} {n}", draw_narrow=draw)
            for kind, draw in (("map", figure.draw), ("training", None))
            for n in range(3)
        ]

        def titles(page):
            return [each["alt"].partition(". ")[0] for each in page.find("img")]

        whole = Page(render(study, figures=figures))
        one = len(whole.find("img")[0]["src"])
        for n_bytes, left in (
            # First the maps of narrow screens, then maps, then others, each from the last.
            (1.5, 6), (3.5, 5), (6.5, 2), (99, 0),
        ):  # fmt: skip
            limit = len(whole.text.encode()) - int(n_bytes * one)
            monkeypatch.setattr(rendering, "MOST_BYTES", limit)
            page = Page(render(study, figures=figures))
            if left:  # and a sentence on what is missing
                assert len(page.text.encode()) <= limit + 300
            expected = [each.title for each in figures]
            expected = [*expected[:2], *expected[3:]] if left == 5 else expected[3:][:left]
            assert titles(page) == (expected if left < 6 else titles(whole))
            assert ("to keep the page small" in " ".join(page.words("p"))) == (left < 6)

    def test_one_can_choose_among_several_datasets_alone(self, page):
        assert page.words("option") == ["all datasets", "jnv", "vivae"]
        assert not Page(render(make_study())).find("select")

    @pytest.mark.parametrize("svg", ["", "<p>no</p>", "<svg></svg>", '<svg width="9q" height="1">'])
    def test_what_is_no_svg_of_a_size_is_refused_by_name(self, study, svg):
        with pytest.raises(RenoStoreError, match="scores-jnv"):
            render(study, to_svg=lambda figure: svg)
