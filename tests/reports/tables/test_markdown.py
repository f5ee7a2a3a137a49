"""The tables as Markdown, read back by a parser of it."""

from dataclasses import replace

import pytest
from factories.odd_studies import (
    conclude,
    make_study,
    make_study_with_odd_names,
    make_study_without_results,
)
from markdown_it import MarkdownIt

from reno_store.reports.tables import to_markdown, views_of

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
    views = views_of(study)
    assert len(tables) == len(views)
    for table, view in zip(tables, views, strict=True):
        assert [words for words, _ in table[0]] == list(view.columns)
        assert table[1:] == [
            [(entry.text, entry.best) for entry in row.entries] for row in view.rows
        ]


def test_every_line_of_a_table_has_as_many_columns():
    for line in to_markdown(make_study_with_odd_names()).splitlines():
        if line.startswith("|"):
            assert line.replace(r"\|", "").count("|") in (7, 11)


def test_notes_are_read_back_as_they_are_and_commands_as_code():
    study = make_study_with_odd_names(lacking=("mfcc",))
    _, lines, codes = read(to_markdown(study))
    for view in views_of(study):
        for note in view.notes:
            assert note in lines
    lacking = {cell.command for cell in study.select(computed=False)}
    assert lacking <= set(codes)
    assert study.command in codes


def test_claims_and_comparisons_stand_under_the_tables():
    study = make_study()
    claims, comparisons = conclude(study)
    _, lines, _ = read(to_markdown(study, claims=claims, comparisons=comparisons))
    assert lines[lines.index("What may be concluded") + 1] == claims[0].sentence
    assert lines[lines.index("Comparisons") + 1] == comparisons[0].sentence
    assert "Comparisons" not in read(to_markdown(study))[1]


def test_notes_and_versions_of_the_study_are_told():
    study = replace(make_study(), notes=("one kept result was damaged",))
    _, lines, _ = read(to_markdown(study))
    assert "one kept result was damaged" in lines
    assert "Made with reno-store 0.1.0, torch 2.13.0." in lines


def test_a_command_with_backticks_stays_code():
    study = make_study(lacking=("mfcc",))
    cells = tuple(
        replace(cell, command="build '``x`'") if not cell.computed else cell for cell in study.cells
    )
    assert "build '``x`'" in read(to_markdown(replace(study, cells=cells)))[2]


def test_a_command_that_begins_another_leaves_it_whole():
    study = make_study(lacking=("mfcc",))
    commands = {"fcn": "build x", "cnn": "build x --model y_z"}
    cells = tuple(
        replace(cell, command=commands.get(cell.estimator, ""), reason=f"no {cell.estimator}")
        for cell in study.cells
    )
    codes = read(to_markdown(replace(study, cells=cells)))[2]
    assert set(commands.values()) <= set(codes)
