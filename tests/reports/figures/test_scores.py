"""All scores: means, intervals, guessing, order, and what cannot be told from the best."""

from dataclasses import replace

import numpy as np
import pytest
from factories.legibility import assert_legible, texts_of
from factories.made_up_studies import LABELS, make_cell, make_study

from reno_store.conclusions import standings_of
from reno_store.reports.figures import scores_figure
from reno_store.studies import DatasetFacts

NAMES = ("audio-mamba-tiny", "wavlm-base", "unispeech-sat-base", "a-model-of-my-own", "mfcc")


def pair(models, estimator, seed=0, skills=(0.7, 0.4)):
    """An estimator under both protocols."""
    return [
        make_cell(models, estimator, protocol, skill=skill, seed=seed + i)
        for i, (protocol, skill) in enumerate(zip(("paper", "speaker"), skills, strict=True))
    ]


def show(cells):
    facts = DatasetFacts("jnv", 200, 0, 4, dict.fromkeys(LABELS, 50))
    study = replace(make_study(protocols=("paper",)), datasets=(facts,), cells=tuple(cells))
    standings = standings_of(study)
    return scores_figure(standings, facts), standings


def marks(canvas, protocol):
    lines = canvas.axes[0].get_lines()
    return [float(each.get_xdata()[0]) for each in lines if each.get_label() == protocol]


def spans(canvas, protocol):
    return [
        segment[:, 0]
        for each in canvas.axes[0].collections
        if each.get_gid() == protocol
        for segment in each.get_segments()
    ]


def names(canvas):
    canvas.draw_without_rendering()
    return canvas.axes[0].get_yticklabels()


def test_means_and_intervals_of_both_protocols_are_drawn_the_highest_first():
    cells = [*pair(("mfcc",), "cnn", skills=(0.7, 0.3)), *pair(("wavlm-base",), "cnn", seed=2)]
    figure, standings = show(cells)
    canvas = figure.draw()
    for protocol in ("speaker", "paper"):
        own = [each for each in standings if each.cell.protocol == protocol]
        own.sort(key=lambda each: each.cell.models != ("wavlm-base",))  # it is better
        np.testing.assert_allclose(marks(canvas, protocol), [100 * each.score for each in own])
        expected = [100 * np.array(each.interval) for each in own]
        np.testing.assert_allclose(spans(canvas, protocol), expected)
    assert [text.get_text() for text in names(canvas)] == ["CNN: wavlm-base", "CNN: mfcc"]


def test_what_paper_gives_in_addition_is_at_the_right():
    cells = pair(("mfcc",), "cnn")
    figure, _ = show(cells)
    drop = 100 * (cells[0].mean("accuracy") - cells[1].mean("accuracy"))
    assert f"+{drop:.1f}" in texts_of(figure.draw())
    assert "1 of 1 are higher under paper" in figure.details


def test_the_best_and_its_equals_are_bold_and_nothing_is_among_guesses():
    cells = [
        make_cell(("mfcc",), "cnn", skill=0.9, seed=1),
        make_cell(("logmel",), "cnn", skill=0.9, seed=2),
        make_cell(("wavlm-base",), "cnn", skill=0.1, seed=3),
    ]
    figure, _ = show(cells)
    assert [text.get_fontweight() for text in names(figure.draw())] == ["bold", "bold", "normal"]
    assert "Bold" in figure.caption
    guesses, _ = show([make_cell(("mfcc",), "cnn", skill=0.0, seed=1)])
    assert "Bold" not in guesses.caption
    assert [text.get_fontweight() for text in names(guesses.draw())] == ["normal"]


@pytest.mark.parametrize(("guessing", "expected"), [(0.25, [25]), (0.7, [70, 25])])
def test_guessing_is_drawn_and_chance_where_it_differs(guessing, expected):
    _, standings = show([make_cell(("mfcc",), "cnn")])
    facts = DatasetFacts("jnv", 200, 0, 4, dict.fromkeys(LABELS, 50))
    figure = scores_figure([replace(each, guessing=guessing) for each in standings], facts)
    assert f"most frequent label ({expected[0]:.1f} %)" in figure.details
    drawn = [
        each.get_xdata()[0] for each in figure.draw().axes[0].get_lines() if each.get_ls() == ":"
    ]
    assert drawn == pytest.approx(expected)


def test_a_single_fold_has_no_interval():
    cell = make_cell(("mfcc",), "cnn")
    figure, _ = show([replace(cell, outcomes=(cell.outcomes[0][:1],))])
    canvas = figure.draw()
    assert len(marks(canvas, "paper")) == 1
    assert not spans(canvas, "paper")


def test_a_row_without_the_first_protocol_is_last():
    cells = [*pair(("mfcc",), "cnn"), make_cell(("logmel",), "cnn", skill=1.0)]
    figure, _ = show(cells)
    assert [text.get_text() for text in names(figure.draw())] == ["CNN: mfcc", "CNN: logmel"]


@pytest.mark.parametrize("narrow", [False, True])
def test_long_names_are_wrapped_and_stay_whole(narrow):
    long = "wavlm-base?layer=9&pool=mean+std-finetuned-on-my-own-corpus"
    figure, _ = show([*pair((long,), "cnn"), *pair(("mfcc",), "cnn", seed=2)])
    canvas = (figure.draw_narrow if narrow else figure.draw)()
    assert f"CNN: {long}".replace(" ", "") in "".join(texts_of(canvas)).replace("\n", "").replace(
        " ", ""
    )
    assert_legible(canvas)


@pytest.mark.parametrize("narrow", [False, True])
def test_it_can_be_read(narrow):
    cells = [((name,), "cnn") for name in NAMES]
    cells += [((one, other), "reno") for i, one in enumerate(NAMES) for other in NAMES[i + 1 :]]
    figure, _ = show([each for i, own in enumerate(cells) for each in pair(*own, seed=2 * i)])
    canvas = (figure.draw_narrow if narrow else figure.draw)()
    assert_legible(canvas)
    assert canvas.get_size_inches()[0] == pytest.approx(2.62 if narrow else 4.72)
