"""Every built-in model passes the suite that other packages test theirs with; faulty ones fail."""

import itertools

import numpy as np
import pytest
import torch
from factories.audio_mamba_checkpoints import write_ssam_checkpoint
from factories.checkpoints import write_checkpoint
from factories.encoders import KINDS, write_encoder

from reno_store.foundation_models import load_model
from reno_store.foundation_models.testing import FoundationModelContract

KIN = {"whisper", "clap", "granite_speech", "parakeet_encoder"}
"""Covered by other choices (another context, with fusion, with a head), or never batched."""

CHOICES = {
    "mfcc": "mfcc",
    "logmel": "logmel",
    "egemaps": "egemaps",
    "audio-mamba": "ssam",
    "audio-mamba, other layers and pooling": "ssam?layer=all&pool=mean+max",
    "wavlm": "wavlm",
    "wavlm, batched": "wavlm",
    "data2vec-audio, batched": "data2vec-audio",
    "wav2vec2-conformer, batched": "wav2vec2-conformer",
    "whisper, full": "whisper",
    "whisper, clip, batched": "whisper?context=clip",
    **{f"{kind}, batched": kind for kind in KINDS if kind not in KIN},
    "wavlm, another layer and pooling, batched": "wavlm?layer=1&pool=mean+std",
}


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """Checkpoints of each kind, with weights from either of two seeds."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def write(kind, seed):
        here = folder / f"{kind}-{seed}"
        if not here.exists():
            if kind == "ssam":
                write_ssam_checkpoint(here, seed=seed)
            elif kind in KINDS:
                write_encoder(here, kind, seed=seed)
            else:
                write_checkpoint(here, kind, seed=seed)
        return here

    return write


class TestBuiltInModels(FoundationModelContract):
    @pytest.fixture(autouse=True, params=CHOICES)
    def _choose(self, request, folder_of):
        if request.param == "egemaps":
            pytest.importorskip("opensmile")
        self.kind, _, self.options = CHOICES[request.param].partition("?")
        self.batched = request.param.endswith("batched")
        self.folder_of = folder_of

    def load(self, seed=0):
        if self.kind in {"mfcc", "logmel", "egemaps"}:
            return load_model(self.kind)
        source = "ssam" if self.kind == "ssam" else "hf"
        options = f"?{self.options}" if self.options else ""
        folder = self.folder_of(self.kind, seed)
        return load_model(f"x={source}:{folder}{options}", batched=self.batched or None)

    def load_changed(self):
        return None if self.kind in {"mfcc", "logmel", "egemaps"} else self.load(seed=1)

    def test_batched_models_are_batched(self):
        if self.batched:
            assert self.load()._batched

    def test_random_state_of_torch_neither_matters_nor_moves(self):
        model = self.load()
        clips = self.clips(model)[:2]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            before = torch.get_rng_state()
            first = model.embed(clips)
            assert torch.equal(torch.get_rng_state(), before)
            torch.manual_seed(1)
            np.testing.assert_array_equal(model.embed(clips), first)

    def test_no_other_kind_has_its_fingerprint(self):
        fingerprint = dict(self.load().fingerprint)
        others = [kind for kind in ("mfcc", "logmel") if kind != self.kind]
        assert all(dict(load_model(kind).fingerprint) != fingerprint for kind in others)


MOMENTS = itertools.count()


class Levels:
    """A right model, and a seam for each way of being wrong."""

    sample_rate_hz, min_samples, dim = 8000, 10, 3

    def __init__(self, weight=1.0):
        self.weight = weight
        self.fingerprint = {
            "weights": weight,
            "preprocessing": "none",
            "layer": "none",
            "pooling": "statistics",
            "precision": "float64",
            "code": 1,
        }

    def embed(self, waveforms):
        for waveform in waveforms:
            if len(waveform) < self.min_samples:
                raise ValueError(f"at least {self.min_samples} samples are needed")
        rows = [self.weight * self.describe(waveform) for waveform in waveforms]
        return np.array(rows, np.float32).reshape(-1, self.dim)

    def describe(self, waveform):
        return np.array([waveform.mean(), waveform.std(), np.abs(waveform).max()])


class NoDimension(Levels):
    dim = None


class Double(Levels):
    def embed(self, waveforms):
        return super().embed(waveforms).astype(np.float64)


class NotANumber(Levels):
    def describe(self, waveform):
        return super().describe(waveform) * (np.nan if len(waveform) == self.min_samples else 1)


class OneRowTooFew(Levels):
    def embed(self, waveforms):
        return super().embed(waveforms)[: max(1, len(waveforms) - 1)]


class FailsOnNothing(Levels):
    def embed(self, waveforms):
        return super().embed(waveforms) if len(waveforms) else np.empty((0,), np.float32)


class Padded(Levels):
    """What everybody writes."""

    def embed(self, waveforms):
        longest = max((len(waveform) for waveform in waveforms), default=0)
        padded = [np.pad(waveform, (0, longest - len(waveform))) for waveform in waveforms]
        super().embed(waveforms)
        return super().embed(padded)


class NormalisedOverTheBatch(Levels):
    def embed(self, waveforms):
        rows = super().embed(waveforms)
        return rows - rows.mean(0) if len(rows) > 1 else rows


class Deaf(Levels):
    def describe(self, waveform):
        return np.array([0.5, 0.25, 0.125])


class TakesSilenceOff(Levels):
    def describe(self, waveform):
        return super().describe(np.trim_zeros(waveform, "b"))


class Noisy(Levels):
    def describe(self, waveform):
        return super().describe(waveform) + np.random.default_rng().normal(0, 1e-4, 3)


class MovesTheGlobalState(Levels):
    def describe(self, waveform):
        np.random.random()  # noqa: NPY002
        return super().describe(waveform)


class ScalesInPlace(Levels):
    def describe(self, waveform):
        waveform *= 0.5
        return super().describe(waveform)


class TakesTooShort(Levels):
    def embed(self, waveforms):
        return np.array([self.describe(each) for each in waveforms], np.float32).reshape(-1, 3)


class RefusesTheShortest(Levels):
    def embed(self, waveforms):
        if any(len(waveform) == self.min_samples for waveform in waveforms):
            raise ValueError(f"at least {self.min_samples} samples are needed")
        return super().embed(waveforms)


class CutsLongClips(Levels):
    max_samples = 20_000

    def describe(self, waveform):
        return super().describe(waveform[: self.max_samples])


class WithoutPooling(Levels):
    def __init__(self, weight=1.0):
        super().__init__(weight)
        del self.fingerprint["pooling"]


class FingerprintWithArray(Levels):
    def __init__(self, weight=1.0):
        super().__init__(weight)
        self.fingerprint["code"] = (1, 2)


class FingerprintOfTheMoment(Levels):
    def __init__(self, weight=1.0):
        super().__init__(weight)
        self.fingerprint["code"] = next(MOMENTS)


class FingerprintWithoutWeights(Levels):
    def __init__(self, weight=1.0):
        super().__init__(weight)
        self.fingerprint["weights"] = "mine"


FAULTS = {
    NoDimension: "every_attribute",
    Double: "finite_row_of_float32",
    NotANumber: "finite_row_of_float32",
    OneRowTooFew: "finite_row_of_float32",
    FailsOnNothing: "no_row_for_no_clip",
    Padded: "not_on_its_company",
    NormalisedOverTheBatch: "not_on_its_company",
    Deaf: "clips_that_differ",
    TakesSilenceOff: "silence_at_the_end",
    Noisy: "same_bits_every_time",
    MovesTheGlobalState: "same_bits_every_time",
    ScalesInPlace: "leaves_its_input_alone",
    TakesTooShort: "a_shorter_one_refused",
    RefusesTheShortest: "a_shorter_one_refused",
    CutsLongClips: "a_longer_one_refused",
    WithoutPooling: "json_with_every_part",
    FingerprintWithArray: "json_with_every_part",
    FingerprintOfTheMoment: "same_every_time",
    FingerprintWithoutWeights: "changes_with_the_weights",
}
TESTS = [name for name in dir(FoundationModelContract) if name.startswith("test_")]


def contract(model_class):
    class Contract(FoundationModelContract):
        def load(self):
            return model_class()

        def load_changed(self):
            return model_class(weight=2.0)

    return Contract()


@pytest.mark.parametrize("name", TESTS)
def test_right_model_passes(name):
    getattr(contract(Levels), name)()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_fault_is_found_by_the_test_that_is_there_for_it(fault):
    (name,) = [name for name in TESTS if FAULTS[fault] in name]
    with pytest.raises((AssertionError, ValueError, TypeError)):
        getattr(contract(fault), name)()


def test_every_test_of_the_suite_finds_some_fault():
    assert {name for name in TESTS for part in FAULTS.values() if part in name} == set(TESTS)


def test_contract_without_a_model_says_what_it_lacks():
    with pytest.raises(NotImplementedError, match=r"load\(\)"):
        FoundationModelContract().load()
