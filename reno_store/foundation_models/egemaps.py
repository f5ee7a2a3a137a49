"""eGeMAPS: 88 functionals of voice quality, pitch and loudness, computed by openSMILE.

Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for Voice Research
and Affective Computing", IEEE Transactions on Affective Computing 7(2), 2016; version 02.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora.audio import PREPROCESSING
from reno_store.errors import ModelError
from reno_store.foundation_models.protocol import Waveform, refuse_short

__all__ = ["EgemapsFunctionals"]

_SAMPLE_RATE_HZ = 16_000
_CODE_VERSION = 1


class EgemapsFunctionals:
    """openSMILE's eGeMAPSv02 functionals; see `FoundationModel` for attributes and `embed`.

    Raises
    ------
    ModelError
        If the package opensmile is not installed.
    """

    sample_rate_hz: int = _SAMPLE_RATE_HZ
    min_samples: int = 960  # one 60 ms window of its pitch tracker
    dim: int = 88

    def __init__(self) -> None:
        try:
            import opensmile
        except ImportError:
            raise ModelError(
                "egemaps needs the package opensmile, which is not installed. Install it: "
                "pip install 'reno-store[egemaps]' (free for research; see its licence)."
            ) from None
        self._smile = opensmile.Smile(
            opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals
        )
        self.fingerprint: Mapping[str, Any] = {
            "kind": "egemaps",
            "weights": "none",
            "preprocessing": {**PREPROCESSING, "sampling_rate": _SAMPLE_RATE_HZ},
            "layer": "none",
            "pooling": "functionals",
            "precision": "float32",
            "code": _CODE_VERSION,
            "opensmile": opensmile.__version__,
            "feature_set": "eGeMAPSv02",
        }

    def embed(self, waveforms: Sequence[Waveform]) -> NDArray[np.float32]:
        """Embed clips sampled at `sample_rate_hz`; see `FoundationModel.embed`."""
        refuse_short(waveforms, self, "the longest window of eGeMAPS")
        # In a separate thread: openSMILE calls back into Python, and a Ctrl-C that arrives
        # there would be lost, and the clip with it.
        pool = ThreadPoolExecutor(1)
        try:
            rows = list(pool.map(self._describe, waveforms))
        finally:
            pool.shutdown(cancel_futures=True)
        return np.asarray(rows, np.float32).reshape(len(rows), self.dim)

    def _describe(self, waveform: Waveform) -> NDArray[np.float32]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the build finds and reports NaN
            functionals = self._smile.process_signal(waveform, self.sample_rate_hz)
        row: NDArray[np.float32] = functionals.to_numpy(np.float32)[0]
        return row
