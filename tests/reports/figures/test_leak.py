"""The leak: both accuracies, their spread and their difference."""

from dataclasses import replace

import numpy as np
import pytest
from factories.legibility import assert_legible, texts_of
from factories.made_up_studies import make_cell

from reno_store.reports.figures.leak import leak_figure

NAMES = ("audio-mamba-tiny", "wavlm-base", "unispeech-sat-base", "a-model-of-my-own", "mfcc")


def pair(models, estimator, seed=0, skills=(0.7, 0.4)):
    return tuple(
        make_cell(models, estimator, protocol, skill=skill, seed=seed + i)
        for i, (protocol, skill) in enumerate(zip(("paper", "speaker"), skills, strict=True))
    )


def marks(canvas, protocol):
    axes = canvas.axes[0]
    drawn = [line for line in axes.get_lines() if line.get_label() == protocol]
    return [float(line.get_xdata()[0]) for line in drawn]


def test_both_accuracies_are_drawn_with_their_difference():
    pairs = [pair(("mfcc",), "cnn"), pair(("mfcc", "logmel"), "reno", seed=2)]
    figure = leak_figure(pairs, majority=0.25)
    canvas = figure.draw()
    for place, protocol in enumerate(("paper", "speaker")):
        expected = [100 * cells[place].mean("accuracy") for cells in pairs]
        np.testing.assert_allclose(marks(canvas, protocol), expected)
    texts = texts_of(canvas)
    for paper, speaker in pairs:
        drop = 100 * (paper.mean("accuracy") - speaker.mean("accuracy"))
        assert drop > 0
        assert f"+{drop:.1f}" in texts
        assert f"+{drop:.1f}" in figure.caption
    assert {"CNN", "RENO", "mfcc", "mfcc + logmel"} <= set(texts)
    assert "2 of 2 are lower under speaker" in figure.caption


def test_spread_is_one_standard_deviation_to_either_side():
    cells = pair(("mfcc",), "cnn")
    axes = leak_figure([cells], majority=0.25).draw().axes[0]
    spans = [segment[:, 0] for each in axes.collections for segment in each.get_segments()]
    for cell, span in zip(cells, spans, strict=True):
        mean, sd = 100 * cell.mean("accuracy"), 100 * cell.sd("accuracy")
        np.testing.assert_allclose(span, [mean - sd, mean + sd])


def test_a_single_fold_has_no_spread():
    cells = [replace(cell, outcomes=(cell.outcomes[0][:1],)) for cell in pair(("mfcc",), "cnn")]
    axes = leak_figure([tuple(cells)], majority=0.25).draw().axes[0]
    for each in axes.collections:
        ((start, end),) = [segment[:, 0] for segment in each.get_segments()]
        assert start == end


def test_a_score_that_is_higher_without_known_voices_has_a_minus_sign():
    figure = leak_figure([pair(("mfcc",), "cnn", skills=(0.2, 0.9))], majority=0.25)
    assert any(text.startswith("\N{MINUS SIGN}") for text in texts_of(figure.draw()))
    assert "0 of 1 are lower under speaker" in figure.caption


def test_guessing_is_marked():
    axes = leak_figure([pair(("mfcc",), "cnn")], majority=0.3).draw().axes[0]
    assert any(np.allclose(line.get_xdata(), 30) for line in axes.get_lines())


@pytest.mark.parametrize("many", [False, True])
def test_it_can_be_read(many):
    pairs = [((name,), "cnn") for name in (NAMES if many else ("mfcc",))]
    if many:
        pairs += [
            ((one, other), estimator)
            for estimator in ("concat", "reno")
            for i, one in enumerate(NAMES)
            for other in NAMES[i + 1 :]
        ]
    figure = leak_figure([pair(*each, seed=2 * i) for i, each in enumerate(pairs)], majority=0.25)
    canvas = figure.draw()
    assert_legible(canvas)
    assert canvas.get_size_inches()[0] == (7 if many else 3.35)
