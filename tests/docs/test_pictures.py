"""docs/images: small, shown somewhere, and drawn by scripts in publishing/."""

import importlib.util
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
IMAGES = sorted(path for path in (ROOT / "docs" / "images").iterdir() if path.is_file())
SVG = "{http://www.w3.org/2000/svg}"


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "publishing" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def terminal():
    pytest.importorskip("pty", reason="there are no pseudo-terminals here")
    return load("terminal")


@pytest.mark.parametrize("path", IMAGES, ids=[path.name for path in IMAGES])
class TestEveryPicture:
    def test_is_small(self, path):
        assert path.stat().st_size < 150_000

    def test_is_shown(self, path):
        pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
        assert any(f"images/{path.name})" in page.read_text("utf-8") for page in pages)


def test_every_figure_of_the_gallery_is_drawn_by_the_script():
    drawn = {*load("pictures").PICTURES, "terminal"}
    assert drawn == set(re.findall(r"images/([\w-]+)\.", (ROOT / "docs/gallery.md").read_text()))


def test_shrunk_pictures_keep_what_they_show(tmp_path):
    from PIL import Image

    big = Image.new("RGB", (2000, 500), "white")
    big.paste("navy", (1000, 0, 2000, 500))
    big.save(tmp_path / "big.png")
    load("pictures").shrink(tmp_path / "big.png", tmp_path / "small.png", widest_px=1000)
    small = Image.open(tmp_path / "small.png")
    assert (small.mode, small.size) == ("P", (1000, 250))
    small = small.convert("RGB")
    assert (small.getpixel((10, 10)), small.getpixel((990, 10))) == ((255,) * 3, (0, 0, 128))


class TestTerminal:
    def test_a_command_sees_a_terminal_and_its_failure_is_raised(self, terminal, tmp_path):
        shown = terminal.run_in_terminal(
            f'"{sys.executable}" -c "import sys; print(sys.stdout.isatty())"', tmp_path
        )
        assert shown == "True\n"
        with pytest.raises(terminal.subprocess.CalledProcessError):
            terminal.run_in_terminal("exit 3", tmp_path)

    def test_lines_appear_one_after_the_other(self, terminal):
        session = [("reno-store x", "\x1b[1mbold\x1b[0m <a> & b\nsecond"), ("y", "third")]
        svg = ElementTree.fromstring(terminal.drawn(session, "title"))
        found = {}
        for text in svg.iter(f"{SVG}text"):
            if at := re.search(r"--at:([\d.]+)s", text.get("style", "")):
                found[text.text.replace("\xa0", " ").strip()] = float(at[1])
        order = ["reno-store x", "bold", "second", "y", "third"]
        times = [next(at for line, at in found.items() if word in line) for word in order]
        assert times == sorted(times)
        assert times[0] < times[1] < times[2] < times[3]
        assert any("<a> & b" in line for line in found)

    def test_the_recording_is_of_these_commands_and_loads_nothing(self, terminal):
        text = (ROOT / "docs/images/terminal.svg").read_text("utf-8")
        assert "url(http" not in text
        assert "<script" not in text
        svg = ElementTree.fromstring(text)
        shown = "".join(node.text or "" for node in svg.iter(f"{SVG}text"))
        for command in terminal.COMMANDS:
            start = command.split(" --")[0]
            assert start in shown.replace("\xa0", " "), command
