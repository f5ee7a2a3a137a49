# ruff: noqa: T201
"""Measure everything that is owed on a GPU, by one command, in at most 8 minutes.

    python benchmarks/on_gpu.py --json results.json
    python benchmarks/on_gpu.py --sections a,b
    python benchmarks/on_gpu.py --device cpu --small     the same code, small, for a check

Sections, the most valuable first:

a  correctness: exact batches, Audio-Mamba, a fit and a stack, against what they should be
b  extraction: ours beside a loop over clips and padded batches, in three precisions
c  a whole build: how busy the GPU is, and what it waits for
d  a fit of RENO, on the GPU and on one CPU thread
e  a grid of 625 fits: stacks beside single fits
f  too little memory: batches and stacks are halved

Each section runs in a separate process and is stopped at its time limit, so a crash or a slow
part affects that section alone. With ``--json`` the file is written again each time that rows
were measured, so a run that is killed keeps them. Rows show their goal and whether it is met.
Goals of speed are judged only in full size on a GPU. The exit code is 1 if a section failed,
was stopped, or missed a goal of correctness; speed does not affect it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from gpu.results import Record, Row, read_lines, table
from gpu.running import run_process
from gpu.sections import LOADING_LIMIT_S, SECTIONS, Section

FORMAT = 1


def main() -> None:
    """Read the arguments and run."""
    letters = ",".join(section.letter for section in SECTIONS)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto", help="cuda, cpu or auto")
    parser.add_argument("--small", action="store_true", help="small everywhere, for a check")
    parser.add_argument("--sections", default=letters, help=f"which ones; by default {letters}")
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--limit", type=float, help="seconds for each section; else its own")
    parser.add_argument("--rows-to", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    chosen = [section for section in SECTIONS if section.letter in arguments.sections.split(",")]
    unknown = set(arguments.sections.split(",")) - {section.letter for section in chosen}
    if unknown:
        parser.error(f"--sections: no section {min(unknown)!r}; expected some of {letters}")
    if arguments.rows_to:
        (section,) = chosen
        run_here(section, arguments)
    else:
        sys.exit(run_all(chosen, arguments))


def run_all(sections: list[Section], arguments: argparse.Namespace) -> int:
    """Run sections one after another, each in a process; return the exit code."""
    begun = time.monotonic()
    # Whatever is needed is made here: nothing is to wait for a network, or draw bars.
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    os.environ["KINETO_LOG_LEVEL"] = "4"  # errors alone
    results: dict[str, Any] = {
        "format": FORMAT,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python", "benchmarks/on_gpu.py", *sys.argv[1:]]),
        "commit": commit(),
        "machine": {},
        "sections": {},
    }
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and the section with it
    sys.stdout.reconfigure(line_buffering=True)
    if arguments.device != "cpu":
        load_libraries()
    for section in sections:
        run_section(section, arguments, results)
    print("\n" + ", ".join(f"{name} {value}" for name, value in results["machine"].items()))
    print(f"{summary(results)}; {time.monotonic() - begun:.0f} s in all")
    are_done = all(each["state"] == "done" for each in results["sections"].values())
    return 0 if are_done and not any(row.met is False for row in judged(results, "a", "f")) else 1


def load_libraries() -> None:
    """Load all libraries once, so that the first section need not wait for a cold disk."""
    program = "import skorch, sklearn.model_selection, torch, transformers, zarr"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", program]
        ended = run_process(command, Path(folder) / "log", LOADING_LIMIT_S, lambda: None)
    print(f"libraries loaded: {ended.state} after {ended.seconds:.1f} s\n{ended.log}".rstrip())


def run_section(section: Section, arguments: argparse.Namespace, results: dict[str, Any]) -> None:
    """Run a section in a process, and add to the results what it measures."""
    # Small, all is a check, perhaps on a machine that has other work.
    limit_s = arguments.limit or section.limit_s * (4 if arguments.small else 1)
    print(f"\n{section.letter}  {section.title}", flush=True)
    found: dict[str, Any] = {"title": section.title, "state": "running"}
    results["sections"][section.letter] = found
    with tempfile.TemporaryDirectory() as folder:
        rows_to, log = Path(folder) / "rows.jsonl", Path(folder) / "log"
        command = [sys.executable, __file__, "--sections", section.letter]
        command += ["--device", arguments.device, "--rows-to", str(rows_to)]
        command += ["--limit", str(limit_s), *(["--small"] if arguments.small else [])]
        n_rows = -1

        def take_rows() -> list[Row]:
            nonlocal n_rows
            facts, rows = read_lines(rows_to)
            if len(rows) > n_rows:
                n_rows = len(rows)
                results["machine"] = results["machine"] or facts
                found["rows"] = [asdict(row) for row in rows]
                write(results, arguments.json)
            return rows

        ended = run_process(command, log, limit_s, take_rows)
        rows = take_rows()
    found |= {"state": ended.state, "seconds": round(ended.seconds, 1), "limit_s": limit_s}
    if ended.log:
        found["log"] = ended.log
    write(results, arguments.json)
    if rows:
        print(table(rows))
    if ended.log:
        print("\n".join(f"  | {line}" for line in ended.log.splitlines()))
    print(f"  {ended.state} after {ended.seconds:.1f} s of {limit_s:g}", flush=True)


def run_here(section: Section, arguments: argparse.Namespace) -> None:
    """Run a section in this process, which is its own."""
    import torch
    from gpu.machine import facts
    from gpu.settings import FULL, SMALL, Setting

    device = arguments.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    elif device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit(f"device {device!r} is not there: torch {torch.__version__} sees no CUDA GPU.")
    folder = Path(tempfile.mkdtemp(dir=arguments.rows_to.parent))
    size = SMALL if arguments.small else FULL
    # After so few epochs a network has seldom learned anything.
    warnings.filterwarnings("ignore", ".* has collapsed")
    if arguments.small:  # threads would wait for one another longer than they compute
        torch.set_num_threads(1)
    setting = Setting(device, size, folder, arguments.limit)
    record = Record(arguments.rows_to, judges_speed=setting.judges_speed)
    record.facts(facts(device))
    try:
        import_module(f"gpu.{section.module}").run(setting, record)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def judged(results: dict[str, Any], *letters: str) -> list[Row]:
    """Return the rows of some sections whose goal was judged."""
    found = [results["sections"].get(letter, {}).get("rows", []) for letter in letters]
    return [Row(**row) for rows in found for row in rows if row["met"] is not None]


def summary(results: dict[str, Any]) -> str:
    """Say in a line how many goals are met."""
    rows = judged(results, *results["sections"])
    states = [each["state"] for each in results["sections"].values()]
    return (
        f"{states.count('done')} of {len(states)} sections done, "
        f"{sum(bool(row.met) for row in rows)} of {len(rows)} judged goals met"
    )


def write(results: dict[str, Any], path: Path | None) -> None:
    """Write all that is known so far, whole or not at all."""
    if path is not None:
        beside = path.with_name(f".{path.name}.part")
        beside.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
        beside.replace(path)


def commit() -> str:
    """Return the commit that is measured, if git knows it."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


if __name__ == "__main__":
    main()
