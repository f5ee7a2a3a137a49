"""Tables of every command at the widths of terminals: nothing is cut."""

import io
import re

import pytest
from click.testing import CliRunner
from factories.made_up_grids import make_grid
from factories.odd_studies import make_study, make_study_with_svm, rename
from factories.scored_studies import scored_cell, study_of
from reno_cli import printing
from reno_cli.main import main
from rich.console import Console

from reno_store.reports.tables import study_renderable
from reno_store.reports.tables.views import evaluation_renderable, grid_renderable
from reno_store.runtime.columns import FittedTable, TableColumn

WIDTHS = [80, 100, 120]
LONG = ("unispeech-sat-base", "audio-mamba-base")


def show(renderable, width):
    file = io.StringIO()
    Console(file=file, width=width).print(renderable)
    return file.getvalue()


def headings(text, first):
    """The words of the first line that begins with a word."""
    return next(line for line in text.splitlines() if line.startswith(first)).split()


def assert_whole(text, width):
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert max(map(len, text.splitlines())) <= width


class TestFittedTable:
    TABLE = FittedTable(
        [
            TableColumn("name", wraps=True),
            TableColumn("one", numeric=True, spare=2),
            TableColumn("two", numeric=True, spare=1),
            TableColumn("three", numeric=True),
        ],
        [["a-name", "1.00", "2.00", "3.00"]],
        elsewhere="--json",
    )

    @pytest.mark.parametrize(
        ("width", "shown", "left_out"),
        [
            (80, "name one two three", None),
            (23, "name two three", "one"),
            (17, "name three", "one, two"),
        ],
    )
    def test_spare_columns_go_first_and_are_named(self, width, shown, left_out):
        text = show(self.TABLE, width)
        assert headings(text, "name") == shown.split()
        told = " ".join(text.split())
        note = f"Not shown at this width: {left_out}. See --json."
        assert (note in told) if left_out else ("Not shown" not in told)

    def test_names_are_wrapped_when_no_column_is_left_to_spare(self):
        text = show(self.TABLE, 11)
        assert headings(text, "name") == ["name", "three"]
        first, second = text.splitlines()[1:3]
        assert first.split() == ["a-na", "3.00"]
        assert second.split() == ["me"]

    def test_names_are_no_markup(self):
        table = FittedTable([TableColumn("[x]")], [["[bold]"]], elsewhere="")
        assert "[bold]" in show(table, 80)


def comparison(n_folds):
    scores = [0.512] * n_folds
    return study_of(
        scored_cell(LONG[:1], "KNeighborsClassifier", scores), scored_cell(LONG, "reno", scores)
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("n_folds", [5, 12, 30])
def test_evaluate_keeps_estimator_models_score_and_mean(width, n_folds):
    text = show(evaluation_renderable(comparison(n_folds)), width).partition("\n\nBest on")[0]
    assert_whole(text, width)
    shown = headings(text, "estimator")
    assert shown[:3] == ["estimator", "models", "score"]
    assert "mean" in shown
    squeezed = "".join(text.split())
    for name in (*LONG, "KNeighborsClassifier"):
        assert name in squeezed or name in text
    assert text.count("51.2") in {2, 2 * (n_folds + 1)}  # every fold, or none
    assert ("fold" in " ".join(shown)) == (f"fold {n_folds}" in text.split("Not shown")[0])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("model", ["mfcc", LONG[0]])
def test_tables_keep_names_accuracy_and_macro_f1(width, model):
    study = rename(make_study_with_svm(seeds=(0, 1)), {"mfcc": model})
    text = show(study_renderable(study), width)
    assert_whole(text, width)
    assert model in text
    for heading in ("accuracy", "macro-F1"):
        assert heading in text


def test_tables_leave_n_out_first():
    study = make_study()
    widest = show(study_renderable(study), 200)
    needed = max(
        len(line.rstrip())
        for line in widest.splitlines()
        if re.search(r"\d ± .*\d$", line.rstrip())
    )
    text = show(study_renderable(study), needed - 1)
    assert "Not shown at this width: n. See the Markdown form." in " ".join(text.split())


@pytest.mark.parametrize("width", WIDTHS)
def test_grid_keeps_points_and_accuracy(width):
    text = show(grid_renderable(make_grid()), width)
    assert_whole(text, width)
    assert headings(text.replace(" rank", "rank"), "rank")[:5] == [
        "rank",
        "β",
        "δ",
        "λ",
        "accuracy",
    ]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("words", [["models"], ["datasets"]])
def test_commands_at_the_width_of_a_terminal(width, words, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(printing, "is_terminal", lambda: True)
    text = CliRunner().invoke(main, words).output
    assert_whole(text, width)
    if words == ["models"]:
        assert headings(text, "model")[0] == "model"
        for name in ("unispeech-sat-base", "audio-mamba-small"):
            assert re.search(rf"^ *{name} ", text, re.MULTILINE)
