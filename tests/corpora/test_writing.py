"""Writing: what is written is read back, and a write that fails leaves what was there."""

import contextlib
import stat

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reno_store.corpora import Clip, read_manifest, write_manifest
from reno_store.corpora.names import check_column
from reno_store.errors import ManifestError

CLIP = Clip("a", "a.wav", "joy", "s")
WRITABLE = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
FIELDS = st.text(WRITABLE, max_size=8).map(str.strip)
CLIP_IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda name: name == name.strip()
)
PATHS = st.lists(
    st.text(st.characters(exclude_characters="/\\:\0", exclude_categories=["Cs"]), max_size=20)
    .map(str.strip)
    .filter(lambda part: part not in {"", ".."}),
    min_size=1,
    max_size=3,
).map("/".join)
COLUMNS = st.text(WRITABLE, max_size=8).map(str.strip).filter(lambda name: not check_column(name))


@st.composite
def clip_tables(draw):
    columns = draw(st.sets(COLUMNS, max_size=3))
    columns -= {"clip_id", "path", "label", "speaker"}
    clip_ids = draw(st.lists(CLIP_IDS, min_size=1, max_size=5, unique=True))
    size = len(clip_ids)
    paths = draw(st.lists(PATHS, min_size=size, max_size=size, unique=True))
    return [
        Clip(
            clip_id,
            path,
            draw(FIELDS.filter(bool)),
            draw(FIELDS),
            {column: draw(st.text(WRITABLE, max_size=8)) for column in sorted(columns)},
        )
        for clip_id, path in zip(clip_ids, paths, strict=True)
    ]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch") / "scratch.csv"


@settings(deadline=None)
@given(clips=clip_tables())
@example(clips=[Clip("a", "a.wav", 'joy, "or"\r\nrelief', "", {"take, or": "\n"})])
@example(clips=[Clip("a", "a.wav", "joy\rrelief", "s")])
@example(clips=[Clip("ä 1", "日本/泣.wav", "Überraschung", "s", {"note": " = "})])
def test_what_is_written_is_read_back(scratch, clips):
    manifest = read_manifest(write_manifest(scratch, clips))
    assert manifest.clips == tuple(clips)
    assert manifest.extra_columns == tuple(sorted(clips[0].extra))


def test_written_file_is_plain_csv(tmp_path):
    clips = [Clip("b", "x/b.wav", "joy, relief", "s", {"take": "2", "age": "30"}), CLIP]
    path = write_manifest(tmp_path / "laughs.csv", clips)
    assert path == tmp_path / "laughs.csv"
    assert path.read_bytes().replace(b"\r\n", b"\n") == (
        b'clip_id,path,label,speaker,age,take\nb,x/b.wav,"joy, relief",s,30,2\na,a.wav,joy,s,,\n'
    )


def test_clip_that_lacks_a_further_column_gets_an_empty_field(tmp_path):
    other = Clip("b", "b.wav", "joy", "s", {"take": "2"})
    manifest = read_manifest(write_manifest(tmp_path / "laughs.csv", [CLIP, other]))
    assert [clip.extra for clip in manifest.clips] == [{"take": ""}, {"take": "2"}]


def test_existing_file_is_replaced(tmp_path):
    path = write_manifest(tmp_path / "laughs.csv", [CLIP, Clip("b", "b.wav", "fear")])
    write_manifest(str(path), [CLIP])
    assert read_manifest(path).clips == (CLIP,)
    assert [entry.name for entry in tmp_path.iterdir()] == ["laughs.csv"]


def test_others_can_read_the_file(tmp_path):
    mode = write_manifest(tmp_path / "laughs.csv", [CLIP]).stat().st_mode
    assert stat.S_IMODE(mode) == 0o644


@contextlib.contextmanager
def full_disk():
    """No file can grow beyond 64 bytes: that of pytest's own output neither, so be brief."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


MANY = [Clip(f"clip{number}", "a.wav", "joy") for number in range(100)]


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "laughs.csv"
    path.write_text("old")
    with pytest.raises(ManifestError), full_disk():
        write_manifest(path, MANY)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["laughs.csv"]


def test_full_disk_is_a_manifest_error(tmp_path):
    told = r"laughs\.csv: cannot be written: File too large"
    with pytest.raises(ManifestError, match=told), full_disk():
        write_manifest(tmp_path / "laughs.csv", MANY)


def test_folder_that_is_not_there_is_a_manifest_error(tmp_path):
    path = tmp_path / "nowhere" / "laughs.csv"
    with pytest.raises(ManifestError) as caught:
        write_manifest(path, [CLIP])
    assert str(caught.value) == f"{path}: cannot be written: No such file or directory."


def test_folder_in_the_place_of_the_file_is_a_manifest_error(tmp_path):
    (tmp_path / "laughs.csv").mkdir()
    with pytest.raises(ManifestError, match=r"laughs\.csv: cannot be written: Is a directory"):
        write_manifest(tmp_path / "laughs.csv", [CLIP])
    assert [entry.name for entry in tmp_path.iterdir()] == ["laughs.csv"]


def test_name_that_is_not_text_is_a_manifest_error_that_shows_it(tmp_path):
    # As os.walk gives the name of a file that was unpacked in another encoding.
    path = b"caf\xe9.wav".decode("utf-8", "surrogateescape")
    with pytest.raises(ManifestError, match=r"laughs\.csv: .*caf\\udce9\.wav"):
        write_manifest(tmp_path / "laughs.csv", [Clip("a", path, "joy")])
    assert not list(tmp_path.iterdir())
