"""A foundation model of your own: tested, built into a store, and fused with another.

`Envelope` below is an example. A model is any object with `sample_rate_hz`, `min_samples`,
`dim`, `fingerprint` and `embed`; no base class is needed. This script runs the tests that every
built-in model passes, embeds the recordings of the demo with it and with mfcc, and fuses the
two.

    python examples/own_model.py
    pytest examples/own_model.py                         # the contract tests alone

A build finds models by name. Name the model of your package in its pyproject.toml, and
`reno-store build --model envelope` works as soon as the package is installed:

    [project.entry-points."reno_store.foundation_models"]
    envelope = "my_package:Envelope"

This script has no package, so `offer` writes what `pip install` would write into --output and
adds that folder to the path of this process. Other output files:

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
    """Loudness and brightness of eight equal parts of a clip.

    Parameters
    ----------
    device : str
        Every model takes this argument; this one does not need it.
    """

    sample_rate_hz = 16_000
    n_parts = 8
    min_samples = 8 * 32
    dim = 2 * 8
    # Everything that the embedding depends on. A store refuses to mix embeddings with different
    # fingerprints, so increase `code` whenever a change below changes the embedding.
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
        """Return one row per clip, float32, shape (len(waveforms), dim)."""
        # Each clip separately, so that no row depends on the batch. A network that embeds
        # padded batches must mask the padding.
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
    """The tests of every model; pytest collects them, and `main` runs them without pytest."""

    def load(self) -> Envelope:
        """Return the model to test."""
        return Envelope()


@click.command()
@click.option(
    "--manifest",
    type=click.Path(exists=True, path_type=Path),
    default="reno-demo/synthetic.csv",
    show_default=True,
    help="The clips to embed.",
)
@click.option("--folds", "n_folds", default=4, show_default=True, help="Number of folds.")
@click.option(
    "--jobs", "n_jobs", default=1, show_default=True, help="Number of parallel processes."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default="own-model",
    show_default=True,
    help="Folder for the results.",
)
def main(manifest: Path, n_folds: int, n_jobs: int, output: Path) -> None:
    """Test a model, build a store with it and mfcc, and fuse the two with RENO."""
    output.mkdir(parents=True, exist_ok=True)
    n_passed = run_contract(TestEnvelope())
    click.echo(f"contract: {n_passed} tests passed")

    offer("envelope", f"{Path(__file__).stem}:Envelope", output / "installed")
    report = rs.build_store(manifest, output / "embeddings.zarr", ["mfcc", "envelope"])
    for model in report.models:
        click.echo(f"{model.model}: {model.n_new} new, {model.n_reused} reused")

    study = rs.evaluate_store(
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
        for each in study.cells
    ]
    table = pd.DataFrame(rows)
    table.to_csv(output / "scores.csv", index=False)
    click.echo(f"accuracy in per cent over {n_folds} speaker-disjoint folds:")
    click.echo(table.to_string(index=False))


def run_contract(contract: FoundationModelContract) -> int:
    """Run all tests of a contract and return their number; the first failure raises."""
    tests = sorted(name for name in dir(contract) if name.startswith("test_"))
    for name in tests:
        getattr(contract, name)()
    return len(tests)


def offer(name: str, value: str, folder: Path) -> None:
    """Register a model under a name in this process, as an installed package would.

    Parameters
    ----------
    name : str
        Its name for ``--model`` and `build_store`.
    value : str
        ``"module:Class"``; the module must be importable, as this script is.
    folder : Path
        Folder for the metadata of the package.
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
