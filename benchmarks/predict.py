# ruff: noqa: T201
"""Prediction compared with a build: the same recordings, the same models, one run.

``reno-store predict`` embeds recordings as ``reno-store build`` does and classifies them; a build
hashes them and writes a store. Both run as commands, each in its own process, in turn. The
recognizer is trained on part of the recordings, with labels that mean nothing.

    python benchmarks/predict.py --audio FOLDER
    python benchmarks/predict.py --audio FOLDER --files 500 --models mfcc logmel --rounds 3
    python benchmarks/predict.py                 noises of 0.3 to 4 seconds
"""

from __future__ import annotations

import argparse
import csv
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from reno_store import build_store, save_recognizer, train_recognizer
from reno_store.recognition import find_recordings

_CLI = (sys.executable, "-c", "from reno_cli.main import main; main()")
_N_TRAINED = 40


def make_recordings(folder: Path, n_files: int) -> None:
    """Write noises, most of them short, as vocalizations are."""
    random = np.random.default_rng(0)
    folder.mkdir()
    for number in range(n_files):
        seconds = 0.3 + 3.7 * random.beta(1.2, 3.5)
        noise = random.normal(0, 0.1, int(seconds * 44_100))
        soundfile.write(folder / f"{number:05}.wav", noise, 44_100)


def write_manifest(path: Path, files: list[Path], folder: Path) -> None:
    """Write a manifest with two labels in turn."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["clip_id", "path", "label", "speaker"])
        for number, each in enumerate(files):
            place = each.relative_to(folder).as_posix()
            rows.writerow([f"clip{number}", place, "ab"[number % 2], ""])


def seconds_of(*words: object) -> tuple[float, float]:
    """Run a command of reno-store; return its time and the time of its processors."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*_CLI, *map(str, words)], check=True, capture_output=True)  # noqa: S603
    elapsed, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--audio", type=Path, help="a folder of recordings")
    parser.add_argument("--files", type=int, default=300, help="how many")
    parser.add_argument("--models", nargs="+", default=["mfcc", "logmel"])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        if given.audio is None:
            make_recordings(work / "audio", given.files)
        folder = (given.audio or work / "audio").resolve()
        files = [each.path for each in find_recordings([folder])][: given.files]
        for manifest, some in (("all.csv", files), ("train.csv", files[:_N_TRAINED])):
            write_manifest(work / manifest, some, folder)
        models = [word for model in given.models for word in ("--model", model)]
        audio = ("--audio-folder", folder)
        build_store(
            work / "train.csv", work / "t.zarr", given.models, dataset="t", audio_folder=folder
        )
        recognizer = train_recognizer(
            work / "t.zarr",
            "t",
            [model.partition("=")[0] if "=" in model else model for model in given.models],
            estimator="reno" if len(given.models) > 1 else "fcn",
            settings={"max_epochs": 1},
            scores=False,
        )
        save_recognizer(recognizer, work / "recognizer")
        times: dict[str, list[tuple[float, float]]] = {"build": [], "predict": []}
        for number in range(given.rounds):
            store = work / f"{number}.zarr"
            times["build"].append(
                seconds_of("build", work / "all.csv", *audio, *models, "--store", store)
            )
            times["predict"].append(
                seconds_of(
                    *("predict", work / "recognizer", work / "all.csv", *audio),
                    *("-o", work / f"{number}.csv"),
                )
            )
    # The processors' time says more on a machine that others use too.
    for place, kind in enumerate(("elapsed", "of processors")):
        medians = {
            what: statistics.median(each[place] for each in pairs) for what, pairs in times.items()
        }
        for what, median in medians.items():
            print(f"{what}: {median:.2f} s {kind}, {len(files) / median:.1f} recordings/s")
        print(f"throughput of predict / build: {medians['build'] / medians['predict']:.2f}")


if __name__ == "__main__":
    main()
