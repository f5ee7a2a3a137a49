"""Any other encoder of audio in transformers: one clip at a time, the mean over all frames.

What follows is not known about such an architecture: how padding changes it, which of its frames
a clip covers, and whether it is deterministic. So clips never share a batch, all frames that it
returns are pooled, and a model is used only after it has passed `FoundationModelContract`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from reno_store.errors import ModelError, Remedy
from reno_store.foundation_models.huggingface.families.base import Family, Frames
from reno_store.foundation_models.protocol import FoundationModel, Waveform

__all__ = ["WAYS_OUT", "Generic", "check_contract"]

WAYS_OUT = (
    Remedy(
        "Import embeddings that another program has computed",
        {"source": ..., "store": ..., "dataset": ..., "model": ..., "provenance": ...},
        "import_embeddings",
    ),
    Remedy(
        "Or write a class with the interface of FoundationModel and register it under the "
        "entry-point group reno_store.foundation_models"
    ),
)
"""What to do about an encoder that cannot be used."""

# Where feature extractors keep the number of samples to which they cut a clip.
_LIMITS = ("n_samples", "nb_max_samples")
_TRIAL_S = 1.0


@dataclass(frozen=True, slots=True)
class _AllFrames:
    """Whatever the encoder returns."""

    shortest: int

    def after(self, n_samples: int) -> int:
        return n_samples  # there are never more frames than samples


@dataclass(frozen=True, slots=True)
class Generic(Family):
    """An architecture without an entry of its own.

    Attributes
    ----------
    processor : object
        The feature extractor, whose whole output goes to the encoder.
    n_features : int
        Width of a frame.
    shortest : int
        Length of the shortest clip, in samples.
    """

    extractor: str = ""
    settings: tuple[str, ...] = ()
    one_by_one_because: str = "its architecture has no exact batches in reno-store"
    only_last_because: str = "its architecture has no other layers in reno-store"
    processor: Any = None
    n_features: int = 0
    shortest: int = 1

    def fitted(self, encoder: Any, extractor: Any) -> Generic:
        """Find out by trial how wide a frame is and how short a clip may be.

        Raises
        ------
        ModelError
            If the encoder does not turn a clip into frames.
        """
        trial = replace(self, extractor=type(extractor).__name__, processor=extractor)
        encoder = encoder.eval()
        rate_hz = int(extractor.sampling_rate)
        try:
            frames = trial._frames_of(encoder, int(_TRIAL_S * rate_hz))
        # An encoder that expects something else raises almost anything.
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise ModelError(
                f"it does not embed a clip: {type(error).__name__}: {reason}"
            ) from None
        least, enough = 0, int(_TRIAL_S * rate_hz)
        while enough - least > 1:
            middle = (least + enough) // 2
            try:
                works = bool(trial._frames_of(encoder, middle).isfinite().all())
            except Exception:
                works = False
            least, enough = (least, middle) if works else (middle, enough)
        return replace(trial, n_features=frames.shape[-1], shortest=enough)

    def _frames_of(self, encoder: Any, n_samples: int) -> torch.Tensor:
        noise = np.random.default_rng(0).normal(0, 0.1, (1, n_samples)).astype(np.float32)
        with torch.inference_mode():
            hidden = getattr(self.run(encoder, torch.from_numpy(noise)), "last_hidden_state", None)
        if not isinstance(hidden, torch.Tensor) or hidden.ndim != 3 or not hidden.shape[1]:
            raise TypeError("it returns no last_hidden_state of shape (clips, frames, features)")
        return hidden

    def encoder(self, model: Any) -> Any:
        """Return the encoder of an encoder-decoder model, or the model."""
        return model.get_encoder() if model.config.is_encoder_decoder else model

    def parts_of(self, model: Any) -> tuple[str, ...]:
        """Return all parts of the model."""
        return tuple(f"{name}." for name, _ in model.named_children())

    def described(self, extractor: Any) -> Mapping[str, Any]:
        """Return all settings of the extractor, because which of them matter is not known."""
        plain = (str, int, float, bool, type(None))
        return {
            key: value
            for key, value in sorted(extractor.to_dict().items())
            if isinstance(value, plain) and key != "processor_class"
        }

    def frames(self, config: Any, extractor: Any) -> Frames:
        """Return that all frames of the encoder cover the clip."""
        return _AllFrames(self.shortest)

    def longest(self, config: Any, extractor: Any) -> int | None:
        """Return where the extractor would cut a clip, if it says so."""
        limits = [getattr(extractor, name, None) for name in _LIMITS]
        return next((limit for limit in limits if isinstance(limit, int)), None)

    def n_layers(self, config: Any) -> int:
        """Return 1: layers cannot be chosen."""
        return 1

    def width(self, config: Any) -> int:
        """Return the width of a frame."""
        return self.n_features

    def adapter_width(self, config: Any) -> int | None:
        """Return None: whatever comes last is the output."""
        return None

    def prepare(self, extractor: Any, waveform: Waveform) -> torch.Tensor:
        """Return the waveform; the extractor's whole output is needed in `run`."""
        return torch.from_numpy(np.array(waveform, np.float32))

    def run(self, encoder: Any, batch: torch.Tensor, **arguments: Any) -> Any:
        """Run extractor and encoder on one clip."""
        rate_hz = self.processor.sampling_rate
        with torch.autocast("cpu", enabled=False):  # spectrograms need the range of float32
            made = self.processor(
                batch[0].cpu().numpy(), sampling_rate=rate_hz, return_tensors="pt"
            )
        taken = inspect.signature(encoder.forward).parameters
        inputs = {key: value for key, value in made.items() if key in taken}
        if self.processor.model_input_names[0] not in inputs:
            raise TypeError(f"it takes no {self.processor.model_input_names[0]}")
        moved = {
            key: value.to(batch.device, torch.float32 if value.is_floating_point() else None)
            for key, value in inputs.items()
        }
        return encoder(**moved)


def check_contract(model: FoundationModel) -> None:
    """Check that a model keeps the rules that every foundation model keeps.

    Raises
    ------
    ModelError
        With the first rule that it breaks.
    """
    from reno_store.foundation_models.testing import FoundationModelContract

    class Contract(FoundationModelContract):
        def load(self) -> FoundationModel:
            return model

        def clips(self, model: FoundationModel) -> list[Waveform]:
            return super().clips(model)[:4]

    contract = Contract()
    for name in (name for name in dir(contract) if name.startswith("test_")):
        try:
            getattr(contract, name)()
        except Exception as error:
            rule = (getattr(contract, name).__doc__ or name).partition("\n")[0]
            reason = str(error).partition("\n")[0]
            raise ModelError(f"it breaks a rule of foundation models: {rule} {reason}") from None
