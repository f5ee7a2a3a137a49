"""Tests that every foundation model must pass; any package can run them on its own model.

Write a subclass whose `load` returns the model, and let pytest collect it::

    from reno_store.foundation_models.testing import FoundationModelContract

    class TestMyModel(FoundationModelContract):
        def load(self, device="cpu"):
            return MyModel(device=device)

        def load_changed(self):
            return MyModel(weights="others.safetensors")

The built-in models pass the same suite. All waveforms in it are sampled at the model's
`sample_rate_hz`: a model never resamples, `embed_files` and `build_store` do.
"""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from reno_store.foundation_models import FoundationModel, Waveform
from reno_store.foundation_models.checking import relative_errors

__all__ = ["FoundationModelContract"]

_PARTS = ("weights", "preprocessing", "layer", "pooling", "precision", "code")


class FoundationModelContract:
    """Tests of shape, type, finiteness, batch invariance, determinism and fingerprint.

    Attributes
    ----------
    tolerance : float
        Relative error up to which an embedding counts as the same in any batch.
    """

    tolerance: float = 1e-5

    def load(self) -> FoundationModel:
        """Return the model, loaded anew at every call."""
        raise NotImplementedError("a contract needs load(), which returns the model to test")

    def load_changed(self) -> FoundationModel | None:
        """Return the model with other weights, or None if it has no weights."""
        return None

    def clips(self, model: FoundationModel) -> list[Waveform]:
        """Return clips at ``model.sample_rate_hz``: many lengths and levels, and the shortest."""
        random = np.random.default_rng(0)
        least, rate = model.min_samples, model.sample_rate_hz
        seconds = (0.4, 0.0, 1.1, 0.25, 0.7, 2.1)
        levels = (0.1, 0.5, 0.9, 0.01, 0.3, 0.2)
        clips: list[Waveform] = []
        for duration_s, level in zip(seconds, levels, strict=True):
            n_samples = max(least, int(duration_s * rate) + len(clips))
            n_samples = n_samples if duration_s else least
            clips.append(_noise(random, n_samples, level))
        return clips

    def test_has_every_attribute(self) -> None:
        """It is a FoundationModel, with sensible numbers."""
        model = self.load()
        assert isinstance(model, FoundationModel)
        for name in ("sample_rate_hz", "min_samples", "dim"):
            value = getattr(model, name)
            assert isinstance(value, int), f"{name} is {value!r}; expected an int"
            assert value >= 1, f"{name} is {value}; expected at least 1"

    def test_gives_one_finite_row_of_float32_for_each_clip(self) -> None:
        """Shape (n_clips, dim), float32, no NaN."""
        model = self.load()
        clips = self.clips(model)
        embeddings = model.embed(clips)
        assert isinstance(embeddings, np.ndarray)
        assert embeddings.shape == (len(clips), model.dim)
        assert embeddings.dtype == np.float32
        assert np.isfinite(embeddings).all()

    def test_gives_no_row_for_no_clip(self) -> None:
        """An empty batch is a batch."""
        model = self.load()
        assert model.embed([]).shape == (0, model.dim)

    def test_row_depends_on_its_clip_and_not_on_its_company(self) -> None:
        """Batch invariance: the row of a clip is the same alone, in any batch and any order."""
        model = self.load()
        clips = self.clips(model)
        alone = np.concatenate([model.embed([clip]) for clip in clips])
        random = np.random.default_rng(1)
        for n_clips in (2, 3, len(clips), len(clips)):
            chosen = random.permutation(len(clips))[:n_clips]
            together = model.embed([clips[index] for index in chosen])
            worst = relative_errors(together, alone[chosen]).max()
            assert worst <= self.tolerance, (
                f"in a batch of {n_clips} an embedding changed by {worst:.1e} of its length; "
                f"at most {self.tolerance:.0e} is allowed"
            )

    def test_clips_that_differ_get_rows_that_differ(self) -> None:
        """The model does not ignore its input."""
        model = self.load()
        clips = self.clips(model)
        embeddings = model.embed([clips[0], clips[-1]])
        assert not np.allclose(embeddings[0], embeddings[1], rtol=1e-3, atol=0)

    def test_silence_at_the_end_is_part_of_a_clip(self) -> None:
        """Zeros at the end of a clip are not mistaken for padding."""
        model = self.load()
        clip = self.clips(model)[0]
        longer = np.pad(clip, (0, model.sample_rate_hz))
        embeddings = model.embed([clip, longer])
        assert relative_errors(embeddings[:1], embeddings[1:]).max() > 10 * self.tolerance

    def test_gives_the_same_bits_every_time(self) -> None:
        """Determinism; the global random state is neither used nor changed."""
        model = self.load()
        clips = self.clips(model)
        before = str(np.random.get_state(legacy=False))  # noqa: NPY002
        first = model.embed(clips)
        after = str(np.random.get_state(legacy=False))  # noqa: NPY002
        assert before == after, "the global random state changed"
        assert np.array_equal(first, model.embed(clips))
        assert np.array_equal(first, self.load().embed(clips))

    def test_leaves_its_input_alone(self) -> None:
        """Waveforms may be read-only and stay unchanged."""
        model = self.load()
        clips = self.clips(model)
        copies = [clip.copy() for clip in clips]
        for clip in clips:
            clip.flags.writeable = False
        model.embed(clips)
        assert all(np.array_equal(*pair) for pair in zip(clips, copies, strict=True))

    def test_shortest_clip_is_taken_and_a_shorter_one_refused(self) -> None:
        """A clip of `min_samples` works, a shorter one raises an error."""
        model = self.load()
        random = np.random.default_rng(2)
        shortest = _noise(random, model.min_samples, 0.1)
        assert np.isfinite(model.embed([shortest])).all()
        message = ""
        try:
            model.embed([_noise(random, model.min_samples + 999, 0.1), shortest[:-1]])
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
        assert message, f"a clip of {model.min_samples - 1} samples was not refused"
        assert str(model.min_samples) in message, (
            f"the error does not name the shortest length: {message}"
        )

    def test_longest_clip_is_taken_and_a_longer_one_refused(self) -> None:
        """A model with ``max_samples`` embeds a clip of that length, and refuses a longer one."""
        model = self.load()
        longest = getattr(model, "max_samples", None)
        if longest is None:
            return
        assert isinstance(longest, int), f"max_samples is {longest!r}; expected an int or None"
        clip = _noise(np.random.default_rng(3), longest + 1, 0.1)
        assert np.isfinite(model.embed([clip[:-1]])).all()
        message = ""
        try:
            model.embed([clip])
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
        assert str(longest) in message, (
            f"a clip of {longest + 1} samples was not refused: {message}"
        )

    def test_fingerprint_is_json_with_every_part(self) -> None:
        """It can be stored and compared, and is complete."""
        fingerprint = dict(self.load().fingerprint)
        assert json.loads(json.dumps(fingerprint)) == fingerprint
        missing = [part for part in _PARTS if part not in fingerprint]
        assert not missing, f"the fingerprint has no {', '.join(missing)}"

    def test_fingerprint_is_the_same_every_time(self) -> None:
        """Otherwise every later build would be refused as stale."""
        assert _canonical(self.load()) == _canonical(self.load())

    def test_fingerprint_changes_with_the_weights(self) -> None:
        """Otherwise a store would mix embeddings of different weights."""
        changed = self.load_changed()
        if changed is None:
            return
        model = self.load()
        clips = self.clips(model)
        assert relative_errors(model.embed(clips), changed.embed(clips)).max() > self.tolerance
        assert _canonical(model) != _canonical(changed)


def _noise(random: np.random.Generator, n_samples: int, level: float) -> NDArray[np.float32]:
    return (level * random.uniform(-1, 1, n_samples)).astype(np.float32)


def _canonical(model: FoundationModel) -> str:
    return json.dumps(dict(model.fingerprint), sort_keys=True)
