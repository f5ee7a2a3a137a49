"""Random sequences of what may happen to a store, compared with a dictionary."""

import tempfile
import uuid

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reno_store.errors import MergeConflictError, StaleStoreError
from reno_store.exchange.merging import merge_stores
from reno_store.extraction.stripes import deal
from reno_store.runtime.places import open_place, remove_tree
from reno_store.store import ModelWriter, StoreReader, StoreWriter, find_damage, schema

DIM = 3
MODELS = st.sampled_from(["m", "n"])
ALL = {"labels", "audio", "model"}
FAST = settings(stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it is done."""


def vector(model, recording, weights):
    seed = [sum(map(ord, model)), recording, weights]
    return np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)


class StoreMachine(RuleBasedStateMachine):
    """What must be there: clips in order, their recordings and labels, embeddings by model."""

    def __init__(self):
        super().__init__()
        self.chunk_rows, schema.EMBEDDING_CHUNK_ROWS = schema.EMBEDDING_CHUNK_ROWS, 2
        self.folder = self.make_folder()
        self.path = self.folder / "s"
        self.clips, self.recording, self.label = [], {}, {}
        self.weights = {"m": 0, "n": 0}
        self.stored = {}  # what the store must hold: clip -> (recording, label)
        self.embedded = {}  # model -> {clip: vector}
        self.stored_weights = {}
        self.n_recordings = 0

    def make_folder(self):
        return open_place(tempfile.mkdtemp(), "folder")

    @initialize(n_clips=st.integers(1, 4))
    def begin(self, n_clips):
        self.add(n_clips)

    def add(self, n_clips):
        for _ in range(n_clips):
            clip = f"clip{len(self.clips)}"
            self.clips.append(clip)
            self.n_recordings += 1
            self.recording[clip], self.label[clip] = self.n_recordings, "laugh"

    @rule(
        kind=st.sampled_from(["add", "record", "record", "copy", "label", "train"]),
        model=MODELS,
        data=st.data(),
    )
    def change(self, kind, model, data):
        """Something happens outside of the store."""
        clip, other = (data.draw(st.sampled_from(self.clips)) for _ in range(2))
        if kind == "add":
            self.add(data.draw(st.integers(1, 3)))
        elif kind == "record":
            self.n_recordings += 1
            self.recording[clip] = self.n_recordings
        elif kind == "copy":
            self.recording[clip] = self.recording[other]
        elif kind == "label":
            self.label[clip] = "cry" if self.label[clip] == "laugh" else "laugh"
        else:
            self.weights[model] += 1

    @rule(
        model=MODELS,
        refresh=st.sampled_from([ALL, ALL, ALL, {"labels"}, {"audio"}, {"labels", "model"}, set()]),
        kill_after=st.none() | st.integers(0, 6),
        order=st.randoms(use_true_random=False),
        n_shards=st.sampled_from([0, 1, 3]),
    )
    def build(self, model, refresh, kill_after, order, n_shards):
        self.build_once(model, refresh, kill_after, order, n_shards)

    @rule(
        model=MODELS,
        order=st.randoms(use_true_random=False),
        n_shards=st.sampled_from([0, 2]),
    )
    def build_to_the_end(self, model, order, n_shards):
        self.build_once(model, ALL, None, order, n_shards)

    def build_once(self, model, refresh, kill_after, order, n_shards):
        """Build alone, or with several shards of which each may be killed."""
        clips = order.sample(self.clips, len(self.clips))
        columns = self._columns(clips)
        fingerprint = self._fingerprint(model)
        any_embedded = {clip for rows in self.embedded.values() for clip in rows}
        stale = any(
            (self.stored[clip][1] != self.label[clip] and "labels" not in refresh)
            or (
                self.stored[clip][0] != self.recording[clip]
                and clip in any_embedded
                and "audio" not in refresh
            )
            for clip in self.stored
        )
        try:
            with StoreWriter.open(self.path) as writer:
                self._build(
                    writer, columns, clips, model, fingerprint, refresh, kill_after, n_shards
                )
        except StaleStoreError as error:
            if "was computed by" not in str(error):
                assert stale
        except Killed:
            pass
        else:
            assert not stale

    def _build(self, writer, columns, clips, model, fingerprint, refresh, kill_after, n_shards):
        stored = writer.put_clips("d", columns, refresh=refresh)
        for clip in clips:
            if clip in self.stored and self.stored[clip][0] != self.recording[clip]:
                for embedded in self.embedded.values():
                    embedded.pop(clip, None)
            self.stored[clip] = (self.recording[clip], self.label[clip])
        if not n_shards:
            with stored.writing(model, fingerprint, DIM, refresh=refresh) as target:
                self._embed(target, clips, stored.rows, model, kill_after)
            return
        stripe_rows = writer.stripe_rows("d", [model], anew="model" in refresh)
        killed = False
        for number in range(1, n_shards + 1):
            is_mine = deal(stored.rows, stripe_rows, n_shards) == number
            mine = [clip for clip, wanted in zip(clips, is_mine, strict=True) if wanted]
            part = stored.only(is_mine)
            try:
                with part.filling(model, fingerprint, DIM, refresh=refresh) as target:
                    self._embed(target, mine, part.rows, model, kill_after)
            except Killed:  # the others go on
                killed = True
        if killed:
            raise Killed

    def _embed(self, target, clips, rows, model, kill_after):
        known = self.embedded.get(model, {})
        if any(not np.array_equal(known[clip], self._vector(model, clip)) for clip in known):
            known = {}  # dropped for another model
        self.embedded[model] = known
        self.stored_weights[model] = self.weights[model]
        by_recording = {self.stored[clip][0] for clip in known}
        target.copy_known(rows)
        missing = set(target.missing(rows).tolist())
        for clip, row in zip(clips, rows.tolist(), strict=True):
            copied = self.stored[clip][0] in by_recording
            assert (row in missing) == (clip not in known and not copied), clip
            if row not in missing:
                known[clip] = self._vector(model, clip)
        todo = [pair for pair in zip(clips, rows.tolist(), strict=True) if pair[1] in missing]
        for done, (clip, row) in enumerate(todo):
            if done == kill_after:
                raise Killed
            target.put(np.array([row]), self._vector(model, clip)[None])
            known[clip] = self._vector(model, clip)

    @rule(model=MODELS, is_killed=st.booleans(), data=st.data())
    def merge(self, model, is_killed, data):
        """Another store, made of the world as it is now, is brought into this one."""
        clips = data.draw(st.lists(st.sampled_from(self.clips), min_size=1, unique=True))
        embedded = data.draw(st.lists(st.sampled_from(clips), unique=True))
        other = self.folder / "other"
        with StoreWriter.open(other) as writer:
            stored = writer.put_clips("d", self._columns(clips))
            with stored.writing(model, self._fingerprint(model), DIM) as target:
                for clip in embedded:
                    row = stored.rows[[clips.index(clip)]]
                    numbers = vector(model, self.recording[clip], self.weights[model])
                    target.put(row, numbers[None])
        stranger = model in self.embedded and self.stored_weights[model] != self.weights[model]
        conflict = stranger or any(
            self.stored[clip] != (self.recording[clip], self.label[clip])
            for clip in clips
            if clip in self.stored
        )
        put = ModelWriter.put

        def put_or_die(*arguments):
            if is_killed:
                raise Killed
            put(*arguments)

        ModelWriter.put = put_or_die
        try:
            merge_stores(other, self.path)
        except MergeConflictError:
            assert conflict
            return
        except Killed:
            embedded = []
        finally:
            ModelWriter.put = put
            remove_tree(other)
        assert not conflict
        self.stored.update({clip: (self.recording[clip], self.label[clip]) for clip in clips})
        self.stored_weights[model] = self.weights[model]
        known = self.embedded.setdefault(model, {})
        known.update({clip: self._vector(model, clip) for clip in embedded})

    @rule(model=MODELS)
    def remove(self, model):
        if model in self.embedded:
            with StoreWriter.open(self.path) as writer:
                writer.remove_model("d", model)
            del self.embedded[model]

    @invariant()
    def store_holds_what_it_must_and_nothing_else(self):
        if not self.stored:
            return
        reader = StoreReader(self.path)
        ids = reader.texts("d", "clip_id")
        assert sorted(ids) == sorted(self.stored)
        assert reader.texts("d", "label") == [self.stored[clip][1] for clip in ids]
        hashes = [f"{self.stored[clip][0]:064x}" for clip in ids]
        assert reader.texts("d", "audio_sha256") == hashes
        assert set(reader.models("d")) == set(self.embedded)
        for model, embedded in self.embedded.items():
            done = reader.done("d", model)
            assert {clip for clip, whole in zip(ids, done, strict=True) if whole} == set(embedded)
            rows = np.flatnonzero(done)
            for row, numbers in zip(rows, reader.embeddings("d", model, rows), strict=True):
                np.testing.assert_array_equal(numbers, embedded[ids[row]])
            assert find_damage(reader, "d", model) == []

    def _columns(self, clips):
        return {
            "clip_id": clips,
            "label": [self.label[clip] for clip in clips],
            "speaker": [""] * len(clips),
            "audio_sha256": [f"{self.recording[clip]:064x}" for clip in clips],
        }

    def _fingerprint(self, model):
        return {"weights": f"{model}{self.weights[model]}"}

    def _vector(self, model, clip):
        return vector(model, self.stored[clip][0], self.weights[model])

    def teardown(self):
        schema.EMBEDDING_CHUNK_ROWS = self.chunk_rows
        remove_tree(self.folder)


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(FAST, max_examples=4)


@pytest.mark.slow
class TestManyHistories(StoreMachine.TestCase):
    settings = settings(FAST, max_examples=100, stateful_step_count=40)


class BucketMachine(StoreMachine):
    """The same in a bucket, whose locks are leases."""

    def make_folder(self):
        return open_place(f"memory://{uuid.uuid4().hex}", "folder")


TestBucketMachine = BucketMachine.TestCase
TestBucketMachine.settings = settings(FAST, max_examples=2)


@pytest.mark.slow
class TestManyHistoriesInABucket(BucketMachine.TestCase):
    settings = settings(FAST, max_examples=50, stateful_step_count=40)
