"""README.md and docs/ are true: links lead somewhere, commands exist, shown output is real.

Their Python examples run as doctests.
"""

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from factories.recordings import write_wav
from reno_cli.main import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")


def prose(page):
    return _BLOCK.sub("", page.read_text("utf-8"))


def blocks(page, *languages):
    found = _BLOCK.findall(page.read_text("utf-8"))
    return [body for language, body in found if language in languages]


def anchors(page):
    """What GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


def commands(page):
    """Every use of reno-store on a page, as its words: in blocks of shell, and within lines."""
    lines = []
    for block in blocks(page, "sh", "console"):
        for line in block.replace("\\\n", " ").splitlines():
            lines += re.split(r"&& |; ", line.removeprefix("$ "))
    lines += [span for span in _SPAN.findall(prose(page)) if "reno-store " in span]
    for line in lines:
        if found := re.match(r"(?:\S*=\S+ |\S*/)*reno-store ([a-z].*)", line.strip()):
            yield shlex.split(found[1], comments=True)


def options_of(name):
    own = main.commands[name].params
    return {opt for param in own for opt in (*param.opts, *param.secondary_opts)} | {"--help"}


def stems(paths):
    return [path.stem for path in paths]


@pytest.mark.parametrize("page", PAGES, ids=stems(PAGES))
class TestEveryPage:
    def test_links_lead_to_files_and_headings(self, page):
        for target in _LINK.findall(prose(page)):
            if target.startswith(("http://", "https://")):
                continue
            path, _, anchor = target.partition("#")
            goal = (page.parent / path).resolve() if path else page
            assert goal.exists(), f"{page.name}: {target}"
            assert goal.is_relative_to(ROOT), f"{page.name}: {target} leads out of the project"
            if anchor:
                assert anchor in anchors(goal), f"{page.name}: {target} has no such heading"

    def test_commands_and_their_options_exist(self, page):
        for name, *words in commands(page):
            assert name in main.commands, f"{page.name}: reno-store {name}"
            for word in words:
                if re.match(r"--?[a-z]", word):
                    option = word.partition("=")[0]
                    assert option in options_of(name), f"{page.name}: reno-store {name} {option}"

    def test_options_in_prose_exist_somewhere(self, page):
        of_commands = set().union(*(options_of(name) for name in main.commands))
        scripts = [*(ROOT / "examples").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
        of_scripts = re.findall(r'"(--[a-z-]+)"', "".join(path.read_text() for path in scripts))
        for span in _SPAN.findall(prose(page)):
            if span.startswith("--"):
                option = re.split(r"[ =]", span)[0]
                assert option in {*of_commands, *of_scripts}, f"{page.name}: {span}"

    def test_python_that_is_no_doctest_is_python(self, page):
        for block in blocks(page, "python"):
            if ">>>" not in block:
                compile(block, str(page), "exec")


class TestTheChecks:
    """They would see what is wrong."""

    @pytest.fixture
    def page(self, tmp_path):
        page = tmp_path / "page.md"
        page.write_text(
            "# Why? A heading\n`reno-store info my.zarr --json`\n"
            "```sh\nOMP_NUM_THREADS=1 reno-store build a.csv \\\n  --modle mfcc  # --not-this\n"
            "cd x && .venv/bin/reno-store demo -o y\n```\n"
            "```console\n$ reno-store verify s\nreno-store --not-this\n```\n"
        )
        return page

    def test_commands_are_found_wherever_they_stand(self, page):
        assert sorted(commands(page)) == [
            ["build", "a.csv", "--modle", "mfcc"],
            ["demo", "-o", "y"],
            ["info", "my.zarr", "--json"],
            ["verify", "s"],
        ]
        assert "--modle" not in options_of("build")

    def test_headings_become_anchors(self, page):
        assert anchors(page) == {"why-a-heading"}

    def test_registered_commands_are_asked_themselves(self):
        @click.command()
        @click.option("--only-this")
        def tables():
            pass

        known = dict(main.commands)
        main.add_command(tables)
        try:
            assert options_of("tables") == {"--only-this", "--help"}
        finally:
            main.commands.clear()
            main.commands.update(known)


def test_every_page_is_in_the_index():
    linked = {target.partition("#")[0] for target in _LINK.findall(prose(DOCS / "README.md"))}
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert pages - {"README.md"} <= linked
    for pattern in ("examples/*.py", "notebooks/*.ipynb"):
        assert {f"../{path.relative_to(ROOT)}" for path in ROOT.glob(pattern)} <= linked


def test_the_card_of_the_page_does_what_the_page_shows(tmp_path, monkeypatch):
    page = DOCS / "adding-a-dataset.md"
    (card,) = blocks(page, "toml")
    (shown,) = [block for block in blocks(page, "console") if "bursts.toml" in block]
    (tmp_path / "bursts.toml").write_text(card)
    names = [
        f"a/P0{speaker}_{label}_{take}.wav"
        for speaker in (1, 2, 3)
        for label in "LCS"
        for take in ("hi_01", "lo_02")
    ]
    for name in (*names, "talk/P01_sentence_01.wav"):
        write_wav(tmp_path / "corpus" / name)
    (tmp_path / "corpus" / "readme.txt").write_text("whose are these")
    monkeypatch.chdir(tmp_path)
    command, _, rest = shown.removeprefix("$ reno-store ").partition("\n")
    printed = CliRunner().invoke(main, shlex.split(command))
    assert printed.exit_code == 0, printed.output
    expected, _, head = rest.partition("$ head -2 corpus/bursts.csv\n")
    assert printed.output == expected
    written = (tmp_path / "corpus" / "bursts.csv").read_text().splitlines()
    assert written[:2] == head.splitlines()


def test_the_fingerprints_that_pages_show_are_todays(demo_folder):
    shown = set(re.findall(r"fingerprint ([0-9a-f]{12})", (DOCS / "quick-start.md").read_text()))
    info = CliRunner().invoke(main, ["info", str(demo_folder / "reno-demo" / "embeddings.zarr")])
    assert len(shown) == 2
    assert shown == set(re.findall(r"fingerprint ([0-9a-f]{12})", info.output))
