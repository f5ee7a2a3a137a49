"""examples/ as a newcomer runs them: as programs, on the demo's recordings and store."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import image

import reno_store as rs
from reno_store.foundation_models.testing import FoundationModelContract

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name, *words, expect=0):
    command = [sys.executable, EXAMPLES / name, *words]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, encoding="utf-8", env=environment
    )
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Warning" not in done.stderr, done.stderr
    return done.stdout


def definitions_of(name):
    return runpy.run_path(str(EXAMPLES / name), run_name="example")


class TestOwnFolder:
    def test_a_folder_goes_all_the_way_to_a_table_and_to_mistakes(self, demo_folder, tmp_path):
        demo = demo_folder / "reno-demo"
        words = [demo / "recordings", "--estimator", "logreg", "--folds", 4, "--repeats", 2]
        shown = run("own_folder.py", *words, "--output", tmp_path / "out")
        assert "240 clips, 6 labels, 8 speakers" in shown
        assert "mfcc: 240 new, 0 reused" in shown

        made = pd.read_csv(tmp_path / "out" / "mine.csv")
        truth = pd.read_csv(demo / "synthetic.csv").set_index("clip_id")
        names = made["path"].map(lambda path: Path(path).stem)
        assert made["speaker"].tolist() == truth.loc[names, "speaker"].tolist()
        assert made["label"].tolist() == truth.loc[names, "label"].tolist()

        scores = pd.read_csv(tmp_path / "out" / "scores.csv")
        assert set(scores["protocol"]) == {"paper", "speaker"}
        assert len(scores) == 2 * 3 * 4  # protocols, mfcc and logmel and both, folds
        both = scores[(scores["protocol"] == "speaker") & (scores["models"] == "mfcc+logmel")]
        mean, sd = 100 * both["accuracy"].mean(), 100 * both["accuracy"].std()
        assert f"{mean:.1f} ± {sd:.1f}" in shown

        mistakes = pd.read_csv(tmp_path / "out" / "confused-clips.csv")
        assert mistakes["times_wrong"].between(1, 2).all()
        assert (mistakes["label"] != mistakes["mostly_taken_for"]).all()
        assert f"{len(mistakes)} of 240 clips are mistaken at least once" in shown
        assert f"  {mistakes['clip_id'][0]}: {mistakes['times_wrong'][0]} of 2 times" in shown

    @pytest.mark.slow
    def test_unknown_speakers_leave_the_papers_folds(self, demo_folder, tmp_path):
        for label in ("anger", "fear"):
            shutil.copytree(
                demo_folder / "reno-demo" / "recordings" / label, tmp_path / "mine" / label
            )
        words = ["--estimator", "logreg", "--repeats", 1, "--speaker-pattern", "(?P<speaker>x)"]
        output = tmp_path / "mine" / "out"
        shown = run("own_folder.py", tmp_path / "mine", *words, "--output", output)
        assert "not every clip's speaker is known" in shown
        assert set(pd.read_csv(output / "scores.csv")["protocol"]) == {"paper"}
        again = run("own_folder.py", tmp_path / "mine", *words, "--output", output)
        assert "mfcc: 0 new, 80 reused" in again


@pytest.mark.slow
class TestGridSurface:
    def test_the_grid_is_searched_written_and_drawn(self, demo_folder, tmp_path):
        words = ["--beta", "2,1.5", "--delta", "0.2,0.8", "--lam", "0.4", "--epochs", 2]
        shown = run(
            "grid_surface.py",
            demo_folder / "reno-demo" / "embeddings.zarr",
            *words,
            *("--folds", 2, "--output", tmp_path / "out"),
        )
        assert "4 points of the grid, 2 speaker-disjoint folds" in shown
        grid = pd.read_csv(tmp_path / "out" / "grid.csv")
        points = set(zip(grid["beta"], grid["delta"], grid["lam"], strict=True))
        assert points == {(1.5, 0.2, 0.4), (1.5, 0.8, 0.4), (2, 0.2, 0.4), (2, 0.8, 0.4)}
        folds = grid[["fold_1", "fold_2"]]
        assert np.allclose(grid["mean"], folds.mean(axis=1))
        assert np.allclose(grid["sd"], folds.std(axis=1))
        best = grid.loc[grid["mean"].idxmax()]
        assert (
            f"best:   β {best['beta']:g}, δ {best['delta']:g}, λ 0.4: {best['mean']:.1f}" in shown
        )
        assert "paper:  β 2, δ 0.2, λ 0.4" in shown

        picture = tmp_path / "out" / "surface.png"
        assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        assert image.imread(picture)[..., :3].std() > 0.1
        assert (tmp_path / "out" / "surface.pdf").read_bytes().startswith(b"%PDF-")

    @pytest.mark.parametrize(
        ("spread_over_folds", "verdict"), [(8.0, "is within"), (1.0, "exceeds")]
    )
    def test_the_verdict_follows_from_both_spreads(self, capsys, spread_over_folds, verdict):
        half = spread_over_folds / np.sqrt(2)
        means = np.array([60.0, 62.0, 64.0])
        grid = pd.DataFrame(
            {"beta": [1.5, 2.0, 3.0], "delta": 0.2, "lam": 0.4, "mean": means}
            | {"sd": spread_over_folds, "fold_1": means - half, "fold_2": means + half}
        )
        definitions_of("grid_surface.py")["print_findings"](grid, 2)
        shown = capsys.readouterr().out
        assert f"The spread over the grid {verdict} the spread over the folds" in shown
        assert "best minus paper, over the same folds: +2.0 points; better in 2 of 2 folds" in shown

    def test_the_papers_point_is_framed_and_every_mean_stands_in_its_place(self):
        values = {"beta": [1.5, 2.0], "delta": [0.1, 0.2, 0.8], "lam": [0.2, 0.4]}
        rows = [
            {"beta": beta, "delta": delta, "lam": lam, "mean": 10 * beta + delta + 40 * lam}
            for beta in values["beta"]
            for delta in values["delta"]
            for lam in values["lam"]
        ]
        figure = definitions_of("grid_surface.py")["draw"](pd.DataFrame(rows), values)
        first, second = figure.axes[:2]
        assert [text.get_text() for text in second.texts if text.get_text() == "paper"] == ["paper"]
        assert not first.patches
        centres = {tuple(frame.get_center()) for frame in second.patches}
        assert centres == {(1, 1)}  # β 2, δ 0.2
        shown = {text.get_position(): text.get_text() for text in second.texts}
        assert shown[1, 2] == f"{20 + 0.8 + 16:.1f}"  # β 2, δ 0.8, λ 0.4


@pytest.mark.slow
class TestOwnModel:
    def test_a_model_is_tested_built_and_fused(self, demo_folder, tmp_path):
        manifest = demo_folder / "reno-demo" / "synthetic.csv"
        words = ["--manifest", manifest, "--folds", 2, "--output", tmp_path / "out"]
        shown = run("own_model.py", *words)
        n_tests = sum(name.startswith("test_") for name in dir(FoundationModelContract))
        assert f"contract: {n_tests} tests passed" in shown
        assert "envelope: 240 new, 0 reused" in shown
        samples = rs.open_store(tmp_path / "out" / "embeddings.zarr").load("synthetic", "envelope")
        assert samples.X.shape == (240, 16)
        assert np.isfinite(samples.X).all()
        scores = pd.read_csv(tmp_path / "out" / "scores.csv")
        assert scores["models"].tolist() == ["envelope", "mfcc", *["mfcc + envelope"] * 2]
        # Six emotions: a model that says nothing of them would stay near 17 %.
        assert scores["accuracy"].min() > 30
        assert str(scores["accuracy"][3]) in shown

    def test_a_model_that_breaks_the_contract_is_not_built(self):
        example = definitions_of("own_model.py")

        class Restless(example["Envelope"]):
            def embed(self, waveforms):
                return super().embed(waveforms) + len(waveforms)

        class Contract(example["TestEnvelope"]):
            def load(self):
                return Restless()

        with pytest.raises(AssertionError, match="in a batch of"):
            example["run_contract"](Contract())
