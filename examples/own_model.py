"""A foundation model of your own: tested, built into a store, and fused with another.

`Envelope` below stands for it. What has `sample_rate_hz`, `min_samples`, `dim`, `fingerprint`
and `embed` is a model, and no class has to be inherited from. This script runs the tests on
it that every built-in model passes, embeds the demo's recordings with it beside mfcc, and
fuses the two.

    python examples/own_model.py
    pytest examples/own_model.py                         # the contract tests alone

A build finds models by name. A package of yours gives its model a name in its pyproject.toml,
and from the moment it is installed `reno-store build --model envelope` works too:

    [project.entry-points."reno_store.foundation_models"]
    envelope = "my_package:Envelope"

This script has no package, so `offer` writes what `pip install` would have written, into
--output, and puts that folder on this process's path. It also writes there:

    embeddings.zarr        the store
    scores.csv             the table
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import pandas as pd

import reno_store as rs
from reno_store.foundation_models.testing import FoundationModelContract


class Envelope:
    """How loud and how bright a clip is along its way, in eight parts of equal length.

    Parameters
    ----------
    device : str
        Every model is told one; this one has nothing to put there.
    """

    sample_rate_hz = 16_000
    n_parts = 8
    min_samples = 8 * 32
    dim = 2 * 8
    # All that the numbers depend on. A store refuses to mix embeddings whose fingerprints
    # differ, so `code` must rise whenever a change below changes a number.
    fingerprint = {  # noqa: RUF012
        "kind": "envelope",
        "weights": "none",
        "preprocessing": "none",
        "layer": "none",
        "pooling": "8 parts",
        "precision": "float64",
        "code": 1,
    }

    def __init__(self, device: str = "cpu") -> None:
        pass

    def embed(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        """Give a row for each clip, float32, shape (len(waveforms), dim)."""
        # Each clip by itself, so that no row can depend on the others of its batch. A network
        # that takes clips together must mask what it padded them with.
        rows = [self._describe(np.asarray(waveform, np.float64)) for waveform in waveforms]
        return np.array(rows, np.float32).reshape(-1, self.dim)

    def _describe(self, waveform: np.ndarray) -> np.ndarray:
        if len(waveform) < self.min_samples:
            raise ValueError(f"{len(waveform)} samples; at least {self.min_samples} are needed")
        parts = np.array_split(waveform, self.n_parts)
        loudness_db = [10 * np.log10(np.mean(part**2) + 1e-10) for part in parts]
        return np.array([*loudness_db, *(self._brightness_khz(part) for part in parts)])

    def _brightness_khz(self, part: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(part)) ** 2
        frequencies_khz = np.fft.rfftfreq(len(part), 1_000 / self.sample_rate_hz)
        return float((power * frequencies_khz).sum() / (power.sum() + 1e-10))


class TestEnvelope(FoundationModelContract):
    """What every model must do; pytest collects it, and `main` runs it without pytest."""

    def load(self) -> Envelope:
        """Give the model to be tested."""
        return Envelope()


@click.command()
@click.option(
    "--manifest",
    type=click.Path(exists=True, path_type=Path),
    default="reno-demo/synthetic.csv",
    show_default=True,
    help="The clips to embed.",
)
@click.option("--folds", "n_folds", default=4, show_default=True, help="How many folds.")
@click.option("--jobs", "n_jobs", default=1, show_default=True, help="Processes over the folds.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default="own-model",
    show_default=True,
    help="A folder for what is written.",
)
def main(manifest: Path, n_folds: int, n_jobs: int, output: Path) -> None:
    """Test a model, build it into a store beside mfcc, and fuse the two by RENO."""
    output.mkdir(parents=True, exist_ok=True)
    n_passed = run_contract(TestEnvelope())
    click.echo(f"contract: {n_passed} tests passed")

    offer("envelope", f"{Path(__file__).stem}:Envelope", output / "installed")
    report = rs.build_store(manifest, output / "embeddings.zarr", ["mfcc", "envelope"])
    for model in report.models:
        click.echo(f"{model.model}: {model.n_new} new, {model.n_reused} reused")

    comparison = rs.evaluate_store(
        report.store,
        report.dataset,
        models=["mfcc", "envelope"],
        estimators=["fcn", "concat", "reno"],
        protocols="speaker",
        n_folds=n_folds,
        n_jobs=n_jobs,
    )
    rows = [
        {
            "estimator": each.estimator,
            "models": " + ".join(each.models),
            "accuracy": round(100 * each.mean("accuracy"), 1),
            "sd": round(100 * each.sd("accuracy"), 1),
        }
        for each in comparison.evaluations
    ]
    table = pd.DataFrame(rows)
    table.to_csv(output / "scores.csv", index=False)
    click.echo(f"accuracy in per cent over {n_folds} speaker-disjoint folds:")
    click.echo(table.to_string(index=False))


def run_contract(contract: FoundationModelContract) -> int:
    """Run each test of a contract; the first that fails raises. Gives how many there are."""
    tests = sorted(name for name in dir(contract) if name.startswith("test_"))
    for name in tests:
        getattr(contract, name)()
    return len(tests)


def offer(name: str, value: str, folder: Path) -> None:
    """Offer a model under a name, for this process, as an installed package would.

    Parameters
    ----------
    name : str
        What ``--model`` and `build_store` will call it.
    value : str
        ``"module:Class"``; the module must be importable, as this script's folder is.
    folder : Path
        Where to write the package's metadata.
    """
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[reno_store.foundation_models]\n{name} = {value}\n"
    )
    sys.path.append(str(folder.resolve()))


if __name__ == "__main__":
    main()
