"""Which clips a shard embeds, and which shard a task of an array is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reno_store.errors import RenoStoreError
from reno_store.extraction.filling import divide
from reno_store.extraction.recordings import Recording
from reno_store.extraction.stripes import Shard, deal


def array(task, first, last, step=1, count=None):
    values = {
        "ID": task,
        "MIN": first,
        "MAX": last,
        "STEP": step,
        "COUNT": (last - first) // step + 1 if count is None else count,
    }
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("first", "last", "step"), [(0, 15, 1), (1, 16, 1), (5, 8, 1), (0, 30, 2), (10, 40, 10)]
)
def test_every_task_of_an_array_is_another_shard_wherever_it_begins(first, last, step):
    tasks = range(first, last + 1, step)
    shards = [Shard.parse(f"{task}/{len(tasks)}", array(task, first, last, step)) for task in tasks]
    assert [shard.number for shard in shards] == list(range(1, len(tasks) + 1))
    assert {shard.count for shard in shards} == {len(tasks)}


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ("3/16", {}, "3/16"),
        (" 16/16 ", {}, "16/16"),
        # Typed by hand in a task: its numbers are not those of the array.
        ("3/16", array(0, 0, 15), "3/16"),
        ("7/16", array(7, 3, 7, count=2), "7/16"),
    ],
)
def test_numbers_begin_at_one_elsewhere(text, environment, expected):
    assert str(Shard.parse(text, environment)) == expected


@pytest.mark.parametrize("text", ["", "3", "3/", "/3", "-1/4", "a/b", "3/16/2", "1.5/2", "0/0"])
def test_anything_else_is_refused(text):
    with pytest.raises(RenoStoreError, match="expected NUMBER/COUNT"):
        Shard.parse(text, {})


@pytest.mark.parametrize("number", [-1, 0, 5])
def test_a_number_beyond_the_count_is_refused(number):
    with pytest.raises(RenoStoreError, match=f"shard {number}/4"):
        Shard(number, 4)


def test_a_zero_is_explained():
    with pytest.raises(RenoStoreError, match="Add 1 to numbers that begin at 0: 1/16"):
        Shard.parse("0/16", {})


def test_an_empty_variable_is_named():
    with pytest.raises(RenoStoreError, match="variable empty"):
        Shard.parse("/16", {})


@pytest.mark.parametrize("tasks", [(1, 3, 5, 7), (7,), (7, 12), (2, 3)])
def test_a_list_of_evenly_spaced_tasks_is_like_a_range(tasks):
    """SLURM gives such a list a step of 1."""
    environments = [array(task, tasks[0], tasks[-1], count=len(tasks)) for task in tasks]
    shards = [
        Shard.parse(f"{task}/{len(tasks)}", environment)
        for task, environment in zip(tasks, environments, strict=True)
    ]
    assert [shard.number for shard in shards] == list(range(1, len(tasks) + 1))


@pytest.mark.parametrize(("task", "last"), [(5, 7), (2, 8), (3, 7)])
def test_an_array_with_gaps_does_not_tell_the_place_of_a_task(task, last):
    with pytest.raises(RenoStoreError, match=f"this array has 3 tasks between 1 and {last}"):
        Shard.parse(f"{task}/3", array(task, 1, last, count=3))


@given(
    rows=st.lists(st.integers(0, 200), unique=True, max_size=60),
    stripe_rows=st.integers(1, 20),
    count=st.integers(1, 9),
)
def test_every_clip_is_dealt_once_in_whole_stripes_and_evenly(rows, stripe_rows, count):
    rows = np.array(rows, np.int64)
    dealt = deal(rows, stripe_rows, count)
    assert set(dealt.tolist()) <= set(range(1, count + 1))
    pairs = set(zip((rows // stripe_rows).tolist(), dealt.tolist(), strict=True))
    assert len(pairs) == len(set((rows // stripe_rows).tolist()))
    loads = [int((dealt == number).sum()) for number in range(1, count + 1)]
    assert max(loads) - min(loads) <= stripe_rows


def test_more_shards_than_stripes_cost_nothing():
    assert deal(np.arange(6), 2, 10**15).tolist() == [1, 1, 2, 2, 3, 3]


@given(
    rows=st.lists(st.integers(0, 200), unique=True, min_size=1, max_size=60),
    stripe_rows=st.integers(1, 20),
    n_parts=st.integers(1, 9),
    data=st.data(),
)
def test_parts_are_whole_stripes_and_do_not_depend_on_what_is_missing(
    rows, stripe_rows, n_parts, data
):
    rows = np.array(rows, np.int64)
    recordings = [Recording(f"c{row}", None, None, float(row)) for row in rows.tolist()]
    size = len(rows)
    is_missing = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    all_parts = divide(recordings, rows, np.ones(size, bool), stripe_rows, n_parts)
    parts = divide(recordings, rows, is_missing, stripe_rows, n_parts)
    assert sorted(row for part in all_parts for row in part.rows.tolist()) == sorted(rows.tolist())
    stripes = [set((part.rows // stripe_rows).tolist()) for part in all_parts]
    assert sum(map(len, stripes)) == len(set.union(*stripes))
    assert max(map(len, stripes)) <= 8
    for part in all_parts:
        assert [f"c{row}" for row in part.rows.tolist()] == [
            each.clip_id for each in part.recordings
        ]
    wanted = {
        tuple(part.rows.tolist())
        for part in all_parts
        if np.isin(part.rows, rows[is_missing]).any()
    }
    assert {tuple(part.rows.tolist()) for part in parts} == wanted
