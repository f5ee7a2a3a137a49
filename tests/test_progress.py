"""The bar that people watch."""

import pytest

from reno_store import progress
from reno_store.progress import counting


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
