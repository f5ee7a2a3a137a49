"""Batches of similar clips: nothing lost, nothing twice, and the same ones after a kill."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reno_store.extraction.planning import default_batch_seconds, plan_batches, split_by_length

LEAST_SHARE = 0.7
MOST_CLIPS = 512

seconds = st.one_of(
    st.floats(0.01, 80),
    st.sampled_from([0.5, 1.0, 2.0, 4.0, 30.0]),  # so that many are of one length
    st.just(float("nan")),
)


@st.composite
def manifests(draw):
    """Durations, which clips are missing, seconds a batch, whether batches are padded."""
    durations_s = np.array(draw(st.lists(seconds, max_size=50)), np.float64)
    flags = st.lists(st.booleans(), min_size=len(durations_s), max_size=len(durations_s))
    is_missing = np.array(draw(flags), np.bool_)
    return durations_s, is_missing, draw(st.floats(0.1, 200)), draw(st.booleans())


def plan(durations_s, is_missing=None, batch_seconds=10.0, padded=True):
    durations_s = np.array(durations_s, np.float64)
    if is_missing is None:
        is_missing = np.ones(len(durations_s), np.bool_)
    return plan_batches(durations_s, np.array(is_missing), batch_seconds, padded=padded)


def as_sets(batches):
    return sorted(sorted(batch) for batch in batches)


def by_length(durations_s, batches):
    """The lengths of the clips of each batch, the batch with the longest first."""
    return sorted((sorted(durations_s[batch], reverse=True) for batch in batches), reverse=True)


@settings(deadline=None)
@given(manifests())
def test_every_missing_clip_is_in_one_batch_and_no_other_clip_is(manifest):
    _, is_missing, _, _ = manifest
    planned = [clip for batch in plan(*manifest) for clip in batch]
    assert sorted(planned) == np.flatnonzero(is_missing).tolist()


@settings(deadline=None)
@given(manifests())
def test_no_batch_is_empty_and_indices_are_plain_integers(manifest):
    batches = plan(*manifest)
    assert all(batch for batch in batches)
    assert all(type(clip) is int for batch in batches for clip in batch)


@settings(deadline=None)
@given(manifests())
def test_padded_length_keeps_to_the_seconds_of_a_batch_unless_a_clip_is_alone(manifest):
    durations_s, _, batch_seconds, _ = manifest
    for batch in plan(*manifest):
        assert len(batch) == 1 or max(durations_s[batch]) * len(batch) <= batch_seconds


@settings(deadline=None)
@given(manifests())
def test_padded_batch_has_no_clip_much_shorter_than_its_longest(manifest):
    durations_s, is_missing, batch_seconds, _ = manifest
    for batch in plan(durations_s, is_missing, batch_seconds, padded=True):
        assert len(batch) == 1 or min(durations_s[batch]) >= LEAST_SHARE * max(durations_s[batch])


@settings(deadline=None)
@given(manifests())
def test_clip_of_unknown_length_goes_alone(manifest):
    durations_s, _, _, _ = manifest
    for batch in plan(*manifest):
        assert len(batch) == 1 or not np.isnan(durations_s[batch]).any()


@settings(deadline=None)
@given(manifests())
def test_batch_with_the_longest_missing_clip_comes_first(manifest):
    durations_s, is_missing, _, _ = manifest
    lengths = np.nan_to_num(durations_s, nan=np.inf)
    batches = plan(*manifest)
    if batches:
        assert max(lengths[batches[0]]) == max(lengths[is_missing])


@settings(deadline=None)
@given(manifests())
def test_clip_begins_a_batch_only_where_the_one_before_had_no_room(manifest):
    durations_s, _, batch_seconds, padded = manifest
    durations_s = durations_s[~np.isnan(durations_s)]
    batches = by_length(durations_s, plan(durations_s, None, batch_seconds, padded))
    for batch, following in itertools.pairwise(batches):
        is_full = batch[0] * (len(batch) + 1) > batch_seconds
        assert is_full or (padded and following[0] < LEAST_SHARE * batch[0])


@settings(deadline=None)
@given(manifests())
def test_same_manifest_is_planned_the_same_again(manifest):
    assert plan(*manifest) == plan(*manifest)


@settings(deadline=None, max_examples=200)
@given(manifests(), st.data())
def test_killed_build_goes_on_with_the_very_batches_that_it_would_have_had(manifest, data):
    durations_s, is_missing, batch_seconds, padded = manifest
    batches = plan(*manifest)
    is_done = data.draw(st.lists(st.booleans(), min_size=len(batches), max_size=len(batches)))
    still_missing = is_missing.copy()
    for batch, done in zip(batches, is_done, strict=True):
        still_missing[batch] = not done
    rest = plan(durations_s, still_missing, batch_seconds, padded)
    expected = [batch for batch, done in zip(batches, is_done, strict=True) if not done]
    assert as_sets(rest) == as_sets(expected)


@pytest.mark.parametrize("n_done", range(1, 8))
def test_build_killed_after_any_batch_goes_on_with_the_others(n_done):
    durations_s = np.linspace(0.5, 4, 40)
    batches = plan(durations_s, None, 20.0)
    assert len(batches) == 8
    is_missing = np.ones(40, np.bool_)
    is_missing[[clip for batch in batches[:n_done] for clip in batch]] = False
    assert as_sets(plan(durations_s, is_missing, 20.0)) == as_sets(batches[n_done:])


def test_plan_is_over_all_clips_and_not_over_the_missing_ones():
    # Planned by themselves, clips 2 to 5 would be [2, 3, 4] and [5].
    durations_s = [1.0] * 6
    batches = plan(durations_s, None, 3.0)
    assert as_sets(batches) == [[0, 1, 2], [3, 4, 5]]
    assert as_sets(plan(durations_s, [False, False, True, True, True, True], 3.0)) == [
        [2],
        [3, 4, 5],
    ]


def test_what_is_left_of_several_batches_is_merged():
    is_missing = np.tile([True, False], 10)
    assert as_sets(plan([1.0] * 20, is_missing)) == [list(range(0, 20, 2))]


def test_leftovers_that_are_merged_keep_to_the_rules_of_a_batch():
    # Two batches of ten clips of 1 s and two of 0.5 s: the leftovers of 1 s and of 0.5 s are
    # not padded to one length, and there are too many of 1 s for one batch.
    durations_s = [1.0] * 20 + [0.5] * 40
    is_missing = np.ones(60, np.bool_)
    is_missing[[0, 10, 20, 40]] = False
    batches = by_length(np.array(durations_s), plan(durations_s, is_missing))
    assert batches == [[1.0] * 10, [1.0] * 8, [0.5] * 20, [0.5] * 18]


def test_batch_of_leftovers_comes_first_where_it_has_the_longest_clip():
    durations_s = [3.0, 3.0, 1.0, 1.0, 1.0]
    is_missing = [False, True, True, True, True]
    assert plan(durations_s, is_missing, 6.0)[0] == [1]


def test_clips_added_to_a_manifest_leave_a_plan_without_stragglers():
    # 30 clips of 1 s are done. As many of the same length are added between them.
    is_missing = np.tile([False, True], 30)
    assert [len(batch) for batch in plan([1.0] * 60, is_missing)] == [10, 10, 10]


def test_batches_after_the_first_come_in_a_mixed_order():
    longest = [batch[0] for batch in plan(np.linspace(10, 1, 101), None, 1.0)]
    assert longest[0] == 0
    assert longest[1:] != sorted(longest[1:])
    assert longest[1:] != sorted(longest[1:], reverse=True)
    # The first half of a build is like the second.
    assert np.mean(longest[1:51]) == pytest.approx(np.mean(longest[51:]), rel=0.25)


def test_empty_manifest_has_no_batches():
    assert plan([]) == []


def test_nothing_missing_leaves_no_batches():
    assert plan([1.0, 2.0], [False, False]) == []


def test_clips_of_one_length_fill_their_batches():
    batches = plan([1.0] * 25)
    assert sorted(map(len, batches)) == [5, 10, 10]
    assert sorted(clip for batch in batches for clip in batch) == list(range(25))


def test_clip_longer_than_a_batch_goes_alone():
    assert as_sets(plan([1.0, 12.0, 1.0], None, 10.0)) == [[0, 2], [1]]


def test_clips_that_are_exactly_the_share_of_the_longest_go_with_it():
    assert as_sets(plan([10.0, 7.0, 6.9], None, 100.0)) == [[0, 1], [2]]


def test_clips_that_are_not_padded_go_together_whatever_their_length():
    assert as_sets(plan([10.0, 0.1, 5.0], None, 30.0, padded=False)) == [[0, 1, 2]]
    assert as_sets(plan([10.0, 0.1, 5.0], None, 30.0)) == [[0], [1], [2]]


def test_no_batch_has_more_than_the_most_clips():
    batches = plan([0.001] * 1300, None, 100.0)
    assert sorted(map(len, batches)) == [276, MOST_CLIPS, MOST_CLIPS]


@pytest.mark.parametrize(
    ("device", "expected"), [("cpu", 60.0), ("cuda", 160.0), ("cuda:1", 160.0)]
)
def test_batches_are_longer_on_a_gpu(device, expected):
    assert default_batch_seconds(device) == expected


class TestSplitting:
    def test_cuts_as_soon_as_one_more_clip_would_be_too_much(self):
        lengths = [4.0, 4.0, 3.0, 3.0, 2.0]
        assert split_by_length(range(5), lengths, 8.0) == [[0, 1], [2, 3], [4]]

    def test_length_may_be_in_any_unit(self):
        assert split_by_length(range(3), [16_000, 16_000, 16_000], 32_000) == [[0, 1], [2]]

    def test_clips_of_any_length_go_together_unless_a_share_is_named(self):
        lengths = [10.0, 1.0]
        assert split_by_length([0, 1], lengths, 20.0) == [[0, 1]]
        assert split_by_length([0, 1], lengths, 20.0, 0.5) == [[0], [1]]

    def test_share_is_of_the_longest_and_not_of_the_clip_before(self):
        lengths = [10.0, 8.0, 6.0]
        assert split_by_length(range(3), lengths, 100.0, LEAST_SHARE) == [[0, 1], [2]]

    def test_padded_length_is_counted_by_the_longest_and_not_by_the_sum(self):
        lengths = [5.0, 1.0, 1.0]
        assert split_by_length(range(3), lengths, 10.0) == [[0, 1], [2]]

    def test_only_the_clips_that_are_named_are_cut(self):
        assert split_by_length([1, 3], [9.0, 2.0, 9.0, 2.0], 4.0) == [[1, 3]]

    def test_nothing_gives_nothing(self):
        assert split_by_length([], [], 1.0) == []
