"""Reading: what a manifest may look like, and every way in which it may be wrong."""

import csv
import io
import os
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reno_store.corpora import Clip, read_manifest
from reno_store.corpora.clips import REQUIRED_COLUMNS
from reno_store.errors import ManifestError

HEADER = "clip_id,path,label,speaker\n"
LONG = 300 * "x"


@pytest.fixture
def read(tmp_path):
    def read(content, **options):
        path = tmp_path / "laughs.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_manifest(path, **options)

    return read


@pytest.fixture
def refusal(read):
    def refusal(content, **options):
        with pytest.raises(ManifestError) as caught:
            read(content, **options)
        return caught.value

    return refusal


def test_clips_come_in_the_order_of_the_file(read, tmp_path):
    manifest = read(f"{HEADER}b,audio/b.wav,joy,s2\na,a.wav,fear,s1\n")
    assert manifest.clips == (
        Clip("b", "audio/b.wav", "joy", "s2"),
        Clip("a", "a.wav", "fear", "s1"),
    )
    assert manifest.dataset == "laughs"
    assert manifest.audio_path(manifest.clips[0]) == tmp_path / "audio" / "b.wav"
    assert manifest.label_counts == {"fear": 1, "joy": 1}
    assert manifest.speakers == ("s1", "s2")


def test_recordings_need_not_be_there_yet(read, tmp_path):
    manifest = read(f"{HEADER}a,a.wav,joy,\n")
    assert not manifest.audio_path(manifest.clips[0]).exists()


def test_speaker_may_be_empty(read):
    manifest = read(f"{HEADER}a,a.wav,joy,\nb,b.wav,joy,s1\n")
    assert [clip.speaker for clip in manifest.clips] == ["", "s1"]
    assert manifest.speakers == ("s1",)


def test_further_columns_are_kept_as_they_are(read):
    manifest = read("take,clip_id,path,label,speaker,Größe\n1,a,a.wav,joy,s, 5 \n")
    assert manifest.extra_columns == ("take", "Größe")
    assert manifest.clips == (Clip("a", "a.wav", "joy", "s", {"take": "1", "Größe": " 5 "}),)


def test_spaces_around_fields_and_column_names_are_dropped(read):
    manifest = read("clip_id, path, label, speaker , take\n a , b c.wav, joy , s ,1\n")
    assert manifest.clips == (Clip("a", "b c.wav", "joy", "s", {"take": "1"}),)


def test_byte_order_mark_is_accepted(read):
    manifest = read(b"\xef\xbb\xbf" + f"{HEADER}a,a.wav,joy,s\n".encode())
    assert manifest.clips == (Clip("a", "a.wav", "joy", "s"),)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_accepted(read, refusal, ending):
    text = f"{HEADER}a,a.wav,joy,s\n\nb,b.wav,fear,t\n".replace("\n", ending)
    assert [clip.clip_id for clip in read(text).clips] == ["a", "b"]
    assert refusal(text.replace("fear", "")).problems == ("line 4: clip 'b' has no label",)


def test_last_line_needs_no_ending(read):
    assert read(f"{HEADER}a,a.wav,joy,s").clips == (Clip("a", "a.wav", "joy", "s"),)


def test_quoted_commas_newlines_and_quotes_belong_to_the_field(read):
    manifest = read(f'{HEADER}"a, or b","x,y.wav","joy\nand ""relief""",s\n')
    assert manifest.clips == (Clip("a, or b", "x,y.wav", 'joy\nand "relief"', "s"),)


def test_lines_are_counted_through_quoted_newlines_and_blank_lines(refusal):
    text = f'{HEADER}a,a.wav,"joy\nor\nrelief",s\n\n,,,\nb,b.wav,,s\n'
    assert refusal(text).problems == ("line 7: clip 'b' has no label",)


def test_a_row_of_several_lines_is_named_by_its_first(refusal):
    assert refusal(f'{HEADER}a,a.wav,joy,s\n,b.wav,"joy\nor relief",s\n').problems == (
        "line 3: clip_id is empty",
    )


def test_all_problems_come_at_once_each_with_its_line(refusal, tmp_path):
    error = refusal(
        HEADER
        + "a,a.wav,joy,s\n"
        + ",b.wav,joy,s\n"
        + "c,c.wav,,s\n"
        + "a,/d.wav,joy,s\n"
        + "e,e.wav,joy\n"
        + "f,../f.wav,joy,s\n"
        + "g,,joy,s\n"
    )
    assert [problem.split(":")[0] for problem in error.problems] == [
        "line 3",
        "line 4",
        "line 5",
        "line 5",
        "line 6",
        "line 7",
        "line 8",
    ]
    headline, *rest = str(error).splitlines()
    assert headline == f"{tmp_path / 'laughs.csv'}: 7 problems found; please fix the file:"
    assert tuple(line.strip() for line in rest[:7]) == error.problems


def test_refusals_are_value_errors_too(refusal):
    assert isinstance(refusal(HEADER), ValueError)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (",b.wav,joy,s", "clip_id is empty"),
        ("  ,b.wav,joy,s", "clip_id is empty"),
        ('"b\tc",b.wav,joy,s', r"clip_id 'b\tc' contains a control character"),
        ("b,b.wav,,s", "clip 'b' has no label"),
        ("b,b.wav,  ,s", "clip 'b' has no label"),
        ("b,,joy,s", "clip 'b': path is empty"),
        ("b,b\0.wav,joy,s", "clip 'b': path contains a null character"),
        ("b,b.wav,joy", "expected 4 fields, got 3; a comma inside a field needs quotes around it"),
        (
            "b,b.wav,joy,or relief,s",
            "expected 4 fields, got 5; a comma inside a field needs quotes around it",
        ),
    ],
)
def test_wrong_row_is_named_with_its_line(refusal, row, problem):
    assert refusal(f"{HEADER}a,a.wav,joy,s\n{row}\n").problems == (f"line 3: {problem}",)


def test_duplicate_clip_id_names_both_lines(refusal):
    text = f"{HEADER}a,a.wav,joy,s\nb,b.wav,joy,s\na,c.wav,joy,s\na,d.wav,joy,s\n"
    assert refusal(text).problems == (
        "line 4: clip_id 'a' is already in line 2",
        "line 5: clip_id 'a' is already in line 2",
    )


@pytest.mark.parametrize("path", ["/data/a.wav", r"C:\data\a.wav", "C:/data/a.wav", r"\\nas\a.wav"])
def test_absolute_path_is_refused(refusal, tmp_path, path):
    assert refusal(f"{HEADER}a,{path},joy,s\n").problems == (
        f"line 2: clip 'a': path {path!r} is absolute; write it relative to {tmp_path.resolve()}",
    )


@pytest.mark.parametrize(
    ("path", "slashed"), [(r"audio\a.wav", "audio/a.wav"), (r"a/b\c.wav", "a/b/c.wav")]
)
def test_backslashes_in_a_relative_path_are_named(refusal, path, slashed):
    assert refusal(f"{HEADER}a,{path},joy,s\n").problems == (
        f"line 2: clip 'a': path {path!r} has backslashes; use slashes: {slashed!r}",
    )


@pytest.mark.skipif(os.name == "nt", reason="no file can be named so")
def test_a_file_whose_name_has_a_backslash_is_itself(read, tmp_path):
    (tmp_path / r"a\b.wav").touch()
    assert len(read(HEADER + "a,a\\b.wav,joy,s\n").clips) == 1


@pytest.mark.parametrize(
    ("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")]
)
def test_another_separator_is_named_instead_of_missing_columns(refusal, separator, name):
    text = f"{HEADER}a,a.wav,joy,s\n".replace(",", separator)
    (problem,) = refusal(text).problems
    assert problem.startswith(f"line 1: the columns are separated by {name}, expected commas.")


def test_a_semicolon_inside_a_column_name_is_no_separator(read):
    manifest = read("clip_id,path,label,speaker,a;b\na,a.wav,joy,s,1\n")
    assert manifest.extra_columns == ("a;b",)


def test_twenty_problems_are_in_the_message_and_all_in_its_attribute(refusal):
    rows = "".join(f"c{number},c{number}.wav,,s\n" for number in range(500))
    error = refusal(HEADER + rows)
    assert len(error.problems) == 500
    headline, *lines, last = str(error).splitlines()
    assert "500 problems" in headline
    assert [line.strip() for line in lines] == list(error.problems[:20])
    assert "480 more" in last


@pytest.mark.parametrize("path", ["../a.wav", "audio/../../a.wav", "audio/../a.wav", ".."])
def test_path_that_steps_up_is_refused(refusal, path):
    error = refusal(f"{HEADER}a,{path},joy,s\n")
    (problem,) = error.problems
    assert problem.startswith(f"line 2: clip 'a': path {path!r} leaves the folder")
    assert error.remedies[0].arguments == {"audio_folder": ...}


def test_dots_inside_a_name_do_not_step_up(read):
    assert read(f"{HEADER}a,..a/b..wav,joy,s\n").clips[0].path == "..a/b..wav"


def test_symbolic_link_that_leaves_the_folder_is_refused(refusal, tmp_path, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "a.wav").touch()
    (tmp_path / "a.wav").symlink_to(elsewhere / "a.wav")
    (tmp_path / "audio").symlink_to(elsewhere)
    problems = refusal(f"{HEADER}a,a.wav,joy,s\nb,audio/a.wav,joy,s\n").problems
    leaves = f"leaves the folder {tmp_path.resolve()} through a symbolic link"
    assert list(problems) == [
        f"line 2: clip 'a': path 'a.wav' {leaves}",
        f"line 3: clip 'b': path 'audio/a.wav' {leaves}",
    ]


def test_symbolic_links_inside_the_folder_are_fine(read, tmp_path):
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "a.wav").touch()
    (tmp_path / "b.wav").symlink_to(tmp_path / "audio" / "a.wav")
    (tmp_path / "sounds").symlink_to(tmp_path / "audio")
    assert len(read(f"{HEADER}a,sounds/a.wav,joy,s\nb,b.wav,joy,s\n").clips) == 2


def test_manifest_reached_through_a_symbolic_link_is_fine(read, tmp_path, tmp_path_factory):
    read(f"{HEADER}a,audio/a.wav,joy,s\n")
    link = tmp_path_factory.mktemp("elsewhere") / "corpus"
    link.symlink_to(tmp_path)
    assert len(read_manifest(link / "laughs.csv").clips) == 1


@pytest.mark.parametrize("path", ["loop.wav", "loop.wav/a.wav", LONG, f"{LONG}/a.wav"])
def test_path_that_no_file_can_have_does_not_hide_other_problems(refusal, tmp_path, path):
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    problems = refusal(f"{HEADER}a,{path},joy,s\nb,b.wav,,s\n").problems
    assert problems[-1] == "line 3: clip 'b' has no label"


def test_missing_columns_are_named_with_the_nearest_found(refusal):
    assert refusal("clip,path,labels,who\na,a.wav,joy,s\n").problems == (
        "line 1: column 'clip_id' is missing; did you mean 'clip'? Found: clip, path, labels, who",
        "line 1: column 'label' is missing; did you mean 'labels'? Found: clip, path, labels, who",
        "line 1: column 'speaker' is missing. Its fields may be empty. "
        "Found: clip, path, labels, who",
    )


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("take,take", "column 'take' occurs 2 times"),
        ("label", "column 'label' occurs 2 times"),
        ("", "a column has no name"),
        ("a/b", "column 'a/b': slashes and control characters are not allowed"),
        ("done", "column 'done': the name is reserved by the store; rename the column"),
    ],
)
def test_wrong_column_is_named(refusal, columns, problem):
    assert refusal(f"clip_id,path,label,speaker,{columns}\n").problems == (f"line 1: {problem}",)


def test_header_line_is_counted_from_the_top_of_the_file(refusal):
    (problem,) = refusal("\n\nclip_id,path,label\n").problems
    assert problem.startswith("line 3: column 'speaker' is missing")


def test_header_without_clips_is_refused(refusal):
    assert refusal(HEADER).problems == ("line 1: no clip follows the header",)


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_empty_file_is_refused(refusal, content):
    message = str(refusal(content))
    assert "the manifest is empty" in message
    assert ", ".join(REQUIRED_COLUMNS) in message


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (f"{HEADER}a,a.wav,joy,s\nb,b.wav,gêne,s\n".encode("latin-1"), "byte 0xea in line 3"),
        (f"{HEADER}a,a.wav,joy,s\n".encode("utf-16"), "byte 0xff in line 1"),
    ],
)
def test_file_that_is_not_utf8_is_refused_with_the_line(refusal, content, found):
    message = str(refusal(content))
    assert f"expected UTF-8 text, got the {found}" in message
    assert message.endswith("Save the file as UTF-8.")


@pytest.mark.parametrize("row", ['b,"b.wav,joy,s', 'b,"b".wav,joy,s'])
def test_stray_quote_is_refused_with_the_line_where_its_row_begins(refusal, row):
    message = str(refusal(f"{HEADER}a,a.wav,joy,s\n{row}\nc,c.wav,joy,s\n"))
    assert "line 3: not well-formed CSV: " in message


def test_stray_quote_does_not_hide_the_problems_before_it(refusal):
    message = str(refusal(f'{HEADER},a.wav,joy,s\nb,"b.wav,joy,s\n'))
    assert "line 3: not well-formed CSV: " in message
    assert "line 2: clip_id is empty" in message


def test_missing_file_is_refused_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(ManifestError) as caught:
        read_manifest(tmp_path / "laughs.csv")
    assert caught.value.message.startswith(f"{tmp_path / 'laughs.csv'}: ")
    (remedy,) = caught.value.remedies
    assert remedy.function == "make_manifest"
    assert remedy.arguments["output"] == str(tmp_path / "laughs.csv")


def test_folder_instead_of_a_file_is_refused(tmp_path):
    (tmp_path / "laughs.csv").mkdir()
    with pytest.raises(ManifestError, match=r"laughs\.csv: cannot be read: Is a directory"):
        read_manifest(tmp_path / "laughs.csv")


def test_dataset_name_can_be_given(read):
    assert read(f"{HEADER}a,a.wav,joy,s\n", dataset="vivae-core").dataset == "vivae-core"


@pytest.mark.parametrize("name", ["a/b", "../b", "", ".hidden", "two words"])
def test_dataset_name_that_a_store_cannot_take_is_refused(refusal, name):
    error = refusal(f"{HEADER}a,a.wav,joy,s\n", dataset=name)
    assert f"the name {name!r}" in str(error)
    assert error.remedies[0].arguments == {"dataset": ...}


def test_stem_that_a_store_cannot_take_is_refused_unless_a_name_is_given(tmp_path):
    path = tmp_path / "my laughs.csv"
    path.write_text(f"{HEADER}a,a.wav,joy,s\n")
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "not ' '" in str(caught.value)
    assert caught.value.remedies[0].arguments == {"dataset": ...}
    assert read_manifest(path, dataset="laughs").dataset == "laughs"


def test_paths_are_relative_to_the_audio_folder(read, refusal, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    manifest = read(f"{HEADER}a,x/a.wav,joy,s\n", audio_folder=folder)
    assert manifest.audio_folder == folder
    assert manifest.audio_path(manifest.clips[0]) == folder / "x" / "a.wav"


def test_paths_must_stay_inside_the_audio_folder(refusal, tmp_path):
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "a.wav").symlink_to(tmp_path / "a.wav")
    (problem,) = refusal(f"{HEADER}a,a.wav,joy,s\n", audio_folder=tmp_path / "audio").problems
    assert f"leaves the folder {(tmp_path / 'audio').resolve()}" in problem


def test_audio_folder_that_is_not_there_is_refused(refusal, tmp_path):
    error = refusal(f"{HEADER}a,a.wav,joy,s\n", audio_folder=tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(error)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch") / "scratch.csv"


FIELDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.sampled_from(
    ["a", "a.wav", "../a", "/a", "joy", '"', "\r", "\n"]
)


def manifest_or_refusal(path):
    try:
        return read_manifest(path)
    except ManifestError as refusal:
        return refusal


@settings(deadline=None)
@given(rows=st.lists(st.lists(FIELDS, min_size=3, max_size=5), max_size=4), quoted=st.booleans())
def test_any_rows_make_a_sound_manifest_or_problems_with_lines(scratch, rows, quoted):
    text = io.StringIO()
    if quoted:
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    else:
        text.writelines(",".join(row) + "\n" for row in rows)
    scratch.write_bytes((HEADER + text.getvalue()).encode())
    outcome = manifest_or_refusal(scratch)
    if isinstance(outcome, ManifestError):
        assert all(re.match(r"line [0-9]+: \S", problem) for problem in outcome.problems)
        assert re.search(r"line [0-9]+: \S", str(outcome))
    else:
        assert outcome.clips
        assert all(clip.clip_id and clip.label for clip in outcome.clips)
        assert len({clip.clip_id for clip in outcome.clips}) == len(outcome.clips)
        folder = scratch.parent.resolve()
        places = [(folder / clip.path).resolve() for clip in outcome.clips]
        assert all(place.is_relative_to(folder) for place in places)


def test_one_recording_in_two_rows_is_refused_with_both_lines(refusal):
    problems = refusal(f"{HEADER}a,x.wav,joy,s\nb,x.wav,fear,s\n").problems
    assert problems == ("line 3: clip 'b': path 'x.wav' is already in line 2",)


@pytest.mark.parametrize("row", ["a,x.wav,jo\0y,s", "a,x.wav,joy,s\0"])
def test_null_character_in_a_label_or_speaker_is_refused(refusal, row):
    assert "line 2: clip 'a': label or speaker contains a null character" in str(
        refusal(f"{HEADER}{row}\n")
    )
