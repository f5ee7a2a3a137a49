"""How exact a model's precisions and batches are, and what is on this machine."""

from types import SimpleNamespace

import numpy as np
import pytest
from factories.checkpoints import write_checkpoint

from reno_store.foundation_models import CATALOGUE, PRECISIONS, load_model
from reno_store.foundation_models.checking import PrecisionCheck, check_model, trial_clips


class Scaled:
    """Tells a clip's level in each of three numbers, off by known shares."""

    sample_rate_hz, min_samples, dim = 16_000, 400, 3

    def __init__(self, precision, alone=0.0, together=0.0, one_by_one_because=None):
        self.fingerprint = {"precision": precision}
        self.alone, self.together = alone, together
        if one_by_one_because is not None:
            self.one_by_one_because = one_by_one_because
        self.seen = []

    def embed(self, waveforms):
        self.seen.append([len(waveform) for waveform in waveforms])
        levels = np.array([np.abs(waveform).mean() for waveform in waveforms])
        # The longer a clip, the more it is off: 1/8 of the share for 0.5 s, all of it for 4 s.
        shares = self.alone * np.array([len(waveform) for waveform in waveforms]) / 64_000
        factors = (1 + shares) * (1 + self.together * (len(waveforms) > 1))
        return np.outer(levels * factors, [1, 2, 3]).astype(np.float32)


def loading(**models):
    """A loader that gives the models and remembers what it was asked for."""
    asked = []

    def load(*, precision):
        asked.append(precision)
        return models[precision]

    return load, asked


class TestCheckModel:
    def test_errors_are_those_that_the_model_has(self):
        load, _ = loading(
            float32=Scaled("float32", together=1e-3),
            bfloat16=Scaled("bfloat16", alone=0.1, together=0.02),
            float16=Scaled("float16", alone=-0.01),
        )
        exact, coarse, finer = check_model(load)
        assert [exact.precision, coarse.precision, finer.precision] == list(PRECISIONS)
        assert (exact.median_error, exact.largest_error) == (0, 0)
        assert exact.batch_error == pytest.approx(1e-3, rel=0.01)
        # The lengths in the middle are 1.0 and 1.4 s of at most 4.
        assert coarse.median_error == pytest.approx(0.1 * 1.2 / 4, rel=0.01)
        assert coarse.largest_error == pytest.approx(0.1, rel=0.01)
        assert coarse.batch_error == pytest.approx(0.02, rel=0.01)
        assert finer.largest_error == pytest.approx(0.01, rel=0.01)
        assert finer.batch_error == 0

    def test_each_clip_goes_alone_and_then_all_together(self):
        model = Scaled("float32")
        check_model(loading(float32=model)[0], ["float32"])
        lengths = [len(clip) for clip in trial_clips(16_000)]
        alone = [[length] for length in lengths]
        assert [seen for seen in model.seen if len(seen) > 1] == [lengths]
        assert [seen for seen in model.seen if len(seen) == 1] == 2 * alone

    def test_speed_is_that_of_all_clips_together(self, monkeypatch):
        times = iter([100.0, 102.0, 200.0, 200.5])
        clock = SimpleNamespace(perf_counter=lambda: next(times))
        monkeypatch.setattr("reno_store.foundation_models.checking.time", clock)
        load, _ = loading(float32=Scaled("float32"), float16=Scaled("float16"))
        slow, fast = check_model(load, ["float32", "float16"])
        assert (slow.clips_a_second, fast.clips_a_second) == (8 / 2, 8 / 0.5)

    def test_float32_is_loaded_to_compare_with_even_if_nobody_asks_for_it(self):
        load, asked = loading(float32=Scaled("float32"), bfloat16=Scaled("bfloat16", alone=0.1))
        (check,) = check_model(load, ["bfloat16"])
        assert asked == ["float32", "bfloat16"]
        assert check.precision == "bfloat16"
        assert check.largest_error == pytest.approx(0.1, rel=0.01)

    def test_float32_is_loaded_once(self):
        load, asked = loading(float32=Scaled("float32"))
        check_model(load, ["float32"])
        assert asked == ["float32"]

    @pytest.mark.parametrize("precisions", [PRECISIONS, ["bfloat16"], ["float16", "bfloat16"]])
    def test_model_without_a_choice_gets_one_row(self, precisions):
        model = Scaled("float64")
        load, _ = loading(float32=model, bfloat16=model, float16=model)
        (check,) = check_model(load, precisions)
        assert check.precision == "float32"
        assert (check.median_error, check.largest_error, check.batch_error) == (0, 0, 0)

    @pytest.mark.parametrize("why", ["padding is not known here", "", None])
    def test_reason_for_going_one_by_one_is_handed_on(self, why):
        load, _ = loading(float32=Scaled("float32", one_by_one_because=why))
        (check,) = check_model(load, ["float32"])
        assert check.one_by_one_because == (why or "")

    def test_checkpoint_is_exact_in_batches_and_less_exact_in_short_types(self, tmp_path):
        folder = write_checkpoint(tmp_path / "tiny", "wav2vec2")

        def load(*, precision):
            return load_model(f"hf:{folder}", precision=precision, batched=True)

        exact, coarse, finer = check_model(load)
        assert exact.largest_error == 0
        assert exact.batch_error <= 1e-5
        assert 0.5 > coarse.largest_error > finer.largest_error > 1e-5
        for check in (coarse, finer):
            assert 0 < check.median_error <= check.largest_error
        assert [check.one_by_one_because for check in (exact, coarse, finer)] == ["", "", ""]

    def test_result_is_plain_numbers(self):
        (check,) = check_model(loading(float32=Scaled("float32"))[0], ["float32"])
        numbers = (check.median_error, check.largest_error, check.batch_error)
        assert [type(number) for number in (*numbers, check.clips_a_second)] == [float] * 4
        assert isinstance(check, PrecisionCheck)


class TestTrialClips:
    def test_they_are_eight_of_many_lengths(self):
        clips = trial_clips(16_000)
        seconds = [len(clip) / 16_000 for clip in clips]
        assert seconds == [0.3, 0.5, 0.8, 1.0, 1.4, 2.0, 2.8, 4.0]
        assert {clip.dtype for clip in clips} == {np.dtype(np.float32)}
        assert all(0.01 < np.abs(clip).max() <= 1 for clip in clips)

    def test_they_are_the_same_at_every_call(self):
        for one, other in zip(trial_clips(16_000), trial_clips(16_000), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_they_are_at_the_rate_of_the_model(self):
        assert [len(clip) for clip in trial_clips(8_000)][::7] == [2_400, 32_000]

    def test_none_is_shorter_than_the_model_can_take(self):
        assert [len(clip) for clip in trial_clips(16_000, 20_000)][:5] == [20_000] * 4 + [22_400]


class TestAvailability:
    def test_what_is_built_in_is_here(self):
        assert CATALOGUE["mfcc"].is_on_this_machine
        assert CATALOGUE["logmel"].is_on_this_machine

    def test_what_its_authors_share_by_hand_is_not(self):
        assert not CATALOGUE["audio-mamba-base"].is_on_this_machine

    def test_egemaps_is_here_where_opensmile_is(self, monkeypatch):
        found = {"opensmile": object()}
        monkeypatch.setattr("importlib.util.find_spec", found.get)
        assert CATALOGUE["egemaps"].is_on_this_machine
        found.clear()
        assert not CATALOGUE["egemaps"].is_on_this_machine

    @pytest.mark.parametrize("answer", [True, False])
    def test_hub_model_is_here_where_its_weights_are(self, monkeypatch, answer):
        asked = []

        def weights_are_here(location):
            asked.append(location)
            return answer

        place = "reno_store.foundation_models.huggingface.hub.weights_are_here"
        monkeypatch.setattr(place, weights_are_here)
        assert CATALOGUE["hubert-base"].is_on_this_machine is answer
        assert asked == ["facebook/hubert-base-ls960"]
