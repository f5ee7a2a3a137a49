# ruff: noqa: T201
"""Compare readings of the paper: which keep what embeddings say, and which train.

The paper leaves the size of its pools, the norm and the residual sum around its attention, and
the place and share of its dropout open. Here each reading is cross-validated on a panel of
single models and pairs from a store, under both protocols and with several seeds. The table
shows mean accuracy, the mean rank over the panel, how many fits collapsed (`collapsed_`), the
seconds of a fit and the number of weights. docs/readings.md says how to build the store, and
what came out.

    python benchmarks/readings.py panel.zarr emogator --results readings.jsonl --jobs 2
    python benchmarks/readings.py panel.zarr emogator --results readings.jsonl --show
    python benchmarks/readings.py panel.zarr emogator --results renyi.jsonl --what renyi

Each fit is appended to the results when it is finished, so an interrupted run goes on where it
was. `--part 1` trains the first fold of each seed instead of all five.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import rankdata
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from reno_store import open_store
from reno_store.conclusions.corrected import Resamples, adjust_holm, paired_test
from reno_store.studies.classifiers import make_estimator
from reno_store.studies.protocols import PROTOCOLS, split

SINGLES = ("whisper-base", "ge2e", "egemaps", "mfcc", "wav2vec2-random")
PAIRS = (
    "whisper-base+egemaps",
    "whisper-base+ge2e",
    "ge2e+mfcc",
    "egemaps+logmel",
    "wav2vec2-random+mfcc",
)

_DROPOUTS = {
    "dropout 0.5": {"dropout": 0.5},
    "dropout 0.3 on the embedding too": {"input_dropout": 0.3},
}
# No dropout on the embedding, unless a reading says so.
_PLAIN = {"input_dropout": 0.0}
_POSITIONS: dict[str, dict[str, Any]] = {
    "by 2": {},
    "128": {"n_tokens": 128},
    "26": {"n_tokens": 26},
}

READINGS: dict[str, dict[str, dict[str, Any]]] = {
    "logreg": {"": {}},
    "fcn": {"none on the embedding": {}, **_DROPOUTS},
    "cnn": {**_POSITIONS, **{f"by 2, {name}": each for name, each in _DROPOUTS.items()}},
    "concat": {**_POSITIONS, **{f"by 2, {name}": each for name, each in _DROPOUTS.items()}},
    "reno": {
        "by 2, no norm": {"norm": None},
        "by 2, norm before": {"norm": "pre"},
        "by 2, norm after": {"norm": "post"},
        "128, no norm": {"norm": None, "n_tokens": 128},
        "26, no norm": {"norm": None, "n_tokens": 26},
        "26, norm before": {"norm": "pre", "n_tokens": 26},
        "26, norm after": {"norm": "post", "n_tokens": 26},
        "by 2, no norm, no residual": {"norm": None, "residual": False},
        "by 2, norm before, no residual": {"norm": "pre", "residual": False},
        "by 2, no attention": {"attention": False},
        **{f"by 2, no norm, {name}": {"norm": None, **each} for name, each in _DROPOUTS.items()},
    },
}

RENYI: dict[str, dict[str, dict[str, Any]]] = {
    "reno": {
        "λ = 1 (no divergence)": {"lam": 1.0},
        **{
            f"λ = {lam}, δ = {delta}, {distribution or 'no softmax'}": {
                "lam": lam,
                "delta": delta,
                "distribution": distribution,
            }
            for distribution, delta, lam in product(
                ("softmax", None), (0.002, 0.02, 0.2), (0.2, 0.4, 0.8)
            )
        },
    }
}
RENYI_PAIRS = ("whisper-base+egemaps", "egemaps+logmel", "mfcc+egemaps")


class Fit(NamedTuple):
    """One fit: which estimator in which reading, on which models, folds and seed."""

    estimator: str
    reading: str
    models: str
    protocol: str
    seed: int
    fold: int


Found = dict[Fit, dict[str, Any]]


def plan(arguments: argparse.Namespace) -> dict[Fit, dict[str, Any]]:
    """List the fits that are asked for, with the parameters that differ from the defaults."""
    is_renyi = arguments.what == "renyi"
    readings = RENYI if is_renyi else READINGS
    pairs = arguments.pairs or (RENYI_PAIRS if is_renyi else PAIRS)
    protocols = arguments.protocols or (("speaker",) if is_renyi else ("paper", "speaker"))
    panel = {"fcn": arguments.singles, "cnn": arguments.singles, "concat": pairs, "reno": pairs}
    plain = {name: {} if is_renyi or name == "logreg" else _PLAIN for name in readings}
    panel["logreg"] = () if is_renyi else (*arguments.singles, *pairs)
    return {
        Fit(name, reading, models, protocol, seed, fold): {**plain[name], **parameters}
        # Seeds and folds outermost: what is done when time is up is a panel, only smaller.
        for seed, fold in product(arguments.seeds, range(arguments.part))
        for name in arguments.estimators or readings
        for reading, parameters in readings[name].items()
        if not any(text in reading for text in arguments.skip)
        for models, protocol in product(panel[name], protocols)
    }


def run(fit: Fit, parameters: dict[str, Any], store: Path, dataset: str) -> dict[str, Any]:
    """Fit and score one."""
    samples = open_store(store).load(dataset, fit.models.split("+"))
    folds = split(fit.protocol, samples.y, samples.groups, n_folds=5, seed=fit.seed)
    train, test = folds[fit.fold]
    estimator = make_estimator(fit.estimator, samples.block_sizes, seed=fit.seed)
    estimator.set_params(**parameters)
    model = make_pipeline(StandardScaler(), estimator)
    is_network = hasattr(estimator, "max_epochs")
    groups = samples.groups if is_network and PROTOCOLS[fit.protocol].speaker_disjoint else None
    given = {} if groups is None else {f"{model.steps[-1][0]}__groups": groups[train]}
    begun = time.perf_counter()
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(samples.X[train], samples.y[train], **given)
        seconds = time.perf_counter() - begun
        predicted = model.predict(samples.X[test])
    return {
        "fit": fit,
        "accuracy": float(np.mean(predicted == samples.y[test])),
        "collapsed": bool(getattr(estimator, "collapsed_", len(set(predicted)) == 1)),
        "n_train": len(train),
        "n_test": len(test),
        "seconds": seconds,
        "n_parameters": getattr(estimator, "n_parameters_", None),
        "n_epochs": getattr(estimator, "n_epochs_", None),
    }


def read(results: Path) -> Found:
    """Read the fits that are finished."""
    if not results.exists():
        return {}
    rows = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    return {Fit(*row["fit"]): row for row in rows}


def run_all(fits: dict[Fit, dict[str, Any]], arguments: argparse.Namespace) -> None:
    """Run what is missing, and append each fit to the results as it is finished."""
    done = read(arguments.results)
    missing = {fit: own for fit, own in fits.items() if fit not in done}
    print(f"{len(fits)} fits, {len(missing)} to do", flush=True)
    jobs = (
        delayed(run)(fit, own, arguments.store, arguments.dataset) for fit, own in missing.items()
    )
    with arguments.results.open("a", encoding="utf-8") as file:
        for row in Parallel(n_jobs=arguments.jobs, return_as="generator_unordered")(jobs):
            file.write(json.dumps(row) + "\n")
            file.flush()


def show(fits: dict[Fit, dict[str, Any]], found: Found) -> None:
    """Print a table for each estimator: its readings, the best mean rank first."""
    for name in dict.fromkeys(fit.estimator for fit in fits):
        _show_estimator(
            name, [fit for fit in fits if fit.estimator == name and fit in found], found
        )


def _show_estimator(name: str, fits: list[Fit], found: Found) -> None:
    scores: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for fit in fits:
        scores[fit.reading][fit.models, fit.protocol].append(100 * found[fit]["accuracy"])
    cells = sorted({cell for own in scores.values() for cell in own})
    cells = [cell for cell in cells if all(own.get(cell) for own in scores.values())]
    if not cells:
        return
    n_of = {cell: max(len(own[cell]) for own in scores.values()) for cell in cells}
    # Only readings that were tried as often as any other are ranked.
    ranked = [
        reading
        for reading, own in scores.items()
        if all(len(own[cell]) == n_of[cell] for cell in cells)
    ]
    means = {reading: [np.mean(own[cell]) for cell in cells] for reading, own in scores.items()}
    columns = np.array([means[reading] for reading in ranked]).T
    ranks = dict(
        zip(ranked, np.mean([rankdata(-column) for column in columns], axis=0), strict=True)
    )
    print(f"\n{name}: {len(cells)} cells (models and protocol)\n")
    print("| reading | accuracy | rank | sd | collapsed | seconds a fit | weights |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for reading in sorted(scores, key=lambda each: (each not in ranks, ranks.get(each, 0.0))):
        own = [found[fit] for fit in fits if fit.reading == reading]
        own = [row for row in own if tuple(row["fit"][2:4]) in cells]
        spread = [
            np.std(own_scores, ddof=1)
            for own_scores in map(scores[reading].get, cells)
            if len(own_scores) > 1
        ]
        sd = f"{np.mean(spread):.1f}" if spread else ""
        rank = f"{ranks[reading]:.1f}" if reading in ranks else "seed 0 only"
        weights = [row["n_parameters"] for row in own if row["n_parameters"]]
        sizes = f"{min(weights) / 1e6:.2f} to {max(weights) / 1e6:.2f} M" if weights else ""
        print(
            f"| {reading} | {np.mean(means[reading]):.1f} | {rank} | {sd} "
            f"| {sum(row['collapsed'] for row in own)} of {len(own)} "
            f"| {np.median([row['seconds'] for row in own]):.1f} | {sizes} |"
        )


def show_cells(fits: dict[Fit, dict[str, Any]], found: Found) -> None:
    """Print the accuracy of each reading on each cell of the panel."""
    for name in dict.fromkeys(fit.estimator for fit in fits):
        own = [fit for fit in fits if fit.estimator == name and fit in found]
        cells = list(dict.fromkeys((fit.models, fit.protocol) for fit in own))
        print(f"\n{name}\n")
        print(f"| reading | {' | '.join(' '.join(each) for each in cells)} |")
        print(f"|---|{'---:|' * len(cells)}")
        for reading in dict.fromkeys(fit.reading for fit in own):
            means = [
                np.mean(
                    [
                        100 * found[fit]["accuracy"]
                        for fit in own
                        if (fit.reading, fit.models, fit.protocol) == (reading, *cell)
                    ]
                )
                for cell in cells
            ]
            print(f"| {reading} | {' | '.join(f'{mean:.1f}' for mean in means)} |")


def compare_with_first(fits: dict[Fit, dict[str, Any]], found: Found) -> None:
    """Test each reading against the first on the same folds, adjusted for how many there are."""
    first = next(iter(fits)).reading
    rows = []
    for models in dict.fromkeys(fit.models for fit in fits):
        for reading in dict.fromkeys(fit.reading for fit in fits):
            pairs = list(_matched(fits, found, models, reading, first))
            if reading != first and len(pairs) > 1:
                differences = tuple(one["accuracy"] - other["accuracy"] for one, other in pairs)
                ratio = float(np.mean([row["n_test"] / row["n_train"] for row, _ in pairs]))
                test = paired_test(Resamples(differences, ratio=ratio, n_folds=len(pairs)))
                rows.append((models, reading, test))
    adjusted = adjust_holm([test.p for *_, test in rows])
    print(f"\nAgainst {first}, points; p of the corrected t-test, and after Holm\n")
    print("| models | reading | difference | 95 % interval | p | p, Holm |")
    print("|---|---|---:|---:|---:|---:|")
    for (models, reading, test), p in zip(rows, adjusted, strict=True):
        low, high = test.interval
        print(
            f"| {models} | {reading} | {100 * test.difference:+.1f} | {100 * low:.1f} to "
            f"{100 * high:.1f} | {test.p:.3f} | {p:.2f} |"
        )


def _matched(
    fits: dict[Fit, dict[str, Any]], found: Found, models: str, reading: str, first: str
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for fit in fits:
        other = fit._replace(reading=first)
        if (fit.models, fit.reading) == (models, reading) and fit in found and other in found:
            yield found[fit], found[other]


def main() -> None:
    """Read the arguments, run and show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("dataset")
    parser.add_argument("--results", type=Path, default=Path("readings.jsonl"))
    parser.add_argument("--what", choices=("readings", "renyi"), default="readings")
    parser.add_argument("--estimators", nargs="+")
    parser.add_argument("--singles", nargs="*", default=SINGLES)
    parser.add_argument("--pairs", nargs="*", help="names joined by +")
    parser.add_argument("--protocols", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--part", type=int, default=5, help="how many of the five folds")
    parser.add_argument("--skip", nargs="+", default=[], help="leave out readings named so")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print what is finished, train nothing")
    parser.add_argument("--cells", action="store_true", help="print each cell of the panel too")
    arguments = parser.parse_args()
    fits = plan(arguments)
    if not arguments.show:
        run_all(fits, arguments)
    found = read(arguments.results)
    show(fits, found)
    if arguments.cells:
        show_cells(fits, found)
    if arguments.what == "renyi":
        compare_with_first(fits, found)


if __name__ == "__main__":
    main()
