"""Outcomes kept in a folder: found by what went in, whole or not at all."""

import json
import os

import pytest

from reno_store.errors import LedgerError
from reno_store.studies.ledger import Ledger, hash_json

RECIPE = {"clips": "abc", "fold": 3}
OUTCOME = {"score": 0.5, "history": [{"epoch": 1}], "label": "cri√"}


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "my.results")


def files_of(ledger):
    return sorted(path for path in ledger.folder.rglob("*") if path.is_file())


def test_what_was_kept_is_found_by_its_recipe_in_any_order(ledger):
    ledger.keep(RECIPE, OUTCOME)
    assert Ledger(ledger.folder).find({"fold": 3, "clips": "abc"}) == OUTCOME


@pytest.mark.parametrize("recipe", [{"clips": "abc", "fold": 4}, {"clips": "abc"}, {}])
def test_another_recipe_finds_nothing(ledger, recipe):
    ledger.keep(RECIPE, OUTCOME)
    assert ledger.find(recipe) is None
    assert not ledger.damaged


def test_nothing_is_made_by_looking(ledger):
    assert ledger.find(RECIPE) is None
    assert not ledger.folder.exists()


def test_keeping_again_replaces(ledger):
    ledger.keep(RECIPE, OUTCOME)
    ledger.keep(RECIPE, "other")
    assert ledger.find(RECIPE) == "other"
    assert len(files_of(ledger)) == 1


def _flip(content):
    place = content.index(b"0.5")
    return content[:place] + b"0.6" + content[place + 3 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: b"[" * 100_000,
        lambda content: b"null",
        lambda content: b'{"sha256": 1}',
        lambda content: b"\xff\xfe" + content,
        _flip,
    ],
)
def test_a_damaged_file_is_told_and_not_believed(ledger, damage):
    ledger.keep(RECIPE, OUTCOME)
    (path,) = files_of(ledger)
    path.write_bytes(damage(path.read_bytes()))
    assert ledger.find(RECIPE) is None
    assert ledger.find(RECIPE) is None
    assert ledger.damaged == [path]
    ledger.keep(RECIPE, OUTCOME)
    assert Ledger(ledger.folder).find(RECIPE) == OUTCOME


def test_an_outcome_under_anothers_name_is_not_believed(ledger):
    ledger.keep(RECIPE, OUTCOME)
    ledger.keep({"fold": 4}, "other")
    one, other = files_of(ledger)
    os.replace(one, other)  # noqa: PTH105
    assert ledger.find(RECIPE) is None
    assert ledger.find({"fold": 4}) is None or ledger.find(RECIPE) is None
    assert len(ledger.damaged) == 1


def test_a_write_that_is_cut_off_leaves_what_was_there(ledger, monkeypatch):
    ledger.keep(RECIPE, OUTCOME)

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", stop)
    with pytest.raises(KeyboardInterrupt):
        ledger.keep(RECIPE, "half")
    assert ledger.find(RECIPE) == OUTCOME
    assert len(files_of(ledger)) == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    occupied = tmp_path / "file"
    occupied.write_text("")
    with pytest.raises(LedgerError, match=r"file.*results="):
        Ledger(occupied).keep(RECIPE, OUTCOME)


def test_a_file_that_cannot_be_read_is_named(ledger):
    ledger.keep(RECIPE, OUTCOME)
    (path,) = files_of(ledger)
    path.unlink()
    path.mkdir()
    with pytest.raises(LedgerError, match="cannot be read"):
        ledger.find(RECIPE)


def test_notes_are_kept_by_name(ledger):
    assert ledger.find_note("last") is None
    ledger.keep_note("last", [1])
    ledger.keep_note("last", [2])
    ledger.keep_note("other", [3])
    assert Ledger(ledger.folder).find_note("last") == [2]


def test_files_are_plain_json(ledger):
    ledger.keep(RECIPE, OUTCOME)
    told = json.loads(files_of(ledger)[0].read_text())
    assert told["recipe"] == RECIPE
    assert told["outcome"] == OUTCOME


def test_what_is_no_json_is_refused_before_anything_is_written(ledger):
    with pytest.raises(ValueError, match="JSON"):
        ledger.keep(RECIPE, float("nan"))
    assert not ledger.folder.exists()


def test_hashes_tell_values_apart():
    values = [{}, [], None, 0, "", "0", 0.5, [0], ["0"], {"a": 1}, {"a": "1"}]
    assert len({hash_json(value) for value in values}) == len(values)
