# ruff: noqa: T201
"""A grid over β, δ and λ with five folds: single fits as GridSearchCV makes them, and together.

The same candidates, folds, epochs and seeds for all, in one run:

single    clones fitted by joblib, one fit a task, as GridSearchCV does with ``n_jobs``
together  `fit_together` with the same ``n_jobs``
stack     (``--stack``) `fit_together` made to stack on a CPU too, in one process

A grid of 125 candidates takes hours on a CPU, so a part of it is timed. The seconds of the
whole are worked out: those of the part by how many fits each way does of either. `fit_together`
does not repeat fits that are the same to the last bit (β and δ with λ = 1), and the whole has
more of those than the part. Ratios are given for the part, as timed, and for the whole. With
``--device cuda`` single fits have one process, and `fit_together` stacks by itself. How far
the scores of a fold lie apart is told too; two single fits whose products are added up in
another order differ alike (``--noise``: oneDNN left out).

    python benchmarks/grid.py
    python benchmarks/grid.py --store STORE --dataset NAME --model A --model B
    python benchmarks/grid.py --device cuda --candidates 125 --part 125 --jobs 1
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice, product
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold

from reno_store import RENOClassifier, open_store
from reno_store.estimators import together
from reno_store.estimators.same_fits import first_of_same
from reno_store.estimators.together import fit_together

Array = np.ndarray[Any, Any]
Task = tuple[RENOClassifier, Array]
Fitted = list[Any]


def points(n: int) -> list[dict[str, float]]:
    """Give the first of a 5 x 5 x 5 grid, spread over it."""
    grid = product((1.2, 1.5, 2.0, 3.0, 5.0), (0.01, 0.05, 0.1, 0.2, 0.5), (0.2, 0.4, 0.6, 0.8, 1))
    named = [dict(zip(("beta", "delta", "lam"), values, strict=True)) for values in grid]
    return list(islice((named[i * 31 % 125] for i in range(125)), n))


def single(tasks: list[Task], X: Array, y: Array, n_jobs: int) -> Fitted:
    """Fit each by itself."""
    jobs = (delayed(fit_one)(clone(estimator), X, y, rows) for estimator, rows in tasks)
    return list(Parallel(n_jobs=n_jobs)(jobs))


def fit_one(estimator: RENOClassifier, X: Array, y: Array, rows: Array) -> RENOClassifier:
    """Fit one; what GridSearchCV's workers do, but for the scores."""
    return estimator.fit(X[rows], y[rows])


def jointly(tasks: list[Task], X: Array, y: Array, n_jobs: int) -> Fitted:
    """Fit all in one call."""
    estimators = [clone(estimator) for estimator, _ in tasks]
    return fit_together(estimators, X, y, [rows for _, rows in tasks], n_jobs=n_jobs)


@contextmanager
def stacking_everywhere() -> Iterator[None]:
    """Have `fit_together` stack on a CPU."""
    kinds, together.STACKED_ON = together.STACKED_ON, ("cpu", "cuda")
    try:
        yield
    finally:
        together.STACKED_ON = kinds


def stacked(tasks: list[Task], X: Array, y: Array) -> Fitted:
    """Fit all as a stack, on whatever device."""
    with stacking_everywhere():
        return jointly(tasks, X, y, 1)


def without_onednn(tasks: list[Task], X: Array, y: Array) -> Fitted:
    """Fit each by itself in this process, with linear layers by torch's default library."""
    linear = importlib.import_module("reno_store.estimators.networks.fast_cpu.linear")
    least, linear._MIN_PRODUCTS = linear._MIN_PRODUCTS, 2**60
    try:
        return single(tasks, X, y, 1)
    finally:
        linear._MIN_PRODUCTS = least


def n_distinct(tasks: list[Task]) -> int:
    """Count the fits that are not another's repetition."""
    return len(set(first_of_same([each for each, _ in tasks], [rows for _, rows in tasks])))


def differences(
    one: Fitted, other: Fitted, tests: list[Array], X: Array, y: Array
) -> tuple[float, float, float]:
    """Give the share of equal predictions, and how scores differ: at most, and on average."""
    equal, scores = [], []
    for ours, theirs, test in zip(one, other, tests, strict=True):
        a, b = ours.predict(X[test]), theirs.predict(X[test])
        equal.append(a == b)
        scores.append(100 * ((a == y[test]).mean() - (b == y[test]).mean()))
    return (
        100 * float(np.concatenate(equal).mean()),
        float(np.abs(scores).max()),
        float(np.mean(scores)),
    )


def load(arguments: argparse.Namespace) -> tuple[Array, Array, tuple[int, ...]]:
    """Take a pair from a store, or numbers of the sizes of MFCC and log-mel statistics."""
    if arguments.store:
        samples = open_store(arguments.store).load(arguments.dataset, arguments.model)
        X = (samples.X - samples.X.mean(axis=0)) / (samples.X.std(axis=0) + 1e-9)
        return X.astype(np.float32), samples.y, samples.block_sizes
    rng = np.random.default_rng(0)
    y = np.arange(1440) % 8
    X = rng.normal(size=(1440, 360)) + 0.3 * rng.normal(size=(8, 360))[y]
    return X.astype(np.float32), y, (120, 240)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store")
    parser.add_argument("--dataset")
    parser.add_argument("--model", action="append")
    parser.add_argument("--candidates", type=int, default=125, help="of the whole grid")
    parser.add_argument("--part", type=int, default=2, help="candidates that are timed")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--stack", action="store_true", help="time a stack on the CPU too")
    parser.add_argument("--noise", action="store_true", help="single fits without oneDNN too")
    arguments = parser.parse_args()
    X, y, block_sizes = load(arguments)
    folds = list(StratifiedKFold(arguments.folds, shuffle=True, random_state=0).split(X, y))
    reno = RENOClassifier(
        block_sizes=block_sizes,
        max_epochs=arguments.epochs,
        device=arguments.device,
        random_state=0,
    )
    part = points(min(arguments.part, arguments.candidates))
    tasks = [(clone(reno).set_params(**each), train) for each in part for train, _ in folds]
    tests = [test for _ in part for _, test in folds]
    n_jobs = 1 if arguments.device.startswith("cuda") else arguments.jobs
    ways: dict[str, Callable[[], Fitted]] = {
        "single": lambda: single(tasks, X, y, n_jobs),
        "together": lambda: jointly(tasks, X, y, n_jobs),
    }
    if arguments.stack:
        ways["stack"] = lambda: stacked(tasks, X, y)
        ways["one"] = lambda: single(tasks, X, y, 1)
    sizes = " + ".join(str(size) for size in block_sizes)
    whole = [
        (clone(reno).set_params(**each), train)
        for each in points(arguments.candidates)
        for train, _ in folds
    ]
    # How many times the fits of the part each way does for the whole.
    factors = dict.fromkeys(ways, len(whole) / len(tasks))
    for name in factors.keys() - {"single", "one"}:
        factors[name] = n_distinct(whole) / n_distinct(tasks)
    print(
        f"{len(X)} clips x {sizes}, {len(part)} candidates x {len(folds)} folds, "
        f"{arguments.epochs} epochs, {arguments.device}, n_jobs={n_jobs}"
    )
    print(
        f"of {len(tasks)} fits {n_distinct(tasks)} differ; of the whole's {len(whole)}, "
        f"{n_distinct(whole)}"
    )
    # Imports, caches and worker processes are there before the clock starts.
    single(tasks[:2], X, y, n_jobs)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    fitted: dict[str, Fitted] = {}
    for _ in range(arguments.rounds):
        for name, run in ways.items():
            begun = time.perf_counter()
            fitted[name] = run()
            seconds[name].append(time.perf_counter() - begun)
    if arguments.noise:
        fitted["no oneDNN"] = without_onednn(tasks, X, y)
    for name, own in seconds.items():
        ratios = [a / b for a, b in zip(seconds["single"], own, strict=True)]
        of_whole = statistics.median(ratios) * factors["single"] / factors[name]
        print(
            f"  {name:9}{statistics.median(own):9.2f} s, {statistics.median(ratios):6.2f} times "
            f"as fast as single ({min(ratios):.2f} to {max(ratios):.2f}); the whole "
            f"{factors[name] * statistics.median(own):9.0f} s, {of_whole:6.2f} times"
        )
    for name, own in fitted.items():
        if name != "single":
            equal, most, mean = differences(own, fitted["single"], tests, X, y)
            print(
                f"  {name:9} against single: {equal:6.2f} % of predictions equal; scores differ "
                f"by {most:.2f} points at most, {mean:+.2f} on average"
            )


if __name__ == "__main__":
    main()
