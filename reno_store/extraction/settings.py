"""How the recordings of a build are embedded, whichever process does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.extraction.planning import default_batch_seconds
from reno_store.extraction.recordings import MAX_SECONDS, Recording
from reno_store.extraction.running import Task
from reno_store.extraction.windows import Windows
from reno_store.foundation_models import FoundationModel, ModelSpec, load_model
from reno_store.store import fingerprint_as_stored, storage_of

__all__ = ["Settings"]

_STRIPES_TOGETHER = 8
"""A padded batch needs clips of similar length, which few stripes do not have."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What `build_store` is given, apart from clips and models.

    Attributes
    ----------
    device : str
        A torch device.
    precision, storage : str
        Of the model, and of the stored numbers.
    batch_seconds : float, optional
        Seconds of audio in a batch; by default those of the device.
    max_seconds : float or None
        Maximum clip length; not used with windows.
    windows : Windows, optional
        How longer recordings are cut.
    """

    device: str = "cpu"
    precision: str = "float32"
    storage: str = "float32"
    batch_seconds: float | None = None
    max_seconds: float | None = MAX_SECONDS
    windows: Windows | None = None

    def load(self, spec: ModelSpec) -> FoundationModel:
        """Load a model; raises as `load_model`."""
        return load_model(spec, device=self.device, precision=self.precision)

    def fingerprint(self, fingerprint: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fingerprint of a model's embeddings as they are stored."""
        in_windows = self.windows.added_to(fingerprint) if self.windows else fingerprint
        return fingerprint_as_stored(in_windows, precision=self.storage)

    def task(
        self,
        recordings: Sequence[Recording],
        rows: NDArray[np.int64],
        is_missing: NDArray[np.bool_],
        stripe_rows: int | None = None,
    ) -> Task:
        """Return the task of embedding some recordings; see `Task`.

        Parameters
        ----------
        recordings, rows, is_missing
            As in `Task`.
        stripe_rows : int, optional
            Rows of a stripe, if clips are embedded stripe by stripe.
        """
        is_padded = not self.device.startswith("cpu")
        group_of = None
        if stripe_rows is not None:
            stripe_of = np.unique(rows // stripe_rows, return_inverse=True)[1]
            group_of = stripe_of // (_STRIPES_TOGETHER if is_padded else 1)
        return Task(
            recordings,
            rows,
            is_missing,
            self.batch_seconds or default_batch_seconds(self.device),
            self.max_seconds,
            padded=is_padded,
            largest=storage_of(self.fingerprint({})).largest,
            windows=self.windows,
            group_of=group_of,
        )
