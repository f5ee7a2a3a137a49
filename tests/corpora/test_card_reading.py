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
    ("old", "new", "problem"),
    [
        ("title =", "titel =", "'titel' is unknown; known are citation, expected, files, "),
        ('title = "Laughs"', "", "'title' is missing or not a string"),
        ('title = "Laughs"', "title = 3", "'title' is missing or not a string"),
        ('source = "https://example.org"', "", "'source' is missing or not a string"),
        ('licence = "CC0"', "", "'licence' is missing or not a string"),
        ('licence = "CC0"', 'licence = "CC0"\nnotes = 3', "'notes'"),
        ('licence = "CC0"', 'licence = "CC0"\ncitation = []', "'citation'"),
        ("[files]", "[expected]\nclips = '3'\n[files]", "[expected] holds whole numbers under "),
        ("[files]", "[expected]\nclip = 3\n[files]", "[expected] holds whole numbers under clips,"),
        ("[files]", "[labels]\n01 = 1\n[files]", "[labels] maps codes to labels"),
        ("[files]", "labels = 3\nexpected = 3\n[files]", "[labels] maps codes to labels"),
        ("[files]", "[file]", "[files] needs 'pattern', a regular expression"),
        ("pattern =", "patern =", "[files] needs 'pattern', a regular expression"),
        ("(?P<label>", "(?P<emotion>", "[files] pattern has no group named 'label'"),
        ("(?P<label>", "((?P<label>", "[files] pattern is not a regular expression: missing )"),
        ("(?P<take>", "(?P<path>", "[files] pattern: the group name 'path' is reserved"),
        ("(?P<take>", "(?P<clip_id>", "[files] pattern: the group name 'clip_id' is reserved"),
        ("(?P<take>", "(?P<done>", "[files] pattern: the group name 'done' is reserved"),
        ("[files]", "[files]\nclip_id = 'stem'", "[files] clip_id is 'name' or 'path', not 'stem'"),
        ("[files]", "[files]\nclip_id = ['name']", "[files] clip_id is 'name' or 'path', not ['na"),
        ("[files]", "[files]\nclipid = 'path'", "'clipid'"),
        ("[files]", "uncertain = 'much'\n[files]", "'uncertain' is not a list of sentences"),
        ("[files]", "[expected]\nclips = true\n[files]", "[expected] holds whole numbers under "),
        ("[files]", "[values]\ntake = 1\n[files]", "[values.take] maps codes to words"),
        ("[files]", "[values.sex]\n0 = 'f'\n[files]", "[values.sex] names no group of [files]"),
        ("[files]", "[values.label]\na = 'b'\n[files]", "[values.label] cannot be; labels are"),
        ("[files]", "values = 3\n[files]", "[values] holds a table for each column"),
        ("[files]", "left_out = 'x'\n[files]", "[[left_out]] is a list of tables"),
        (
            "[files]",
            "[[left_out]]\npattern = 'x'\n[files]",
            "[[left_out]] 1 needs pattern and reas",
        ),
        (
            "[files]",
            "[[left_out]]\npattern = '('\nreason = 'r'\n[files]",
            "[[left_out]] 1 pattern is not a regular expression: missing )",
        ),
        ("[files]", "[expected.counts]\nlabel = 3\n[files]", "[expected.counts] holds a table for"),
        (
            "[files]",
            "[expected.counts.label]\njoy = 'x'\n[files]",
            "[expected.counts.label] holds whole numbers, one for each value",
        ),
        (
            "[files]",
            "[expected.counts.sex]\nf = 3\n[files]",
            "[expected.counts.sex] names no group of [files] pattern",
        ),
        ("[files]", "subsets = 3\n[files]", "[subsets] holds a table for each subset"),
        ("[files]", "[subsets]\n[files]", "[subsets] holds a table for each subset"),
        ("[files]", "[subsets.a]\n[files]", "[subsets.a] 'description' is missing or not a st"),
        (
            "[files]",
            "[subsets.'a/b']\ndescription = 'd'\n[files]",
            "[subsets.a/b] cannot be named so: only letters",
        ),
        (
            "[files]",
            "[subsets.a]\ndescription = 'd'\nleft_out = '('\n[files]",
            "[subsets.a] left_out is not a regular expression: missing )",
        ),
        (
            "[files]",
            "[subsets.a]\ndescription = 'd'\nleft_out = 3\n[files]",
            "[subsets.a] left_out is not a regular expression: 3 is no string",
        ),
        (
            "[files]",
            "[subsets.a]\ndescription = 'd'\nclips = 3\n[files]",
            "[subsets.a] 'clips' is unknown; known are description, expected, left_out",
        ),
        (
            "[files]",
            "[subsets.a]\ndescription = 'd'\n[subsets.a.expected]\nclips = 'x'\n[files]",
            "[subsets.a.expected] holds whole numbers under clips",
        ),
        (
            "[files]",
            "[expected]\nclips = 3\n[subsets.a]\ndescription = 'd'\n[files]",
            "[expected] belongs to each subset where there are subsets",
        ),
    ],
)
def test_malformed_card_is_refused_with_the_reason(card_refusal, tmp_path, old, new, problem):
    assert old in CARD
    headline, *problems = card_refusal(CARD.replace(old, new)).splitlines()
    assert headline == f"{tmp_path / 'laughs.toml'}: not a card, because"
    assert any(problem in line for line in problems)


def test_all_problems_of_a_card_come_at_once(card_refusal):
    text = "colour = 1\n[files]\npattern = '(?P<path>x)'\nclip_id = 'stem'\n[expected]\nclips = 'x'"
    assert len(card_refusal(text).splitlines()) == 1 + 8
