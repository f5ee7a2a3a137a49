"""The bar that people watch."""

import io
import sys

import pytest
from rich.console import Console

from reno_store.runtime import progress
from reno_store.runtime.progress import counting


def last_words(capsys, monkeypatch, *, width, seconds):
    """What stands there when 3 of 4 fits are finished."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(progress.Task, "elapsed", seconds)
    with counting("training, emogator", 4, unit="fits", show=True) as counter:
        counter.advance(3)
    return capsys.readouterr().err.strip().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_stands_in_one_line_whole(width, capsys, monkeypatch):
    (line,) = last_words(capsys, monkeypatch, width=width, seconds=36.0)
    assert line.startswith("training, emogator")
    assert " 3/4 5.0 fits/min " in line
    assert line.endswith("left")
    assert ("elapsed" in line) == (width >= 80)
    assert "\N{HORIZONTAL ELLIPSIS}" not in line


def test_the_rate_stays_when_all_is_finished(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(progress.Task, "elapsed", 8.0)
    with counting("fitting", 4, unit="fits", show=True) as counter:
        counter.advance(4)
        counter.rename("scoring")
        monkeypatch.setattr(progress.Task, "elapsed", 99.0)
    assert "scoring" in (line := capsys.readouterr().err)
    assert " 4/4 30.0 fits/min " in line


def test_what_is_quick_is_counted_by_the_second(capsys, monkeypatch):
    (line,) = last_words(capsys, monkeypatch, width=100, seconds=2.0)
    assert " 1.5 fits/s " in line


class TestTimeLeft:
    @pytest.fixture
    def left(self, capsys, monkeypatch):
        """The line with the bar when so many of 4 fits are finished after 30 seconds."""

        def show(finished, **options):
            monkeypatch.setenv("COLUMNS", "100")
            monkeypatch.setattr(progress.Task, "elapsed", 30.0)
            monkeypatch.setattr(progress.Task, "time_remaining", None)
            with counting("training", 4, unit="fits", show=True, **options) as counter:
                counter.advance(finished)
            return capsys.readouterr().err.strip().splitlines()[-1]

        return show

    def test_is_told_from_the_first_piece_on(self, left):
        assert left(1).endswith("0:01:30 left")

    def test_is_a_rough_forecast_before_that(self, left):
        assert left(0, forecast_s=100).endswith("~0:01:10 left")
        assert left(0, forecast_s=10).endswith("~0:00:00 left")
        assert left(1, forecast_s=100).endswith(" 0:01:30 left")

    def test_is_not_known_without_a_forecast(self, left):
        assert left(0).endswith(" -:--:-- left")


def test_what_is_worked_on_stands_below_the_bar_whole(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    file = io.StringIO()
    with counting("training, emogator", 4, unit="fits", show=True) as counter:
        words = "RENO on whisper-base-context-clip + audio-mamba-random, seed 0"
        counter.detail(words)
        Console(file=file, width=60).print(*counter._bar.get_renderables())
        counter.detail("")
        assert len(list(counter._bar.get_renderables())) == 1
    line, *below = file.getvalue().splitlines()
    assert line.startswith("training, emogator")
    assert " ".join(" ".join(below).split()) == words


class TestWithoutATerminal:
    """A log gets a line now and then."""

    @pytest.fixture
    def clock(self, monkeypatch):
        now = [0.0]
        monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
        monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
        return now

    def test_a_line_comes_every_five_minutes(self, clock, capsys):
        with counting("mfcc", 1000, unit="clips", work=2000.0) as counter:
            for n in (100, 100, 50, 0):
                clock[0] += 200.0
                counter.advance(n, work=4.0 * n)
        assert capsys.readouterr().err.splitlines() == [
            "mfcc: 200/1,000 30.0 clips/min 0:10:00 left",
            "mfcc: 250/1,000 18.8 clips/min 0:13:20 left",
        ]

    @pytest.mark.parametrize("show", [None, False])
    def test_notebooks_get_none_nor_does_who_wants_none(self, show, clock, capsys, monkeypatch):
        if show is None:
            monkeypatch.setitem(sys.modules, "ipykernel", object())
        with counting("mfcc", 1000, unit="clips", show=show) as counter:
            clock[0] = 1000.0
            counter.advance(10)
        assert capsys.readouterr().err == ""
