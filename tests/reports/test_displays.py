"""Figures of a study for notebooks and scripts, as scikit-learn's displays."""

import matplotlib as mpl
import pytest
from factories.made_up_studies import LABELS, make_study
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reno_store.errors import RenoStoreError, UnknownNameError
from reno_store.reports.displays import ConfusionDisplay, ScoresDisplay
from reno_store.studies.scores import METRICS


@pytest.fixture(scope="module")
def study():
    return make_study(lacking=("mfcc",))


@pytest.fixture
def pyplot():
    import matplotlib.pyplot as plt

    with mpl.rc_context():
        plt.switch_backend("agg")
        yield plt
        plt.close("all")


def own_axes():
    figure = Figure(figsize=(8, 4))
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def marks_of(axes, protocol):
    return [line for line in axes.lines if line.get_label() == protocol]


def test_a_new_figure_is_one_that_pyplot_shows(study, pyplot):
    before = dict(mpl.rcParams)
    display = study.plot_scores()
    assert isinstance(display, ScoresDisplay)
    assert display.figure_ is pyplot.gcf()
    assert display.ax_ in display.figure_.axes
    other = study.plot_confusion()
    assert pyplot.get_fignums() == [1, 2]
    assert other.figure_.get_suptitle() == "RENO on audio-mamba-tiny + wav2vec2-base, speaker"
    assert dict(mpl.rcParams) == before


def test_what_a_backend_sets_when_it_is_loaded_stays(study, pyplot, monkeypatch):
    # As that of notebooks does, without which they do not show figures.
    monkeypatch.setattr(pyplot, "draw_if_interactive", lambda: mpl.interactive(True))
    for plot in (study.plot_scores, study.plot_confusion):
        mpl.interactive(False)
        plot()
        assert mpl.is_interactive()


@pytest.mark.parametrize("metric", METRICS)
def test_scores_are_drawn_in_order_with_their_intervals(study, metric):
    figure, axes = own_axes()
    display = study.plot_scores(metric=metric, ax=axes)
    assert (display.ax_, display.figure_) == (axes, figure)
    board = study.leaderboard(protocol="speaker", metric=metric)
    drawn = [line.get_xdata()[0] for line in marks_of(axes, "speaker")]
    assert drawn == pytest.approx((100 * board[metric]).tolist())
    lines = [each for each in axes.collections if each.get_gid() == "speaker"]
    ends = [each.get_segments()[0][:, 0].tolist() for each in lines]
    assert ends == [pytest.approx(each) for each in (100 * board[["low", "high"]]).to_numpy()]
    assert len(marks_of(axes, "paper")) == len(drawn)


def test_scores_of_one_protocol(study):
    _, axes = own_axes()
    study.plot_scores(protocol="paper", ax=axes)
    assert not marks_of(axes, "speaker")
    drawn = [line.get_xdata()[0] for line in marks_of(axes, "paper")]
    assert drawn == sorted(drawn, reverse=True)


def test_the_confusion_is_that_of_the_best_cell_that_matches(study):
    board = study.leaderboard(protocol="speaker")
    for wanted in ({}, {"estimator": "fcn"}, {"models": "wav2vec2-base"}):
        _, axes = own_axes()
        display = study.plot_confusion(**wanted, ax=axes)
        rows = board
        for name, value in wanted.items():
            rows = rows[rows[name] == value]
        best = rows.iloc[0]
        assert (display.cell.estimator, "+".join(display.cell.models)) == (
            best.estimator,
            best.models,
        )
        counts = display.cell.confusion().to_numpy()
        shown = [text.get_text().split("\n")[0] for text in axes.texts]
        assert shown == [str(n) for n in counts.ravel()]
        assert [label.get_text() for label in axes.get_xticklabels()] == list(LABELS)


def test_a_display_can_be_drawn_again_on_other_axes(study):
    first, second = own_axes()[1], own_axes()[1]
    display = ConfusionDisplay.from_study(study, protocol="paper", ax=first)
    assert display.plot(ax=second) is display
    assert display.ax_ is second
    assert [t.get_text() for t in first.texts] == [t.get_text() for t in second.texts]


@pytest.mark.parametrize(
    "names", [{"protocol": "speakr"}, {"estimator": "rneo"}, {"models": "wav2vec2-bas"}]
)
def test_a_mistyped_name_is_reported(study, names):
    with pytest.raises(UnknownNameError, match="did you mean"):
        study.plot_confusion(**names)


def test_what_cannot_be_drawn_is_an_error(study):
    with pytest.raises(RenoStoreError, match=r"Computed are: .*RENO on audio-mamba-tiny"):
        study.plot_confusion(estimator="reno", models="wav2vec2-base")
    with pytest.raises(RenoStoreError, match="jnv, vivae") as error:
        make_study(datasets=("jnv", "vivae")).plot_scores()
    assert error.value.remedies[0].arguments == {"dataset": ...}
    nothing = make_study(estimators=("fcn",), lacking=[m.name for m in study.models])
    with pytest.raises(RenoStoreError, match="no results"):
        nothing.plot_scores(dataset="jnv")
