"""Maps of embeddings: what they rest on, what is drawn, and what they say of themselves."""

import numpy as np
import pytest
from factories.legibility import assert_legible, texts_of
from matplotlib.collections import PathCollection

from reno_store.errors import RenoStoreError
from reno_store.reports.figures import map_figure, maps
from reno_store.reports.figures.neighbours import (
    agree,
    embed_in_plane,
    perplexity_for,
    standardize,
    subsample,
)


def clips(n=60, n_labels=3, n_speakers=4, dim=20, by_label=3.0, by_speaker=0.0, seed=0):
    """Embeddings around a centre for each label and for each speaker."""
    rng = np.random.default_rng(seed)
    labels, speakers = np.arange(n) % n_labels, (np.arange(n) // n_labels) % n_speakers
    X = rng.normal(size=(n, dim))
    X += by_label * rng.normal(size=(n_labels, dim))[labels]
    X += by_speaker * rng.normal(size=(n_speakers, dim))[speakers]
    names = np.array([f"speaker {i:02d}" for i in range(n_speakers)])[speakers]
    return (
        X.astype(np.float32),
        np.array([f"label {i:02d}" for i in range(n_labels)])[labels],
        names,
    )


def make_map(*arrays, **others):
    return map_figure(*arrays, **{"dataset": "jnv", "model": "mfcc"} | others)


def points(axes):
    """Points by series: name -> array (n, 2)."""
    found = {}
    for collection in axes.collections:
        if isinstance(collection, PathCollection):
            name = collection.get_gid() or collection.get_label()
            found.setdefault(name, []).append(np.asarray(collection.get_offsets()))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def as_set(rows):
    return {tuple(row) for row in np.round(np.asarray(rows, np.float64), 4).tolist()}


def test_nearest_neighbours_are_counted_without_the_clip_itself_and_beside_chance():
    X = np.array([[0.0], [0.1], [5.0], [5.3], [9.0]], np.float32)
    found = agree(X, np.array(["a", "a", "a", "b", "b"]))
    assert found.share == pytest.approx(3 / 5)  # 0-1, 1-0 and 9.0-5.3 agree
    assert found.chance == pytest.approx((3 * 2 + 2 * 1) / (5 * 4))


def test_clips_of_unknown_speakers_are_neither_asked_nor_neighbours():
    X = np.array([[0.0], [0.1], [0.3], [9.0]], np.float32)
    found = agree(X, np.array(["a", "", "a", "b"]))
    assert (found.n_clips, found.share) == (3, pytest.approx(2 / 3))
    assert agree(X, np.array(["a", "", "", ""])) is None


def test_twins_are_each_others_neighbours():
    found = agree(np.zeros((4, 3), np.float32), np.array(["a"] * 4))
    assert (found.share, found.chance) == (1.0, 1.0)


def test_columns_are_standardised_and_constant_ones_do_not_matter():
    X = np.array([[1e6, 0.1, 0], [1e6, 0.2, 1], [1e6, 0.3, 5]], np.float32)
    scaled = standardize(X)
    assert scaled[:, 0].tolist() == [0, 0, 0]
    np.testing.assert_allclose(scaled[:, 1:].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled[:, 1:].std(axis=0), 1, rtol=1e-6)


def test_a_large_column_does_not_outweigh_the_others():
    X, y, groups = clips(by_label=4.0)
    X = np.column_stack([X, 1e6 * np.random.default_rng(1).normal(size=len(X))]).astype("f4")
    assert "its label in 100 % (" in make_map(X, y, groups).caption


def test_a_subsample_keeps_each_labels_share_and_rare_labels():
    y = np.array(["often"] * 900 + ["seldom"] * 99 + ["once"])
    rows = subsample(y, 100, seed=0)
    names, counts = np.unique(y[rows], return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {
        "often": 90,
        "once": 1,
        "seldom": 9,
    }
    assert len(set(rows.tolist())) == 100
    assert (subsample(y, 100, seed=0) == rows).all()
    assert (subsample(y, 100, seed=1) != rows).any()
    assert subsample(y, 1000, seed=0).tolist() == list(range(1000))


def test_perplexity_is_30_or_what_the_clips_allow():
    assert [perplexity_for(n) for n in (4, 31, 1_000)] == [1.0, 10.0, 30.0]


@pytest.mark.parametrize(("n", "dim"), [(4, 1), (5, 3), (70, 60)])
def test_any_width_and_few_clips_can_be_laid_out_twice_the_same(n, dim):
    X = standardize(np.random.default_rng(0).normal(size=(n, dim)).astype(np.float32))
    plane = embed_in_plane(X, 0)
    assert plane.shape == (n, 2)
    assert np.isfinite(plane).all()
    assert (embed_in_plane(X, 0) == plane).all()


def test_clips_that_are_all_the_same_can_be_laid_out():
    assert np.isfinite(embed_in_plane(np.zeros((12, 5), np.float32), 0)).all()


def test_both_panels_show_the_same_points_by_label_and_by_speaker():
    X, y, groups = clips()
    by_label, by_speaker = make_map(X, y, groups).draw().axes
    labels, speakers = points(by_label), points(by_speaker)
    assert set(labels) == set(y.tolist())
    assert set(speakers) == set(groups.tolist())
    plane = embed_in_plane(standardize(X), 0)
    for name in labels:
        assert as_set(labels[name]) == as_set(plane[y == name])
    for name in speakers:
        assert as_set(speakers[name]) == as_set(plane[groups == name])


def test_series_differ_by_marker_and_by_colour():
    X, y, groups = clips(n_labels=8, n=80)
    axes = make_map(X, y, groups).draw().axes[0]
    handles = axes.get_legend().legend_handles
    assert len({handle.get_marker() for handle in handles}) == 8
    assert len({handle.get_markerfacecolor() for handle in handles}) == 8
    for collection in axes.collections:
        shown = next(h for h in handles if h.get_label() == collection.get_label())
        assert collection.get_facecolor()[0][:3] == pytest.approx(
            tuple(int(shown.get_markerfacecolor()[i : i + 2], 16) / 255 for i in (1, 3, 5))
        )


def test_the_caption_says_what_label_and_speaker_are_worth_beside_chance():
    X, y, groups = clips(n=120, by_label=0.0, by_speaker=5.0)
    figure = make_map(X, y, groups, seed=3)
    assert "its speaker in 100 % (chance 24 %)" in figure.caption
    assert "(chance 33 %)" in figure.caption
    assert "perplexity 30, seed 3" in figure.details


def test_of_many_speakers_the_most_frequent_have_colours_and_the_others_are_grey():
    X, y, groups = clips(n=300, n_speakers=60)
    groups = groups.copy()
    groups[:30] = "speaker 59"
    figure = make_map(X, y, groups)
    speakers = points(figure.draw().axes[1])
    named = set(speakers) - {"others"}
    assert len(named) == 8
    assert "speaker 59" in named
    n_named = sum(int((groups == name).sum()) for name in named)
    assert len(speakers["others"]) == 300 - n_named
    assert "Of 60 speakers the 8 with the most clips have colours" in figure.details
    assert "52 other speakers" in texts_of(figure.draw())


def test_clips_of_unknown_speakers_are_grey_and_counted():
    X, y, groups = clips()
    groups = groups.copy()
    groups[:7] = ""
    figure = make_map(X, y, groups)
    assert len(points(figure.draw().axes[1])["others"]) == 7
    assert "The speakers of 7 clips are not known" in figure.details


@pytest.mark.parametrize("unknown", [None, np.full(60, "", np.str_)])
def test_without_speakers_there_is_one_panel_that_says_so(unknown):
    X, y, _ = clips()
    figure = make_map(X, y, unknown)
    assert len(figure.draw().axes) == 1
    assert "Speakers are not known" in figure.details
    assert "its speaker" not in figure.caption


def test_of_too_many_clips_a_share_is_drawn_and_said(monkeypatch):
    monkeypatch.setattr(maps, "MOST_CLIPS", 30)
    X, y, groups = clips()
    figure = make_map(X, y, groups)
    assert sum(map(len, points(figure.draw().axes[0]).values())) == 30
    assert "30 clips (of 60, chosen at random so that each label keeps its share)" in figure.caption


def test_tsne_runs_once_however_often_it_is_drawn():
    runs = []
    figure = make_map(*clips(), lay_out=lambda X, seed: runs.append(seed) or X[:, :2])
    assert runs == []
    figure.draw()
    figure.draw()
    assert runs == [0]


@pytest.mark.parametrize(("n_labels", "n_speakers"), [(2, 2), (13, 12), (30, 60)])
def test_legends_can_be_read(n_labels, n_speakers):
    X, y, groups = clips(n=240, n_labels=n_labels, n_speakers=n_speakers)
    y = np.array([f"{label}, and more than fits into a line of a legend" for label in y])
    long = "a-model-with-a-long-name"
    canvas = make_map(X, y, groups, model=long, lay_out=lambda X, seed: X[:, :2]).draw()
    assert_legible(canvas)
    assert canvas.get_size_inches()[0] == 7


def test_fewer_than_four_clips_are_refused():
    X, y, groups = clips(n=3)
    with pytest.raises(
        RenoStoreError, match="map of jnv by mfcc: expected at least 4 clips, got 3"
    ):
        make_map(X, y, groups)
