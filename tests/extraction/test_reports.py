"""What a notebook shows of a build."""

from pathlib import Path

from reno_store.extraction.reports import BuildReport, Failure, ModelReport


def test_a_notebook_shows_each_model_and_why_clips_failed():
    failures = (Failure("c7", "<i>no audio</i>"), Failure("c9", "too short"))
    models = (ModelReport("mfcc", 1200, 34, failures, seconds=5.25), ModelReport("logmel", 0, 3))
    report = BuildReport(Path("a/my.zarr"), "cries", 1236, models, duplicates=(("c1", "c2"),))
    shown = report._repr_html_()
    assert "Build of my.zarr: cries, 1,236 clips" in shown
    row = '</td><td class="number">'.join(["<td>mfcc", "1,200", "34", "2", "5.2"])
    assert row in shown
    assert "2 failed" in shown
    assert "&lt;i&gt;no audio" in shown
    assert "c1, c2" in shown
    assert "Interrupted" not in shown


def test_an_interrupted_build_is_shown_as_such():
    assert "Interrupted" in BuildReport(Path("s"), "d", 0, (), interrupted=True)._repr_html_()
