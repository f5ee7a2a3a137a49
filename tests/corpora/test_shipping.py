"""Cards are found, and both packages, however reno-store was installed."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
CARDS = (
    "asvp-esd cnvve crema-d deeply donateacry emogator folders jnv jvnv ravdess recanvo vivae "
    "vocalsound"
)
SOURCES = ["reno_store", "cli", "data_manifests"]
FILES = ["pyproject.toml", "README.md", "LICENSE", ".gitignore"]

LOOK = """
import reno_cli, reno_store
from reno_store.corpora import find_card, list_cards
print(reno_store.__file__)
print(reno_cli.__file__)
print(*list_cards())
print(find_card("emogator").labels["01"])
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what a build reads, so that nothing is written into the checkout."""
    copy = tmp_path_factory.mktemp("source") / "reno-store"
    copy.mkdir()
    for name in SOURCES:
        shutil.copytree(CHECKOUT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        if (CHECKOUT / name).exists():
            shutil.copy(CHECKOUT / name, copy / name)
    return copy


def run(*command, cwd, **variables):
    """Run a command that knows nothing of the checkout and needs no network."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    pip = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**inherited, **pip, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "-w", str(folder)]
    run("-m", "pip", "wheel", str(source), *options, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_holds_both_packages_their_types_the_cards_and_the_page(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {
        "reno_store/__init__.py",
        "reno_store/py.typed",
        *(f"reno_store/data_manifests/{card}.toml" for card in CARDS.split()),
        *(f"reno_store/reports/page/templates/page.{each}" for each in ("css", "html.jinja", "js")),
        "reno_cli/main.py",
        "reno_cli/py.typed",
    } <= set(names)
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"reno_store", "reno_cli"}


def test_wheel_carries_the_command_and_the_licence(wheel):
    with zipfile.ZipFile(wheel) as archive:
        texts = {
            Path(name).name: archive.read(name).decode()
            for name in archive.namelist()
            if ".dist-info/" in name
        }
    assert "reno-store = reno_cli.main:main" in texts["entry_points.txt"]
    assert texts["LICENSE"] == (CHECKOUT / "LICENSE").read_text()


def test_cards_are_found_from_a_wheel(wheel, tmp_path):
    place = tmp_path / "unzipped"
    zipfile.ZipFile(wheel).extractall(place)
    store, cli, cards, label = run("-c", LOOK, cwd=tmp_path, PYTHONPATH=str(place)).splitlines()
    assert Path(store).is_relative_to(place)
    assert Path(cli).is_relative_to(place)
    assert cards == CARDS
    assert label == "Adoration"


def test_cards_are_found_from_an_editable_install(source, tmp_path):
    prefix = tmp_path / "prefix"
    # Without --ignore-installed pip would take away a reno-store that is installed already.
    options = ["--no-deps", "--no-build-isolation", "--ignore-installed", "--prefix", str(prefix)]
    run("-m", "pip", "install", *options, "-e", str(source), cwd=tmp_path)
    (packages,) = {path.parent for path in prefix.rglob("*.pth")}
    # What is installed here stands before a reno-store that this environment may have.
    look = (
        "import site, sys; known = len(sys.path); "
        f"site.addsitedir({str(packages)!r}); "
        f"sys.path[:] = sys.path[known:] + sys.path[:known]\n{LOOK}"
    )
    store, cli, cards, label = run("-I", "-c", look, cwd=tmp_path).splitlines()
    assert Path(store).is_relative_to(source)
    assert Path(cli).is_relative_to(source)
    assert cards == CARDS
    assert label == "Adoration"

    mine = source / "data_manifests" / "mine.toml"
    shutil.copy(source / "data_manifests" / "folders.toml", mine)
    try:
        names = run("-I", "-c", look, cwd=tmp_path).splitlines()[2]
        assert names.split() == sorted([*CARDS.split(), "mine"])
    finally:
        mine.unlink()
