"""Figures in files and pages: whole or not at all, the same bytes, nothing needed besides."""

import re
import sys
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from subprocess import run

import matplotlib as mpl
import numpy as np
import pytest
from factories.made_up_studies import make_cell
from factories.odd_studies import make_study

from reno_store.errors import RenoStoreError, UnknownNameError
from reno_store.reports.figures import (
    confusion_figure,
    figures_of,
    map_figure,
    save_figures,
    to_svg,
)

STARTS = {"pdf": b"%PDF", "png": b"\x89PNG", "svg": b"<?xml"}


@pytest.fixture(scope="module")
def figure():
    return confusion_figure(make_cell(("mfcc",), "cnn"))


def test_each_figure_is_written_in_each_format(figure, tmp_path):
    figures = [figure, replace(figure, name="other")]
    paths = save_figures(figures, tmp_path / "new" / "folder", ("pdf", "png", "svg"))
    assert [path.name for path in paths] == [
        f"{each.name}.{ending}" for each in figures for ending in ("pdf", "png", "svg")
    ]
    for path in paths:
        assert path.read_bytes().startswith(STARTS[path.suffix[1:]])
        assert path.stat().st_mode & 0o777 == 0o644
    assert sorted(paths) == sorted((tmp_path / "new" / "folder").iterdir())


def test_vector_and_png_are_what_is_written_unless_told(figure, tmp_path):
    assert [path.suffix for path in save_figures([figure], tmp_path)] == [".pdf", ".png"]


@pytest.mark.slow
def test_every_kind_is_the_same_to_the_byte(tmp_path):
    kinds = {figure.kind: figure for figure in figures_of(make_study())}
    assert len(kinds) == 4
    first = save_figures(kinds.values(), tmp_path / "a", ("pdf", "png", "svg"))
    kinds = {figure.kind: figure for figure in figures_of(make_study())}
    second = save_figures(kinds.values(), tmp_path / "b", ("pdf", "png", "svg"))
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_a_png_has_300_dots_an_inch(figure, tmp_path):
    from PIL import Image

    (path,) = save_figures([figure], tmp_path, ["png"])
    with Image.open(path) as image:
        assert image.size[0] == round(3.35 * 300)


def test_an_unknown_format_is_refused_with_the_choices(figure, tmp_path):
    with pytest.raises(UnknownNameError, match=r"'pgn'; did you mean 'png'\? Choices: pdf, png"):
        save_figures([figure], tmp_path, ["pgn"])
    assert not list(tmp_path.iterdir())


def test_two_figures_of_one_name_are_refused(figure, tmp_path):
    with pytest.raises(RenoStoreError, match="two figures have the name"):
        save_figures([figure, figure], tmp_path)


def test_a_folder_that_is_a_file_is_refused_before_anything_is_drawn(figure, tmp_path):
    (tmp_path / "taken").write_text("mine")
    drawn = []
    lazy = replace(figure, draw=lambda: drawn.append(1))
    with pytest.raises(RenoStoreError, match=r"taken: figures cannot be written there.*Name"):
        save_figures([lazy], tmp_path / "taken")
    assert drawn == []
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_file_that_cannot_be_replaced_leaves_nothing_behind(figure, tmp_path):
    (tmp_path / f"{figure.name}.png").mkdir()
    with pytest.raises(RenoStoreError, match="cannot be written"):
        save_figures([figure], tmp_path, ["png"])
    assert [path.name for path in tmp_path.iterdir()] == [f"{figure.name}.png"]


def test_an_svg_stands_in_a_page_without_fonts_links_or_scripts(figure):
    text = to_svg(replace(figure, title='less < than "that"'))
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert (root.get("role"), root.get("aria-label")) == ("img", 'less < than "that"')
    assert "<text" not in text
    assert "font-family" not in text
    links = re.findall(r'(?:href="|url\()([^")]+)', text)
    assert links
    assert all(link.startswith("#") for link in links)
    assert to_svg(figure) == to_svg(figure)


def test_ids_of_two_svgs_in_one_page_differ_and_each_reference_is_met(figure):
    ids = []
    for each in (figure, replace(figure, name="other")):
        text = to_svg(each)
        own = re.findall(r'\bid="([^"]+)"', text)
        assert all(name.startswith(f"{each.name}-") for name in own)
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', text)) <= set(own)
        ids.append(set(own))
    assert not ids[0] & ids[1]


def test_many_points_are_an_image_inside_the_svg_and_few_are_not():
    rng = np.random.default_rng(0)

    def svg_of(n):
        X = rng.normal(size=(n, 2)).astype(np.float32)
        y = np.array(["a", "b"])[np.arange(n) % 2]
        return to_svg(map_figure(X, y, dataset="d", model="m", lay_out=lambda X, seed: X))

    assert "data:image/png;base64," in svg_of(1_100)
    assert "data:image/png" not in svg_of(30)


def test_what_the_user_set_in_matplotlib_changes_nothing_and_stays(figure, tmp_path):
    (plain,) = save_figures([figure], tmp_path / "plain", ["png"])
    with mpl.rc_context({"font.size": 30, "text.color": "red", "savefig.bbox": "tight"}):
        before = dict(mpl.rcParams)
        (own,) = save_figures([figure], tmp_path / "own", ["png"])
        figure.draw()
        assert dict(mpl.rcParams) == before
    assert own.read_bytes() == plain.read_bytes()


def test_threads_may_draw_at_once(figure):
    before, alone = dict(mpl.rcParams), to_svg(figure)
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: to_svg(figure), range(8)))
    assert found == {alone}
    assert dict(mpl.rcParams) == before


def test_pyplot_is_never_loaded():
    code = (
        "import sys; from factories.made_up_studies import make_study; "
        "from reno_store.reports.figures import figures_of, to_svg; "
        "kinds = {figure.kind: figure for figure in figures_of(make_study())}; "
        "[to_svg(figure) for figure in kinds.values()]; "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "MPLCONFIGDIR": mpl.get_configdir()}
    done = run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
