# ruff: noqa: T201
"""A five-fold cross-validation of RENO: plain loop, stock skorch and ours, in one run.

The same clips, folds, epochs and batch size for all three:

plain   the network in plain layers with pooling by 2, a DataLoader, Adam, as people write it
skorch  our network (26 positions) in plain layers, skorch's own loop, DataLoader and Adam
ours    RENOClassifier

The plain one takes hours, so one epoch of one fold is timed and multiplied, and its
predictions are left out; ``--whole`` runs it all. On one thread all three have one; on two
the peers have two threads, and ours has two processes of one (``n_jobs=2``), since that is
how it uses two cores.

    python benchmarks/training.py
    python benchmarks/training.py --store STORE --dataset NAME --model A --model B
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from plain_networks import PlainRENO
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from skorch import NeuralNet
from torch.utils.data import DataLoader, TensorDataset

from reno_store import RENOClassifier, open_store
from reno_store.networks import FusionLoss

Data = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], tuple[int, ...]]


def plain_epoch(data: Data, rows: np.ndarray[Any, Any], device: str) -> float:
    """Train for one epoch in a plain loop; give the seconds."""
    X, y, block_sizes = data
    torch.manual_seed(0)
    network = PlainRENO(block_sizes, int(y.max()) + 1, None).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss = FusionLoss(2.0, 0.2, 0.4)
    dataset = TensorDataset(torch.tensor(X[rows]), torch.tensor(y[rows]))
    begun = time.perf_counter()
    for inputs, targets in DataLoader(dataset, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        value = loss(network(inputs.to(device)), targets.to(device))
        value.backward()
        optimizer.step()
        value.item()
    return time.perf_counter() - begun


def plain(data: Data, folds: Any, epochs: int, whole: bool, device: str) -> tuple[float, float]:
    """Time the plain loop; there is no accuracy where it was not run to the end."""
    seconds = [
        plain_epoch(data, train, device)
        for train, _ in (folds if whole else folds[:1])
        for _ in range(epochs if whole else 1)
    ]
    return (sum(seconds) if whole else seconds[0] * epochs * len(folds)), float("nan")


def stock_skorch(data: Data, folds: Any, epochs: int, device: str) -> tuple[float, float]:
    """Cross-validate our network in plain layers with skorch as it comes."""
    X, y, block_sizes = data
    predicted = np.zeros_like(y)
    begun = time.perf_counter()
    for train, test in folds:
        torch.manual_seed(0)
        net = NeuralNet(
            PlainRENO(block_sizes, int(y.max()) + 1, 26),
            criterion=FusionLoss(2.0, 0.2, 0.4),
            optimizer=torch.optim.Adam,
            lr=1e-3,
            batch_size=32,
            max_epochs=epochs,
            train_split=None,
            iterator_train__shuffle=True,
            device=device,
            verbose=0,
        )
        net.fit(X[train], y[train])
        with torch.inference_mode():
            logits = net.module_.eval()(torch.tensor(X[test], device=device)).logits
        predicted[test] = logits.argmax(dim=1).cpu().numpy()
    return time.perf_counter() - begun, float((predicted == y).mean())


def ours(data: Data, folds: Any, epochs: int, device: str, n_jobs: int) -> tuple[float, float]:
    """Cross-validate RENOClassifier."""
    X, y, block_sizes = data
    reno = RENOClassifier(
        block_sizes=block_sizes,
        max_epochs=epochs,
        early_stopping=False,
        device=device,
        random_state=0,
    )
    begun = time.perf_counter()
    predicted = cross_val_predict(reno, X, y, cv=folds, n_jobs=n_jobs)
    return time.perf_counter() - begun, float((predicted == y).mean())


def load(arguments: argparse.Namespace) -> Data:
    """Take a pair from a store, or numbers of the paper's largest pair."""
    if arguments.store:
        samples = open_store(arguments.store).load(arguments.dataset, arguments.model)
        X, labels = samples.X[: arguments.clips], samples.y[: arguments.clips]
        X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)
        return X.astype(np.float32), np.unique(labels, return_inverse=True)[1], samples.block_sizes
    rng = np.random.default_rng(0)
    y = np.arange(arguments.clips) % 8
    X = rng.normal(size=(arguments.clips, 3840 + 768)) + 0.3 * rng.normal(size=(8, 4608))[y]
    return X.astype(np.float32), y, (3840, 768)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store")
    parser.add_argument("--dataset")
    parser.add_argument("--model", action="append")
    parser.add_argument("--clips", type=int, default=480)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--whole", action="store_true", help="run the plain loop to its end")
    arguments = parser.parse_args()
    data = load(arguments)
    X, y, block_sizes = data
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    device, epochs = arguments.device, arguments.epochs
    sizes = " + ".join(str(size) for size in block_sizes)
    print(f"{len(X)} clips x {sizes}, five folds, {epochs} epochs, batches of 32, {device}")
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        candidates: dict[str, Callable[[], tuple[float, float]]] = {
            "plain": lambda: plain(data, folds, epochs, arguments.whole, device),
            "skorch": lambda: stock_skorch(data, folds, epochs, device),
            "ours": lambda n=threads: ours(data, folds, epochs, device, n),  # type: ignore[misc]
        }
        # Imports, caches and worker processes are there before the clock starts.
        candidates["ours"]()
        found = [{name: run() for name, run in candidates.items()} for _ in range(arguments.rounds)]
        print(f"{threads} thread{'s' * (threads > 1)}")
        for name in candidates:
            seconds = statistics.median(each[name][0] for each in found)
            ratio = statistics.median(each[name][0] / each["ours"][0] for each in found)
            score = f"accuracy {100 * found[0][name][1]:.1f} %" if name != "plain" else ""
            note = (
                "" if name != "plain" or arguments.whole else "(one epoch of one fold, multiplied)"
            )
            print(f"  {name:7}{seconds:10.2f} s{ratio:8.1f} times ours  {score}{note}")


if __name__ == "__main__":
    main()
