"""Cards that are malformed: every problem of one at once, each with its place."""

import pytest

from reno_store.corpora import find_card
from reno_store.errors import CardError

CARD = """
title = "Laughs"
source = "https://example.org"
licence = "CC0"

[files]
pattern = '(?P<speaker>s[0-9]+)_(?P<label>[a-z]+)_(?P<take>[0-9]+)[.]wav'
"""


@pytest.fixture
def own_card(tmp_path):
    """A function that writes a card and gives its place."""

    def write(text=CARD, name="laughs.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def card_refusal(own_card):
    def refusal(text):
        with pytest.raises(CardError) as caught:
            find_card(own_card(text))
        return str(caught.value)

    return refusal


def test_missing_card_is_refused(tmp_path):
    with pytest.raises(CardError, match=r"laughs\.toml: no such card\."):
        find_card(tmp_path / "laughs.toml")


@pytest.mark.parametrize("content", [b"title", b'title = "caf\xe9"'])
def test_card_that_is_not_toml_is_refused(tmp_path, content):
    (tmp_path / "laughs.toml").write_bytes(content)
    with pytest.raises(CardError, match=r"laughs\.toml: not a readable TOML file: "):
        find_card(tmp_path / "laughs.toml")


@pytest.mark.parametrize(
    ("old", "new", "places"),
    [
        ("title =", "titel =", ["'titel'", "'title'"]),
        ('title = "Laughs"', "", ["'title'"]),
        ('title = "Laughs"', "title = 3", ["'title'"]),
        ('source = "https://example.org"', "", ["'source'"]),
        ('licence = "CC0"', "", ["'licence'"]),
        ('licence = "CC0"', 'licence = "CC0"\nnotes = 3', ["'notes'"]),
        ('licence = "CC0"', 'licence = "CC0"\ncitation = []', ["'citation'"]),
        ("[files]", "[expected]\nclips = '3'\n[files]", ["[expected] 'clips'"]),
        ("[files]", "[expected]\nclips = true\n[files]", ["[expected] 'clips'"]),
        ("[files]", "[expected]\nclip = 3\n[files]", ["[expected] 'clip' is unknown; known"]),
        ("[files]", "[labels]\n01 = 1\n[files]", ["[labels] '01'"]),
        ("[files]", "labels = 3\nexpected = 3\n[files]", ["'labels'", "'expected'"]),
        ("[files]", "[file]", ["'file'", "'files' is missing"]),
        ("pattern =", "patern =", ["[files] 'patern'", "[files] 'pattern' is missing"]),
        ("pattern = ", "pattern = 3 #", ["[files] 'pattern'"]),
        ("(?P<label>", "(?P<emotion>", ["[files] pattern has no group named 'label'"]),
        ("(?P<label>", "((?P<label>", ["[files] 'pattern' is not a regular expression: missing )"]),
        ("(?P<take>", "(?P<path>", ["[files] pattern: the group name 'path'"]),
        ("(?P<take>", "(?P<clip_id>", ["[files] pattern: the group name 'clip_id'"]),
        ("(?P<take>", "(?P<done>", ["[files] pattern: the group name 'done'"]),
        ("[files]", "[files]\nclip_id = 'stem'", ["[files] 'clip_id' is 'stem'"]),
        ("[files]", "[files]\nclip_id = ['name']", ["[files] 'clip_id' is ['name']"]),
        ("[files]", "[files]\nclipid = 'path'", ["[files] 'clipid'"]),
        ("[files]", "uncertain = 'much'\n[files]", ["'uncertain'"]),
        ("[files]", "[values]\ntake = 1\n[files]", ["[values.take]"]),
        ("[files]", "[values.sex]\n0 = 'f'\n[files]", ["[values.sex]"]),
        ("[files]", "[values.label]\na = 'b'\n[files]", ["[values.label]"]),
        ("[files]", "values = 3\n[files]", ["'values'"]),
        ("[files]", "left_out = 'x'\n[files]", ["'left_out'"]),
        ("[files]", "left_out = ['x']\n[files]", ["[[left_out]] 1"]),
        ("[files]", "[[left_out]]\npattern = 'x'\n[files]", ["[[left_out]] 1 'reason'"]),
        (
            "[files]",
            "[[left_out]]\npattern = '('\nreason = 'r'\n[files]",
            ["[[left_out]] 1 'pattern' is not a regular expression: missing )"],
        ),
        ("[files]", "[expected.counts]\nlabel = 3\n[files]", ["[expected.counts.label]"]),
        (
            "[files]",
            "[expected.counts.label]\njoy = 'x'\n[files]",
            ["[expected.counts.label] 'joy'"],
        ),
        ("[files]", "[expected.counts.sex]\nf = 3\n[files]", ["[expected.counts.sex]"]),
        ("[files]", "subsets = 3\n[files]", ["'subsets'"]),
        ("[files]", "table = 3\n[files]", ["'table'"]),
        ("[files]", "[table]\nfile = 'x.csv'\n[files]", ["[table] 'label'", "[table] 'path'"]),
        (
            "[files]",
            "[table]\nfile = 'x.csv'\npath = 'p'\nlabel = 'l'\nspeaker = 's'\n[files]",
            ["[files] pattern: the group 'label'", "[files] pattern: the group 'speaker'"],
        ),
        ("[files]", "[subsets]\n[files]", ["[subsets] is empty"]),
        ("[files]", "[subsets.a]\n[files]", ["[subsets.a] 'description'"]),
        ("[files]", "[subsets.'a/b']\ndescription = 'd'\n[files]", ["[subsets.a/b]"]),
        ("[files]", "[subsets]\na = 3\n[files]", ["[subsets.a]"]),
        (
            "[files]",
            "[subsets.a]\ndescription = 'd'\nleft_out = '('\n[files]",
            ["[subsets.a] 'left_out' is not a regular expression: missing )"],
        ),
        (
            "[files]",
            "[subsets.a]\ndescription = 'd'\nleft_out = 3\n[files]",
            ["[subsets.a] 'left_out'"],
        ),
        (
            "[files]",
            "[subsets.a]\ndescription = 'd'\nclips = 3\n[files]",
            ["[subsets.a] 'clips'"],
        ),
        (
            "[files]",
            "[subsets.a]\ndescription = 'd'\n[subsets.a.expected]\nclips = 'x'\n[files]",
            ["[subsets.a.expected] 'clips'"],
        ),
        (
            "[files]",
            "[expected]\nclips = 3\n[subsets.a]\ndescription = 'd'\n[files]",
            ["[expected]"],
        ),
    ],
)
def test_malformed_card_is_refused_with_each_place(card_refusal, tmp_path, old, new, places):
    assert old in CARD
    headline, *problems = card_refusal(CARD.replace(old, new)).splitlines()
    assert headline.startswith(f"{tmp_path / 'laughs.toml'}: ")
    assert len(problems) == len(places)
    for place in places:
        assert any(problem.strip().startswith(place) for problem in problems)


def test_all_problems_of_a_card_come_at_once(card_refusal):
    text = "colour = 1\n[files]\npattern = '(?P<path>x)'\nclip_id = 'stem'\n[expected]\nclips = 'x'"
    assert len(card_refusal(text).splitlines()) == 1 + 8
