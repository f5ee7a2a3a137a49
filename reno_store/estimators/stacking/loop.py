"""The epochs of a stack: steps, validation, early stopping, and members that finish."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from reno_store.errors import TrainingError
from reno_store.estimators.stacking.members import Member
from reno_store.estimators.stacking.stack import Stack, Tensors, send
from reno_store.estimators.stacking.streams import Stream, dropouts
from reno_store.estimators.training import (
    DIVERGED,
    Trained,
    default_generator,
    is_sound,
    seeded,
)

__all__ = ["EpochEnded", "Finished", "train_stack"]

Finished = Callable[[Member, Trained | TrainingError], None]
"""Called with each member as it finishes."""

EpochEnded = Callable[[Member, int], None]
"""Called with a member and the number of the epoch, from 1, that it has finished."""

_PARTS = ("loss", "cross_entropy", "divergence_excess")


@dataclass(slots=True)
class _Course:
    """Progress of a member."""

    member: Member
    stream: int
    begun: float
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    history: list[dict[str, float]] = field(default_factory=list)
    least: float = math.inf
    best_epoch: int = 0
    n_misses: int = 0


def train_stack(
    members: Sequence[Member], X: torch.Tensor, finished: Finished, epoch_ended: EpochEnded
) -> None:
    """Train members of one shape; call it inside `pinned`.

    All members take each step together, each on the next batch of its own epoch. Folds of
    different length end their epochs at different steps.

    Parameters
    ----------
    members : Sequence[Member]
        Of one shape.
    X : torch.Tensor of float32, shape (n_clips, n_features)
        The data of all, on the device.
    finished : callable
        Called with each member as it finishes, and its network with its best weights (the
        last, where no rows were held out) or an error where it diverged.
    epoch_ended : callable
        Called with each member and epoch.
    """
    with seeded(0, members[0].plan.device):
        _Loop(members, X, finished, epoch_ended).run()


class _Loop:
    def __init__(
        self,
        members: Sequence[Member],
        X: torch.Tensor,
        finished: Finished,
        epoch_ended: EpochEnded,
    ) -> None:
        self._X, self._finished, self._epoch_ended = X, finished, epoch_ended
        first = members[0]
        self._batch_size = first.plan.batch_size
        self._streams: list[Stream] = []
        weights, stream_of = self._begin(members)
        begun = time.perf_counter()
        self._courses = [
            _Course(member, stream, begun)
            for member, stream in zip(members, stream_of, strict=True)
        ]
        self._stack = Stack(
            first.network,
            weights,
            [member.loss for member in members],
            len(first.estimator.classes_),
            X,
            lr=first.plan.lr,
            keeps_best=any(member.held_rows is not None for member in members),
        )
        self._sums = torch.zeros(3, len(members), dtype=torch.float64, device=X.device)
        self._trained_on = (
            _padded([member.rows for member in members]),
            _padded([member.targets for member in members]),
        )

    def run(self) -> None:
        while self._courses:
            ended = self._step()
            if ended:
                self._end_epochs(ended)

    def _begin(self, members: Sequence[Member]) -> tuple[list[Tensors], list[int]]:
        """Make the initial weights, once per seed, and the streams."""
        plan, device = members[0].plan, self._X.device
        made: dict[int, tuple[Tensors, torch.Tensor]] = {}
        known: dict[Hashable, int] = {}
        weights, stream_of = [], []
        for member in members:
            seed, n_features = member.plan.seed, member.estimator.n_features_in_
            if seed not in made:
                with seeded(seed, plan.device):
                    named = member.estimator._network(n_features).named_parameters()
                    own = {name: each.detach().to(device) for name, each in named}
                    made[seed] = own, default_generator(device).get_state()
            own, state = made[seed]
            weights.append(own)
            n_rows, dropped = len(member.rows), dropouts(member.network, n_features)
            key = seed, n_rows, dropped
            if key not in known:
                known[key] = len(self._streams)
                how = {"seed": seed, "n_rows": n_rows, "batch_size": plan.batch_size}
                self._streams.append(Stream(state, device, **how, dropouts=dropped))
            stream_of.append(known[key])
        return weights, stream_of

    def _step(self) -> list[int]:
        """Take a step; return the members whose epoch has ended."""
        alive = sorted({course.stream for course in self._courses})
        drawn = [self._streams[stream].draw() for stream in alive]
        place = {stream: i for i, stream in enumerate(alive)}
        of_member = np.array([place[course.stream] for course in self._courses])
        sizes = np.array([len(batch.positions) for batch in drawn])
        width = sizes.max()
        positions, share = np.zeros((len(alive), width), np.int64), np.zeros((len(alive), width))
        for i, (batch, n) in enumerate(zip(drawn, sizes, strict=True)):
            positions[i, :n], share[i, :n] = batch.positions.numpy(), 1 / n
        picked = positions[of_member]
        rows, targets = (np.take_along_axis(each, picked, 1) for each in self._trained_on)
        at = send(of_member, self._X.device)
        masks = []
        for layer in zip(*(batch.masks for batch in drawn), strict=True):
            room = layer[0].new_zeros(len(alive), width, layer[0].shape[1])
            for own, mask in zip(room, layer, strict=True):
                own[: len(mask)] = mask
            masks.append(room[at])
        found = self._stack.step(rows, targets, share[of_member], masks)
        self._sums += found * send(sizes[of_member].astype(np.float64), self._X.device)
        return [i for i, at_end in enumerate(of_member) if drawn[at_end].is_last]

    def _end_epochs(self, ended: list[int]) -> None:
        at = torch.tensor(ended, device=self._X.device)
        sums = self._sums[:, at].cpu().numpy()
        self._sums[:, at] = 0
        now = time.perf_counter()
        validated = self._validate(ended)
        improved, leaving = [], []
        for i, own in zip(ended, sums.T, strict=True):
            course = self._courses[i]
            member, epoch = course.member, len(course.history) + 1
            row = {
                f"train_{part}": float(total / len(member.rows))
                for part, total in zip(_PARTS, own, strict=True)
            }
            if i in validated:
                row.update(validated[i])
                if row["valid_cross_entropy"] < course.least:
                    course.least, course.best_epoch, course.n_misses = (
                        row["valid_cross_entropy"],
                        epoch,
                        0,
                    )
                    improved.append(i)
                else:
                    course.n_misses += 1
            # Members share the time equally.
            seconds = (now - course.begun) / len(self._courses)
            course.history.append({"epoch": epoch, "seconds": seconds, **dict(sorted(row.items()))})
            course.begun = now
            self._epoch_ended(member, epoch)
            is_lost = math.isnan(row["train_loss"]) and self._stack.has_nan(i)
            has_stopped = i in validated and course.n_misses >= member.plan.patience
            if is_lost or has_stopped or epoch >= member.plan.max_epochs:
                leaving.append(i)
        self._stack.keep_best(improved)
        if leaving:
            self._let_go(leaving)

    def _validate(self, ended: list[int]) -> dict[int, dict[str, float]]:
        """Evaluate the members that have held-out rows, in the batches of a single fit."""
        measured = {i: np.zeros(4) for i in ended if self._courses[i].member.held_rows is not None}
        start, left = 0, list(measured)
        while left:
            picked = []
            for i in left:
                member = self._courses[i].member
                held, targets = member.held_rows, member.held_targets
                if held is None or targets is None:
                    raise TypeError("only members with rows held out are validated")
                positions = np.arange(start, min(start + self._batch_size, len(held)))
                picked.append((held, targets, positions))
            width = max(len(positions) for *_, positions in picked)
            found = self._stack.validate(left, *_filled(picked, width))
            for i, (held, _, positions), own in zip(left, picked, found.T, strict=True):
                measured[i] += own * len(positions) / len(held)
            start += self._batch_size
            left = [i for i, (held, *_) in zip(left, picked, strict=True) if start < len(held)]
        names = (*_PARTS, "accuracy")
        return {
            i: {f"valid_{name}": float(value) for name, value in zip(names, own, strict=True)}
            for i, own in measured.items()
        }

    def _let_go(self, leaving: list[int]) -> None:
        for i in leaving:
            course = self._courses[i]
            self._finished(course.member, self._outcome(i, course))
        staying = [i for i in range(len(self._courses)) if i not in set(leaving)]
        self._courses = [self._courses[i] for i in staying]
        rows, targets = self._trained_on
        self._trained_on = rows[staying], targets[staying]
        self._stack.keep_only(staying)
        self._sums = self._sums[:, torch.tensor(staying, dtype=torch.int64).to(self._X.device)]

    def _outcome(self, i: int, course: _Course) -> Trained | TrainingError:
        member = course.member
        network = member.network
        weights = self._stack.weights_of(i, best=course.best_epoch > 0)
        network.load_state_dict(weights, assign=True)
        network = network.eval()
        for each in network.parameters():
            each.requires_grad_()
        first = torch.from_numpy(member.rows[: member.plan.batch_size]).to(self._X.device)
        is_finite = math.isfinite(course.history[-1]["train_loss"])
        if not is_finite or not is_sound(network, self._X[first]):
            return TrainingError(DIVERGED)
        return Trained(network, course.history, course.best_epoch or len(course.history))


def _padded(given: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Stack arrays, and pad the short ones with their first entry."""
    padded = np.empty((len(given), max(map(len, given))), np.int64)
    for row, own in zip(padded, given, strict=True):
        row[: len(own)], row[len(own) :] = own, own[0]
    return padded


_Picked = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def _filled(
    picked: Sequence[_Picked], width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return rows, targets and shares of one batch per member, padded with a first row."""
    rows = np.empty((len(picked), width), np.int64)
    targets = np.empty_like(rows)
    share = np.zeros(rows.shape)
    for i, (of_member, targets_of_member, positions) in enumerate(picked):
        n = len(positions)
        rows[i, :n], targets[i, :n] = of_member[positions], targets_of_member[positions]
        rows[i, n:], targets[i, n:] = of_member[0], targets_of_member[0]
        share[i, :n] = 1 / n
    return rows, targets, share
