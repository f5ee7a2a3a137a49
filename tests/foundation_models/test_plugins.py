"""Models that other installed packages offer by entry points."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from factories.corpora import make_corpus
from reno_cli.main import main

from reno_store.corpora.audio import read_waveform
from reno_store.errors import ModelError, UnknownNameError
from reno_store.extraction.build import build_store
from reno_store.foundation_models import (
    CatalogueEntry,
    FoundationModel,
    load_model,
    parse_model_specs,
)
from reno_store.foundation_models.plugins import installed_models, package_of
from reno_store.samples import open_store

MODEL = """
import numpy as np

CALLS = []


class Loudness:
    sample_rate_hz, min_samples, dim = 16_000, 2, 3

    def __init__(self, device="cpu", floor="0", power="1"):
        CALLS.append({"device": device, "floor": floor, "power": power})
        self.floor, self.power = float(floor), int(power)
        self.fingerprint = {
            "kind": "loudness", "weights": "none", "preprocessing": "none", "layer": "none",
            "pooling": "none", "precision": "float64", "code": 1, "options": [floor, power],
        }

    def embed(self, waveforms):
        rows = [self.describe(np.abs(np.asarray(each, float))) for each in waveforms]
        return np.array(rows, np.float32).reshape(-1, 3)

    def describe(self, level):
        level = np.maximum(level, self.floor) ** self.power
        return level.mean(), level.max(), level.std()
"""

PRECISE = (
    MODEL
    + """
class Precise(Loudness):
    def __init__(self, device="cpu", precision="float32"):
        super().__init__(device)
        self.fingerprint["precision"] = precision


class Generous(Loudness):
    def __init__(self, **everything):
        super().__init__()
        CALLS.append(everything)


def make(device, floor="0.5"):
    return Loudness(device=device, floor=floor)
"""
)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts a made-up package on Python's path; gives what its module holds once imported."""
    modules = []

    def install(package, code, **offers):
        module = package.replace("-", "_")
        site = tmp_path / "site" / package
        site.mkdir(parents=True)
        (site / f"{module}.py").write_text(code)
        offered = [f"{name.replace('_', '-')} = {module}:{what}" for name, what in offers.items()]
        write_metadata(site, package, offered)
        monkeypatch.syspath_prepend(site)
        modules.append(module)
        return SimpleNamespace(contents=lambda: vars(sys.modules[module]))

    yield install
    for module in modules:
        sys.modules.pop(module, None)


def write_metadata(site: Path, package: str, offered: list[str]):
    """What pip leaves beside a package's modules."""
    folder = site / f"{package.replace('-', '_')}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    points = ["[reno_store.foundation_models]", *offered, "[console_scripts]", "loud = none:main"]
    (folder / "entry_points.txt").write_text("\n".join(points))


@pytest.fixture
def loudness(install):
    return install("voice-tools", MODEL, loudness="Loudness")


def run(*words, expect=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == expect, result.output
    return result.output


def refusal(spec, **options):
    with pytest.raises(ModelError) as caught:
        load_model(spec, **options)
    return str(caught.value)


class TestLoading:
    def test_model_of_another_package_is_loaded_by_its_name(self, loudness):
        model = load_model("loudness")
        assert isinstance(model, FoundationModel)
        assert type(model) is loudness.contents()["Loudness"]
        row = model.embed([np.array([0.5, -1.0, 0.0], np.float32)])
        np.testing.assert_allclose(row, [[0.5, 1.0, np.sqrt(0.5 / 3)]], rtol=1e-6)

    def test_name_is_that_of_the_entry_point(self, install):
        install("voice-tools", MODEL, anything_else="Loudness")
        assert load_model("anything-else").dim == 3
        with pytest.raises(UnknownNameError):
            load_model("loudness")

    def test_device_is_given_to_it(self, loudness):
        load_model("loudness", device="cuda:1")
        assert loudness.contents()["CALLS"] == [{"device": "cuda:1", "floor": "0", "power": "1"}]

    def test_options_are_given_as_they_were_typed(self, loudness):
        load_model("loudness?floor=0.1&power=2")
        (call,) = loudness.contents()["CALLS"]
        assert call == {"device": "cpu", "floor": "0.1", "power": "2"}

    def test_option_that_it_does_not_take_is_refused(self, loudness):
        expected = "model loudness of voice-tools: takes no option 'layer'."
        assert refusal("loudness?layer=3&floor=1") == expected
        assert loudness.contents()["CALLS"] == []

    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    def test_precision_is_given_to_one_that_takes_it(self, install, precision):
        install("voice-tools", PRECISE, precise="Precise", loudness="Loudness")
        model = load_model("precise", precision=precision)
        assert model.fingerprint["precision"] == precision
        model = load_model("loudness", precision=precision)
        assert model.fingerprint["precision"] == "float64"

    def test_one_that_takes_everything_is_given_everything(self, install):
        package = install("voice-tools", PRECISE, generous="Generous")
        load_model("generous?anything=goes", precision="float16")
        given = {"device": "cpu", "precision": "float16", "anything": "goes"}
        assert package.contents()["CALLS"][-1] == given

    def test_function_may_make_it(self, install):
        install("voice-tools", PRECISE, made="make")
        assert load_model("made").fingerprint["options"] == ["0.5", "1"]
        assert load_model("made?floor=0.25").fingerprint["options"] == ["0.25", "1"]

    def test_precision_that_does_not_exist_is_refused_before(self, loudness):
        with pytest.raises(UnknownNameError, match="unknown precision 'float8'"):
            load_model("loudness", precision="float8")
        assert "voice_tools" not in sys.modules

    def test_whoever_asks_for_padded_batches_gets_the_model_all_the_same(self, loudness):
        assert load_model("loudness", batched=True).dim == 3


class TestInAStore:
    def test_it_is_built_like_any_other(self, loudness, tmp_path):
        corpus = make_corpus(tmp_path, 4)
        specs = ["loudness", "loudness?floor=0.2", "mfcc"]
        report = build_store(corpus.manifest, tmp_path / "s", specs)
        assert report.complete
        store = open_store(tmp_path / "s")
        names = ["loudness", "loudness-floor0.2"]
        for name, spec in zip(names, specs, strict=False):
            model = load_model(spec)
            waveforms = [
                read_waveform(corpus.recording(clip_id), 16_000) for clip_id in corpus.clip_ids
            ]
            np.testing.assert_array_equal(store.load("small", name).X, model.embed(waveforms))
        plain, floored = (store.load("small", name).X for name in names)
        assert (floored[:, 0] > plain[:, 0]).all()
        again = build_store(corpus.manifest, tmp_path / "s", specs)
        assert [model.n_reused for model in again.models] == [4, 4, 4]

    def test_model_that_does_not_load_leaves_no_store(self, install, tmp_path):
        install("voice-tools", "1 / 0", loudness="Loudness")
        corpus = make_corpus(tmp_path, 2)
        with pytest.raises(ModelError, match="division by zero"):
            build_store(corpus.manifest, tmp_path / "s", ["mfcc", "loudness"])
        assert not (tmp_path / "s").exists()


BROKEN = """
from reno_store.errors import ModelError


def refuse(device):
    raise ModelError("its weights are not in /opt/voices; run voices fetch.")


def fail(device):
    raise KeyError("weights")


def bare(device):
    class Bare:
        sample_rate_hz, min_samples, dim = 16_000, 1, 1
        def embed(self, waveforms): ...
    return Bare()


def nothing(device):
    pass


def deaf():
    pass


number = 3
"""


class TestBroken:
    @pytest.mark.parametrize(
        ("code", "what", "why"),
        [
            ("import no_such_module", "X", "ModuleNotFoundError: No module named 'no_such_module'"),
            ("raise RuntimeError('no licence')", "X", "RuntimeError: no licence"),
            ("def (", "X", "SyntaxError: "),
            ("", "Missing", "AttributeError: module 'voice_tools' has no attribute 'Missing'"),
            (BROKEN, "fail", "KeyError: 'weights'"),
        ],
    )
    def test_what_its_code_raises_is_told_with_its_name_and_package(self, install, code, what, why):
        install("voice-tools", code, loud=what)
        expected = f"model loud of voice-tools: cannot be loaded: {why}"
        assert refusal("loud").startswith(expected)
        assert refusal("mine=loud").startswith(expected)

    def test_what_it_says_itself_is_told_as_it_says_it(self, install):
        install("voice-tools", BROKEN, loud="refuse")
        assert refusal("loud") == "its weights are not in /opt/voices; run voices fetch."

    @pytest.mark.parametrize(("what", "gave"), [("bare", "Bare"), ("nothing", "NoneType")])
    def test_object_that_is_no_model_is_refused_with_what_a_model_has(self, install, what, gave):
        install("voice-tools", BROKEN, loud=what)
        message = refusal("loud")
        assert message.startswith("model loud of voice-tools: ")
        assert gave in message
        assert "sample_rate_hz, min_samples, dim, fingerprint and embed" in message

    def test_maker_that_takes_no_device_is_refused(self, install):
        install("voice-tools", BROKEN, loud="deaf")
        assert refusal("loud") == "model loud of voice-tools: takes no option 'device'."

    def test_what_cannot_be_called_is_refused(self, install):
        install("voice-tools", BROKEN, loud="number")
        assert refusal("loud").startswith("model loud of voice-tools: ")


class TestNames:
    def test_name_of_the_catalogue_is_refused_with_both_who_offer_it(self, install):
        install("voice-tools", MODEL, mfcc="Loudness")
        expected = "model mfcc: offered by voice-tools and by reno-store; uninstall all but one, "
        with pytest.raises(ModelError) as caught:
            parse_model_specs(["logmel", "mine=mfcc"])
        assert str(caught.value).startswith(expected)
        assert refusal("mfcc").startswith(expected)
        assert load_model("logmel").dim == 240

    def test_name_that_two_packages_offer_is_refused_with_both(self, install):
        install("voice-tools", MODEL, loudness="Loudness", other="Loudness")
        install("sound-tools", MODEL, loudness="Loudness")
        assert refusal("loudness").startswith(
            "model loudness: offered by sound-tools and by voice-tools; uninstall all but one, "
        )
        assert load_model("other").dim == 3

    @pytest.mark.parametrize("package", ["voice-tools", "voice-tools-renamed"])
    def test_one_and_the_same_object_offered_twice_is_no_clash(
        self, loudness, tmp_path, monkeypatch, package
    ):
        (tmp_path / "again").mkdir()
        write_metadata(tmp_path / "again", package, ["loudness = voice_tools:Loudness"])
        monkeypatch.syspath_prepend(tmp_path / "again")
        assert load_model("loudness").dim == 3
        assert len(installed_models()["loudness"]) == 1

    def test_unknown_name_is_answered_with_those_of_packages_too(self, loudness):
        with pytest.raises(UnknownNameError) as caught:
            parse_model_specs(["loudnes"])
        message = str(caught.value)
        assert message.startswith("unknown model 'loudnes'; did you mean 'loudness'? Choices: ")
        choices = message.split("Choices: ")[1].rstrip(".").split(", ")
        assert "loudness" in choices
        assert "mfcc" in choices

    def test_package_is_named_as_it_was_installed(self, loudness):
        (entry,) = installed_models()["loudness"]
        assert package_of(entry) == "voice-tools"

    def test_without_such_packages_there_is_none(self):
        assert "loudness" not in installed_models()


class TestCommands:
    def test_it_is_listed_with_its_package(self, loudness):
        rows = [line.split() for line in run("models").splitlines()]
        assert ["loudness", "-", "package", "voice-tools", "yes"] in rows

    def test_all_who_offer_a_name_are_listed(self, install):
        install("voice-tools", MODEL, loudness="Loudness")
        install("sound-tools", MODEL, loudness="Loudness")
        rows = [line.split() for line in run("models").splitlines()]
        packages = [row[3] for row in rows if row[:1] == ["loudness"]]
        assert packages == ["sound-tools", "voice-tools"]

    def test_listing_runs_none_of_its_code(self, install):
        install("voice-tools", "raise SystemExit('run!')", loudness="Loudness")
        assert "package voice-tools" in run("models")

    def test_it_can_be_checked(self, loudness):
        words = ("--check", "--model", "loudness", "--device", "cpu")
        rows = [line.split() for line in run("models", *words).splitlines()]
        row = next(row for row in rows if row[:1] == ["loudness"])
        assert row[1:6] == ["cpu", "float32", "0.0e+00", "0.0e+00", "0.0e+00"]

    def test_it_is_checked_with_all_that_are_here(self, loudness, monkeypatch):
        monkeypatch.setattr(
            CatalogueEntry, "is_on_this_machine", property(lambda entry: entry.name == "mfcc")
        )
        shown = run("models", "--check", "--device", "cpu", "--precision", "float32")
        rows = [line.split() for line in shown.split("\n\n")[0].splitlines()[1:]]
        assert [row[0] for row in rows] == ["mfcc", "loudness"]

    def test_one_that_is_broken_ends_a_build_with_its_name(self, install, tmp_path):
        install("voice-tools", BROKEN, loud="fail")
        corpus = make_corpus(tmp_path, 2)
        words = ("build", corpus.manifest, "--model", "loud", "--store", tmp_path / "s")
        assert "Error: model loud of voice-tools: cannot be loaded" in run(*words, expect=1)
