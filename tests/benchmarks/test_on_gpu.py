"""The command that measures on a GPU, run small on the CPU; and what holds its sections apart."""

import importlib
import json
import os
import re
import resource
import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from gpu import profiles
from gpu.results import Record, Row, read_lines, table
from gpu.running import run_process
from gpu.sections import LOADING_LIMIT_S, SECTIONS
from gpu.settings import SMALL, Setting
from torch.autograd import DeviceType

ROOT = Path(__file__).resolve().parents[2]
TINY = replace(
    SMALL,
    mamba_widths={"tiny": 48},
    mamba_depth=1,
    n_clips=6,
    n_looped=3,
    longest_s=1.0,
    n_recordings=6,
    n_rows=40,
    n_cpu_steps=1,
    pairs=((24, 16),),
    grid_pairs=((24, 16),),
    n_grid_rows=32,
)


def run_command(folder, *arguments):
    results = folder / "results.json"
    command = [sys.executable, "benchmarks/on_gpu.py", "--device", "cpu", "--small"]
    ran = subprocess.run(
        [*command, *arguments, "--json", str(results)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
    )
    return ran, json.loads(results.read_text()) if results.exists() else None


def children_seconds():
    """What children have computed: other work on the machine makes none of it longer."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class TestSections:
    @pytest.mark.parametrize(
        "section",
        # The slower ones run in the slow suite, which is run before a GPU is used.
        [
            pytest.param(each, marks=pytest.mark.slow)
            if each.module not in ("fits", "scarcity")
            else each
            for each in SECTIONS
        ],
        ids=lambda section: section.module,
    )
    def test_each_runs_on_a_cpu_and_finds_nothing_wrong(self, tmp_path, section):
        record = Record(tmp_path / "rows", judges_speed=False)
        (tmp_path / "files").mkdir()
        setting = Setting("cpu", TINY, tmp_path / "files", limit_s=600)
        importlib.import_module(f"gpu.{section.module}").run(setting, record)
        _, rows = read_lines(tmp_path / "rows")
        assert rows
        assert [row for row in rows if row.met is False or "failed" in row.numbers] == []

    def test_limits_add_up_to_less_than_eight_minutes(self):
        assert LOADING_LIMIT_S + sum(section.limit_s for section in SECTIONS) < 8 * 60


@pytest.mark.slow
class TestTheCommand:
    def test_it_prints_a_table_and_writes_results(self, tmp_path):
        ran, results = run_command(tmp_path, "--sections", "d")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert results["machine"]["device"] == "cpu"
        section = results["sections"]["d"]
        assert section["state"] == "done"
        for row in section["rows"]:
            assert row["what"] in ran.stdout
        assert "1 of 1 sections done" in ran.stdout

    def test_a_section_beyond_its_limit_costs_itself_alone(self, tmp_path):
        ran, results = run_command(tmp_path, "--sections", "a,b", "--limit", "0.3")
        assert ran.returncode == 1
        states = [section["state"] for section in results["sections"].values()]
        assert states == ["stopped at its limit"] * 2

    def test_an_unknown_section_is_refused(self, tmp_path):
        ran, _ = run_command(tmp_path, "--sections", "a,x")
        assert ran.returncode == 2
        assert "no section 'x'" in ran.stderr

    @pytest.mark.slow
    def test_all_of_it_runs_small_in_three_minutes(self, tmp_path):
        begun = children_seconds()
        ran, results = run_command(tmp_path)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert list(results["sections"]) == [section.letter for section in SECTIONS]
        assert children_seconds() - begun < 180


@pytest.mark.slow
class TestProcesses:
    def test_one_that_hangs_is_stopped_with_its_children_and_keeps_its_rows(self, tmp_path):
        rows, beat = tmp_path / "rows", tmp_path / "beat"
        child = f"import time\nwhile True: open({str(beat)!r}, 'a').write('.'); time.sleep(0.05)"
        program = (
            "import subprocess, sys, time\n"
            f"open({str(rows)!r}, 'w').write('{{\"what\": \"one\"}}\\n')\n"
            f"subprocess.Popen([sys.executable, '-c', {child!r}])\n"
            "print('halfway', flush=True)\ntime.sleep(600)"
        )
        seen = []
        command = [sys.executable, "-c", program]
        ended = run_process(command, tmp_path / "log", 5, lambda: seen.append(read_lines(rows)[1]))
        assert (ended.state, ended.log) == ("stopped at its limit", "halfway")
        assert seen[-1] == [Row("one")]
        size = beat.stat().st_size
        assert size
        time.sleep(0.3)
        assert beat.stat().st_size == size

    def test_one_that_fails_tells_its_last_lines(self, tmp_path):
        command = [sys.executable, "-c", "import os; print('so far', flush=True); os.abort()"]
        ended = run_process(command, tmp_path / "log", 60, lambda: None)
        assert ended.state == "failed"
        assert ended.log.splitlines()[0] == "so far"
        assert ended.log.splitlines()[-1] == "ended by signal 6"


class TestRows:
    def test_a_line_that_is_not_complete_yet_is_left_out(self, tmp_path):
        record = Record(tmp_path / "rows", judges_speed=False)
        record.facts({"card": "none"})
        record("speed", {"clips/s": 1234.5})
        with (tmp_path / "rows").open("a") as file:
            file.write('{"what": "half')
        assert read_lines(tmp_path / "rows") == (
            {"card": "none"},
            [Row("speed", {"clips/s": 1234.5})],
        )

    @pytest.mark.parametrize(("judges", "verdict"), [(True, "no"), (False, "not judged")])
    def test_speed_is_judged_where_it_is_to_be(self, tmp_path, judges, verdict):
        record = Record(tmp_path / "rows", judges_speed=judges)
        record.times("ours", 3.14159, 10)
        record.at_most("ours", "error", float("nan"), 1e-5)
        _, rows = read_lines(tmp_path / "rows")
        speed, error = table(rows).splitlines()[1:]
        assert re.split("  +", speed.strip()) == [
            "ours",
            "3.14 times",
            "at least 10 times",
            verdict,
        ]
        assert re.split("  +", error.strip()) == ["ours", "nan error", "at most 1e-05", "no"]


def of_gpu(name, start, end, **others):
    span = SimpleNamespace(start=start, end=end, elapsed_us=lambda: end - start)
    return SimpleNamespace(name=name, time_range=span, device_type=DeviceType.CUDA, **others)


def test_a_gpu_is_busy_where_kernels_or_copies_run_and_copies_are_no_launches():
    events = [
        of_gpu("gemm", 0, 400_000),
        of_gpu("gemm", 300_000, 500_000),
        of_gpu("Memcpy HtoD", 600_000, 700_000),
        of_gpu("a region that somebody named", 0, 900_000, is_user_annotation=True),
        SimpleNamespace(name="cudaLaunchKernel", device_type=DeviceType.CPU),
    ]
    seen = profiles._of_cuda(events, 1.0)
    assert (seen.n_launches, seen.busy_s, seen.computing_s) == (2, 0.6, 0.5)
    assert [(name, count) for name, _, count in seen.largest] == [("gemm", 2), ("Memcpy HtoD", 1)]
    assert seen.largest[0][1] == pytest.approx(0.6)


def test_every_dependency_is_collected_or_on_the_machine():
    """Of those that wheels require, gpu_wheels.sh itself makes sure."""
    script = (ROOT / "benchmarks" / "gpu_wheels.sh").read_text()
    lists = re.findall(r"^(?:wheels|there)=\(([^)]*)\)", script, re.MULTILINE)
    names = {name for each in lists for name in each.split()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {re.split(r"[<>=!~ \[;]", line)[0] for line in project["dependencies"]}
    assert len(lists) == 2
    assert required <= names
