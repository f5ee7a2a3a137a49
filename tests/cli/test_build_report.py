"""What a build prints of clips that failed."""

from pathlib import Path

from reno_cli.build import _print_report

from reno_store.extraction.reports import BuildReport, Failure, ModelReport


def printed(capsys, *failures):
    model = ModelReport("m", 0, 0, tuple(Failure(*each) for each in failures))
    _print_report(BuildReport(Path("s"), "d", len(failures), (model,)))
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("failed")]


def test_clips_with_one_reason_stand_in_one_line(capsys):
    many = [(f"clip{i}", "out of memory") for i in range(1000)]
    assert printed(capsys, *many, ("x", "shorter than one frame")) == [
        "failed: m, 1,000 clips ('clip0', 'clip1', 'clip2', 'clip3', 'clip4' and 995 more): "
        "out of memory",
        "failed: m, clip x: shorter than one frame",
    ]
