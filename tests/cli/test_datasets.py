"""``reno-store datasets`` and what ``manifest`` shows of a corpus with a card."""

import json

from click.testing import CliRunner
from reno_cli.main import main

from reno_store.corpora import find_card, list_cards


def run(*words, expect=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == expect, result.output
    return result.output


def unfolded(text):
    return " ".join(text.split())


def test_every_card_is_listed_with_licence_place_counts_and_doubts():
    shown = run("datasets")
    for name in list_cards():
        card = find_card(name)
        assert f"\n{name} " in f"\n{shown}"
        for fact in (card.title, card.licence, card.source, *card.uncertain):
            assert fact in unfolded(shown)
    assert "complete 420 clips, 6 labels, 4 speakers" in unfolded(shown)
    assert "complete clips unknown, 16 labels, speakers unknown" in unfolded(shown)
    assert "full (default): 1,085 clips, 6 labels, 11 speakers; full_set, once" in unfolded(shown)
    assert "core: 480 clips, labels unknown" in unfolded(shown)


def test_lines_fit_a_page():
    assert max(len(line) for line in run("datasets").splitlines()) <= 100


def test_json_holds_what_the_cards_say():
    shown = {card["name"]: card for card in json.loads(run("datasets", "--json"))}
    assert sorted(shown) == list(list_cards())
    asvp = shown["asvp-esd"]
    assert list(asvp["subsets"]) == ["audio", "audio-and-bonus", "numbered-actors"]
    assert asvp["subsets"]["audio-and-bonus"]["expected"] == {"clips": 8824}
    assert asvp["subsets"]["audio"]["expected_counts"]["label"]["happy"] == 1172
    assert asvp["left_out"] == ["speech (channel 01)"]
    assert len(asvp["uncertain"]) == len(find_card("asvp-esd").uncertain)
    assert shown["jnv"]["licence"] == "CC BY-SA 4.0"
    assert shown["jnv"]["subsets"]["whole"]["expected"]["speakers"] == 4


def lines_of_manifest(folder, card, *names, options=()):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    out = folder / "listed.csv"
    shown = run("manifest", card, folder, "-o", out, "--force", *options)
    return [line.split() for line in shown.splitlines()]


def test_found_and_expected_stand_side_by_side(tmp_path):
    names = ("full_set/S04_pain_low_1.wav", "full_set/S01_fear_low_12.wav")
    lines = lines_of_manifest(tmp_path, "vivae", *names, "core_set/S04_pain_low_1.wav")
    assert ["found", "expected"] in lines
    assert ["2", "1,085", "clips", "<-", "differs"] in lines
    assert ["1", "185", "pain", "<-", "differs"] in lines
    assert ["0", "174", "anger", "<-", "differs"] in lines
    assert ["2", "262", "intensity", "low", "<-", "differs"] in lines
    assert ["1", "108", "speaker", "S04", "<-", "differs"] in lines
    assert ["left", "out:", "1", "recordings:", "not", "in", "subset", "full"] in lines


def test_counts_that_agree_are_not_marked_and_unknown_ones_say_so(tmp_path):
    names = [
        f"{speaker}/{speaker}_{emotion}_01_R.wav"
        for speaker in ("F1", "F2", "M1", "M2")
        for emotion in ("angry", "disgust", "fear", "happy", "sad", "surprise")
    ]
    lines = lines_of_manifest(tmp_path, "jnv", *names)
    assert ["24", "420", "clips", "<-", "differs"] in lines
    assert ["6", "6", "labels"] in lines
    assert ["4", "4", "speakers"] in lines
    assert ["4", "?", "angry"] in lines


def test_nothing_is_expected_of_ones_own_recordings(tmp_path):
    lines = lines_of_manifest(tmp_path, "folders", "joy/a.wav", "joy/b.wav")
    assert ["found", "expected"] not in lines
    assert ["2", "joy"] in lines


def test_a_subset_is_asked_for_by_name(tmp_path):
    names = ("full_set/S04_pain_low_1.wav", "core_set/S04_pain_low_1.wav")
    lines = lines_of_manifest(tmp_path, "vivae", *names, options=("--subset", "core"))
    assert ["1", "480", "clips", "<-", "differs"] in lines
    assert "core_set/S04_pain_low_1.wav" in (tmp_path / "listed.csv").read_text()
    words = ("manifest", "vivae", tmp_path, "-o", tmp_path / "listed.csv", "--force")
    assert "did you mean 'core'?" in run(*words, "--subset", "cor", expect=1)
