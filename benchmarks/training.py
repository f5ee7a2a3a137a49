# ruff: noqa: T201
"""A step of training RENO: plain loop, stock skorch and ours, in one run.

The same network (the default reading: pooling by 2, no norm), rows and batch size for all:

plain   the network in plain layers, a DataLoader and torch's Adam, as people write it
skorch  the network in plain layers, skorch's own loop, DataLoader and Adam
ours    RENOClassifier

Each runs in a process of its own, since they would otherwise share what the C library keeps
of freed memory; in turns, several rounds. Printed are the milliseconds of a step (the median
over rounds of an epoch's mean), how many times ours that is, the most memory that the process
took, and what predicting takes in ours.

    python benchmarks/training.py
    python benchmarks/training.py --positions 26 --pairs 3840+768 --steps 20
    python benchmarks/training.py --device cuda
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from torch.utils.data import DataLoader, TensorDataset

from reno_store import RENOClassifier
from reno_store.estimators.networks import RENO, FusionLoss
from reno_store.estimators.networks.fast_cpu import plain_layers

N_CLASSES = 8
BATCH = 32
CONTENDERS = ("plain", "skorch", "ours")
Data = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def plain(data: Data, sizes: tuple[int, ...], arguments: argparse.Namespace) -> float:
    """Train for an epoch after a warm one, in a plain loop; return the seconds."""
    X, y = data
    network = RENO(sizes, N_CLASSES, n_tokens=arguments.positions).to(arguments.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss = FusionLoss(2.0, 0.2, 0.4)
    loader = DataLoader(
        TensorDataset(torch.tensor(X), torch.tensor(y)), batch_size=BATCH, shuffle=True
    )
    for _ in range(2):
        begun = time.perf_counter()
        for inputs, targets in loader:
            optimizer.zero_grad()
            value = loss(network(inputs.to(arguments.device)), targets.to(arguments.device))
            value.backward()
            optimizer.step()
            value.item()
    return time.perf_counter() - begun


def skorch(data: Data, sizes: tuple[int, ...], arguments: argparse.Namespace) -> float:
    """Train for an epoch after a warm one, with skorch as it comes; return the seconds."""
    net = NeuralNet(
        RENO(sizes, N_CLASSES, n_tokens=arguments.positions),
        criterion=FusionLoss(2.0, 0.2, 0.4),
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=BATCH,
        max_epochs=2,
        train_split=None,
        iterator_train__shuffle=True,
        device=arguments.device,
        verbose=0,
    )
    net.fit(*data)
    return float(net.history[-1]["dur"])


def ours(data: Data, sizes: tuple[int, ...], arguments: argparse.Namespace) -> float:
    """Train RENOClassifier for an epoch after a warm one; return the seconds."""
    reno = RENOClassifier(
        block_sizes=sizes,
        n_tokens=arguments.positions,
        max_epochs=2,
        early_stopping=False,
        device=arguments.device,
        random_state=0,
    ).fit(*data)
    seconds = float(reno.history_[-1]["seconds"])
    arguments.extra["fit_mb"] = peak_mb()
    begun = time.perf_counter()
    reno.predict_proba(data[0][:96])
    arguments.extra["predict_s"] = time.perf_counter() - begun
    return seconds


def peak_mb() -> float:
    """Return the most memory that this process took so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def run_one(arguments: argparse.Namespace) -> None:
    """Run one contender in this process, and print what came out as JSON."""
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    sizes = tuple(int(size) for size in arguments.pairs[0].split("+"))
    rng = np.random.default_rng(0)
    y = np.arange(BATCH * arguments.steps) % N_CLASSES
    X = rng.normal(size=(len(y), sum(sizes))) + 0.3 * rng.normal(size=(N_CLASSES, sum(sizes)))[y]
    arguments.extra = {}
    contender = {"plain": plain, "skorch": skorch, "ours": ours}[arguments.only]
    with nullcontext() if contender is ours else plain_layers():
        seconds = contender((X.astype(np.float32), y), sizes, arguments)
    measured = {"ms": 1000 * seconds / arguments.steps, "peak_mb": peak_mb(), **arguments.extra}
    print(json.dumps(measured))


def compare(pair: str, arguments: argparse.Namespace) -> None:
    """Run all contenders in turns, and print the table of a pair."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(arguments.rounds):
        for name in CONTENDERS:
            command = [sys.executable, __file__, "--only", name, "--pairs", pair]
            command += ["--steps", str(arguments.steps), "--threads", str(arguments.threads)]
            command += ["--device", arguments.device]
            if arguments.positions:
                command += ["--positions", str(arguments.positions)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    reading = f"{arguments.positions} positions" if arguments.positions else "pooling by 2"
    print(f"{pair}, {reading}, batches of {BATCH}, {arguments.threads} thread(s)")
    for name, rounds in found.items():
        ratios = [each["ms"] / own["ms"] for each, own in zip(rounds, found["ours"], strict=True)]
        ms = statistics.median(each["ms"] for each in rounds)
        peak = statistics.median(each["peak_mb"] for each in rounds)
        print(
            f"  {name:7}{ms:9.1f} ms a step{statistics.median(ratios):7.2f} times ours "
            f"({min(ratios):.2f} to {max(ratios):.2f}){peak:8.0f} MB"
        )
    predicted = statistics.median(each["predict_s"] for each in found["ours"])
    fitted = statistics.median(each["fit_mb"] for each in found["ours"])
    print(f"  ours predicts 96 rows in {predicted:.2f} s; {fitted:.0f} MB before that")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", nargs="+", default=["3840+768", "768+768"])
    parser.add_argument("--positions", type=int, help="adaptive pooling to so many; else by 2")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", choices=CONTENDERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        run_one(arguments)
        return
    for pair in arguments.pairs:
        compare(pair, arguments)


if __name__ == "__main__":
    main()
