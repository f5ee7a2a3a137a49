"""The tables as Markdown, read back by a parser of it."""

import pytest
from factories.odd_studies import (
    make_study,
    make_study_with_odd_names,
    make_study_without_results,
)
from markdown_it import MarkdownIt

from reno_store.reports.tables import tables_of, to_markdown

PARSER = MarkdownIt("commonmark").enable("table")


def read(text):
    """Give tables as rows of (text, bold), everything else as plain lines, and all code."""
    tables, lines, codes, in_cell = [], [], [], False
    for token in PARSER.parse(text):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type in ("th_open", "td_open", "th_close", "td_close"):
            in_cell = token.nesting == 1
        elif token.type == "fence":
            codes.append(token.content.strip())
        elif token.type == "inline":
            kinds = {child.type for child in token.children}
            assert kinds <= {"text", "text_special", "code_inline", "strong_open", "strong_close"}
            words = "".join(child.content for child in token.children)
            codes += [child.content for child in token.children if child.type == "code_inline"]
            if in_cell:
                tables[-1][-1].append((words, "strong_open" in kinds))
            else:
                lines.append(words)
    return tables, lines, codes


@pytest.mark.parametrize(
    "study",
    [
        make_study(lacking=("mfcc",)),
        make_study(datasets=("asvp-esd", "jnv", "cries"), seeds=(0, 1)),
        make_study_with_odd_names(lacking=("mfcc",)),
        make_study_without_results(),
    ],
    ids=["lacking", "three datasets", "odd names", "nothing"],
)
def test_what_is_read_back_is_what_was_shown(study):
    tables, _, _ = read(to_markdown(study))
    for table, shown in zip(tables, tables_of(study), strict=True):
        assert [words for words, _ in table[0]] == shown.headings
        assert table[1:] == [
            [(entry.text, entry.best) for entry in entries] for _, entries in shown.rows()
        ]


class Commands:
    """The same words for everything."""

    def __init__(self, *words):
        self.words = list(words)

    def study(self, study):
        return self.words[0]

    def cell(self, study, cell):
        return self.words[cell.estimator == "cnn"]


def test_notes_are_read_back_as_they_are_and_commands_as_code():
    study = make_study_with_odd_names(lacking=("mfcc",))
    _, lines, codes = read(to_markdown(study))
    for table in tables_of(study):
        for note in table.notes:
            assert str(note) in lines
            assert set(note.commands) <= set(codes)


@pytest.mark.parametrize(
    "commands", [("build '``x`'", "y"), ("build x", "build x --model y_z"), ("a ``` b", "c")]
)
def test_commands_stay_code_whatever_is_in_them(commands):
    study = make_study(lacking=("mfcc",))
    text = to_markdown(study, commands=Commands(*commands))
    assert set(commands) <= set(read(text)[2])


def test_versions_are_shown():
    assert "Made with reno-store 0.1.0, torch 2.13.0." in read(to_markdown(make_study()))[1]
