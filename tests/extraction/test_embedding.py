"""Batches through a model that runs out of memory, stumbles over a clip, or talks nonsense."""

import re
import weakref

import numpy as np
import pytest
import torch

from reno_store.errors import ModelError
from reno_store.extraction.embedding import BatchEmbedder
from reno_store.extraction.recordings import LoadedClip

RATE_HZ = 100

SHORTAGES = {
    "GPU": lambda: torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB."),
    "numpy": lambda: MemoryError("Unable to allocate 2 GiB"),
    "torch on a CPU": lambda: RuntimeError("DefaultCPUAllocator: can't allocate memory: 2 GiB"),
}


class FakeModel:
    """Says of each clip its value and its length; has room for so many padded samples."""

    sample_rate_hz = RATE_HZ
    min_samples = 1
    dim = 2
    fingerprint = {"model": "fake"}  # noqa: RUF012

    def __init__(self, room=float("inf"), shortage=SHORTAGES["GPU"]):
        self.room, self.shortage = room, shortage
        self.calls = []

    def embed(self, waveforms):
        self.calls.append([len(waveform) for waveform in waveforms])
        if len(self.calls) > 1000:
            raise SystemExit("asked without end")
        if max(self.calls[-1]) * len(waveforms) > self.room:
            raise self.shortage()
        return np.array([said_of(waveform) for waveform in waveforms], np.float32)

    @property
    def batch_sizes(self):
        return [len(call) for call in self.calls]


class FussyModel(FakeModel):
    """Raises for a batch in which there is a clip of 77 samples."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def embed(self, waveforms):
        rows = super().embed(waveforms)
        if 77 in self.calls[-1]:
            raise self.error
        return rows


def said_of(waveform):
    return [waveform[0], len(waveform)]


def clip(index, n_samples=100):
    return LoadedClip(index, np.full(n_samples, index / 64, np.float32))


def clips(*n_samples, first=0):
    return [clip(first + place, n) for place, n in enumerate(n_samples)]


def embed(model, batch, batch_seconds=1e9):
    return BatchEmbedder(model, batch_seconds).embed(batch)


def assert_right(embeddings, batch):
    """Every clip of the batch has its own embedding."""
    assert sorted(embeddings) == sorted(clip.index for clip in batch)
    for one in batch:
        assert embeddings[one.index].tolist() == said_of(one.waveform)


def test_batch_goes_through_the_model_in_one_piece():
    model, batch = FakeModel(), clips(30, 100, 50)
    embeddings, problems = embed(model, batch)
    assert_right(embeddings, batch)
    assert problems == {}
    assert model.calls == [[100, 50, 30]]


def test_embedding_is_a_float32_vector_whatever_the_model_computes_in():
    class Doubling(FakeModel):
        def embed(self, waveforms):
            return super().embed(waveforms).astype(np.float64)

    embeddings, _ = embed(Doubling(), clips(10, 10))
    assert {row.dtype for row in embeddings.values()} == {np.dtype(np.float32)}
    assert {row.shape for row in embeddings.values()} == {(2,)}


def test_embedding_may_come_as_nested_lists():
    class Listing(FakeModel):
        def embed(self, waveforms):
            return super().embed(waveforms).tolist()

    batch = clips(10, 20)
    embeddings, problems = embed(Listing(), batch)
    assert_right(embeddings, batch)
    assert problems == {}


def test_empty_batch_asks_the_model_nothing():
    model = FakeModel()
    assert embed(model, []) == ({}, {})
    assert model.calls == []


def test_clips_that_could_not_be_read_keep_their_problem_and_cost_no_other():
    model, batch = FakeModel(), clips(10, 20)
    embeddings, problems = embed(model, [LoadedClip(7, None, "gone"), *batch])
    assert_right(embeddings, batch)
    assert problems == {7: "gone"}
    assert model.calls == [[20, 10]]


def test_batch_of_which_nothing_could_be_read_asks_the_model_nothing():
    model = FakeModel()
    batch = [LoadedClip(3, None, "gone"), LoadedClip(1, None, "damaged")]
    assert embed(model, batch) == ({}, {3: "gone", 1: "damaged"})
    assert model.calls == []


class TestTooLittleMemory:
    @pytest.mark.parametrize("shortage", SHORTAGES.values(), ids=SHORTAGES)
    def test_batch_is_halved_until_it_fits(self, shortage):
        model, batch = FakeModel(250, shortage), clips(*[100] * 8)
        embeddings, problems = embed(model, batch)
        assert_right(embeddings, batch)
        assert problems == {}
        assert model.batch_sizes == [8, 4, 2, 2, 2, 2]

    def test_later_batches_are_as_short_from_the_start(self):
        model = FakeModel(250)
        embedder = BatchEmbedder(model, 8.0)
        embedder.embed(clips(*[100] * 8))
        model.calls.clear()
        batch = clips(*[100] * 8, first=8)
        embeddings, problems = embedder.embed(batch)
        assert_right(embeddings, batch)
        assert problems == {}
        assert model.batch_sizes == [2, 2, 2, 2]

    def test_later_batches_of_shorter_clips_have_as_many_samples(self):
        model = FakeModel(250)
        embedder = BatchEmbedder(model, 8.0)
        embedder.embed(clips(*[100] * 8))
        model.calls.clear()
        embedder.embed(clips(*[50] * 8))
        assert model.batch_sizes == [4, 4]

    def test_half_is_half_the_padded_length(self):
        model, batch = FakeModel(300), clips(*[100] * 4, *[50] * 4)
        embeddings, _ = embed(model, batch)
        assert_right(embeddings, batch)
        assert model.calls == [[100] * 4 + [50] * 4, [100] * 4, [100] * 2, [100] * 2, [50] * 4]

    def test_what_waits_of_the_same_batch_is_cut_again(self):
        model, batch = FakeModel(250), clips(*[100] * 8)
        embeddings, _ = embed(model, batch, batch_seconds=4.0)
        assert_right(embeddings, batch)
        assert model.batch_sizes == [4, 2, 2, 2, 2]

    @pytest.mark.parametrize("n_clips", [2, 3, 5, 7])
    def test_memory_for_one_clip_alone_is_enough(self, n_clips):
        model, batch = FakeModel(100), clips(*[100] * n_clips)
        embeddings, problems = embed(model, batch)
        assert_right(embeddings, batch)
        assert problems == {}
        assert model.batch_sizes[-n_clips:] == [1] * n_clips

    def test_clips_of_many_lengths_all_get_through(self):
        model = FakeModel(300)
        batch = clips(*np.random.default_rng(0).integers(1, 301, 60).tolist())
        embeddings, problems = embed(model, batch)
        assert_right(embeddings, batch)
        assert problems == {}

    @pytest.mark.parametrize("shortage", SHORTAGES.values(), ids=SHORTAGES)
    def test_clip_that_does_not_fit_alone_is_named_with_its_length_and_a_way_out(self, shortage):
        model, batch = FakeModel(250, shortage), clips(100, 260, 100)
        embeddings, problems = embed(model, batch)
        assert_right(embeddings, [batch[0], batch[2]])
        assert list(problems) == [1]
        first_line = str(shortage()).splitlines()[0]
        assert problems[1].startswith("its 2.6 s do not fit into memory")
        assert problems[1].endswith(f"({type(shortage()).__name__}: {first_line})")

    def test_clip_that_does_not_fit_is_named_where_the_error_says_nothing(self):
        _, problems = embed(FakeModel(50, MemoryError), clips(100))
        assert problems[0].startswith("its 1.0 s do not fit into memory")

    def test_clip_that_does_not_fit_alone_leaves_later_batches_as_they_are(self):
        model = FakeModel(250)
        embedder = BatchEmbedder(model, 2.5)
        embedder.embed(clips(260))
        model.calls.clear()
        embedder.embed(clips(100, 100))
        assert model.batch_sizes == [2]

    def test_tensors_of_the_try_are_let_go_before_memory_is_given_back(self, monkeypatch):
        held, were_alive = [], []

        class Hungry(FakeModel):
            def embed(self, waveforms):
                activations = np.zeros(10)
                held.append(weakref.ref(activations))
                return super().embed(waveforms)

        monkeypatch.setattr(
            "reno_store.extraction.embedding.free_memory",
            lambda: were_alive.append(held[-1]() is not None),
        )
        embed(Hungry(250), clips(*[100] * 4))
        assert were_alive == [False]


class TestOneBadClip:
    @pytest.mark.parametrize("place", [0, 1, 3])
    def test_costs_only_itself(self, place):
        lengths = [100, 90, 80]
        lengths.insert(place, 77)
        batch = clips(*lengths)
        bad = batch[place]
        model = FussyModel(IndexError("seven"))
        embeddings, problems = embed(model, batch)
        assert_right(embeddings, [one for one in batch if one is not bad])
        assert problems == {bad.index: "the model raised IndexError: seven"}
        assert model.batch_sizes == [4, 1, 1, 1, 1]

    def test_costs_no_other_batch_its_company(self):
        model = FussyModel(IndexError("seven"))
        embedder = BatchEmbedder(model, 1e9)
        embedder.embed(clips(100, 77))
        model.calls.clear()
        embedder.embed(clips(100, 100))
        assert model.batch_sizes == [2]

    def test_costs_no_other_piece_of_its_batch_its_company(self):
        model = FussyModel(IndexError("seven"))
        embeddings, problems = embed(model, clips(100, 77, 70, 70, 70), batch_seconds=2.1)
        assert list(problems) == [1]
        assert sorted(embeddings) == [0, 2, 3, 4]
        assert model.calls == [[100, 77], [100], [77], [70, 70, 70]]

    def test_is_told_in_the_models_own_words_where_it_has_some(self):
        model = FussyModel(ModelError("77 samples are too few. Record it again."))
        _, problems = embed(model, clips(100, 77))
        assert problems == {1: "77 samples are too few. Record it again."}

    def test_gives_numbers_that_are_not_finite(self):
        class Dividing(FakeModel):
            def embed(self, waveforms):
                rows = super().embed(waveforms)
                rows[[len(waveform) == 77 for waveform in waveforms]] = [np.nan, -np.inf]
                rows[[len(waveform) == 78 for waveform in waveforms], 1] = np.inf
                return rows

        model, batch = Dividing(), clips(100, 77, 78, 80)
        embeddings, problems = embed(model, batch)
        assert_right(embeddings, [batch[0], batch[3]])
        assert problems == {
            1: "the model returned 2 NaN or infinite numbers; nothing was stored",
            2: "the model returned 1 NaN or infinite numbers; nothing was stored",
        }
        assert model.batch_sizes == [4]


class TestWrongShape:
    class Shaping(FakeModel):
        def __init__(self, shape_of):
            super().__init__()
            self.shape_of = shape_of

        def embed(self, waveforms):
            return np.resize(super().embed(waveforms), self.shape_of(len(waveforms)))

    @pytest.mark.parametrize(
        "shape_of",
        [lambda n: (n, 3), lambda n: (2 * n,), lambda n: (n + 1, 2), lambda n: (n, 1, 2)],
    )
    def test_is_told_for_every_clip_with_both_shapes(self, shape_of):
        embeddings, problems = embed(self.Shaping(shape_of), clips(20, 10))
        assert embeddings == {}
        expected = f"the model returned shape {shape_of(1)} for 1 clip(s); expected (1, 2)"
        assert problems == {0: expected, 1: expected}

    def test_of_batches_alone_costs_nothing_but_time(self):
        batch = clips(20, 10)
        embeddings, problems = embed(self.Shaping(lambda n: (1, 2)), batch)
        assert_right(embeddings, batch)
        assert problems == {}

    def test_none_is_told_too(self):
        class Silent(FakeModel):
            def embed(self, waveforms):
                return None

        _, problems = embed(Silent(), clips(20))
        assert re.search(r"returned shape \(\) for 1 clip", problems[0])


class TestHeaderThatLied:
    def test_batch_that_turns_out_longer_than_planned_is_cut(self):
        model, batch = FakeModel(), clips(100, 100, 100, 500, 100)
        embeddings, problems = embed(model, batch, batch_seconds=5.0)
        assert_right(embeddings, batch)
        assert problems == {}
        assert model.calls == [[500], [100, 100, 100, 100]]

    def test_batch_that_is_exactly_as_long_as_planned_is_not_cut(self):
        model = FakeModel()
        embed(model, clips(100, 100, 100), batch_seconds=3.0)
        assert model.batch_sizes == [3]

    def test_clip_that_is_longer_than_a_batch_is_tried_alone(self):
        model, batch = FakeModel(), clips(1000)
        embeddings, _ = embed(model, batch, batch_seconds=1.0)
        assert_right(embeddings, batch)

    def test_limit_is_in_seconds_at_the_models_rate(self):
        model = FakeModel()
        model.sample_rate_hz = 50
        embed(model, clips(100, 100, 100), batch_seconds=4.0)
        assert model.batch_sizes == [2, 1]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("n_clips", [1, 3])
def test_who_wants_to_stop_is_not_taken_for_a_bad_clip(kind, n_clips):
    model = FussyModel(kind())
    with pytest.raises(kind):
        embed(model, clips(*[77] * n_clips))
    assert model.batch_sizes == [n_clips]
