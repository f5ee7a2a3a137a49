"""``reno-store models``: what is listed, what is here, and how exact it is."""

import io
import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
from click.testing import CliRunner
from factories.checkpoints import write_checkpoint
from reno_cli.main import main
from rich.console import Console

from reno_store.foundation_models import CATALOGUE, PRECISIONS, CatalogueEntry, plugins
from reno_store.foundation_models.catalogue import GROUPS
from reno_store.foundation_models.plugins import GROUP

COMMIT = "5a1c0ffee" + 31 * "0"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A hub's cache in which nothing is, whatever the machine has."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    return {
        "tiny": write_checkpoint(folder / "tiny", "wavlm"),
        "adapted": write_checkpoint(
            folder / "adapted", "wav2vec2", add_adapter=True, output_hidden_size=24
        ),
    }


def run(*words, expect=0):
    result = CliRunner().invoke(main, ["models", *(str(word) for word in words)])
    assert result.exit_code == expect, result.output
    return result.output


def check(*words):
    return run("--check", "--device", "cpu", *words)


def table(shown):
    """The table's rows below its header, as far as words go."""
    lines = shown.split("\n\n")[0].splitlines()
    return [line.split() for line in lines[1:]]


def put_into_cache(cache, *names):
    folder = cache / "models--microsoft--wavlm-base"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    (folder / "snapshots" / COMMIT).mkdir(parents=True)
    for name in names:
        (folder / "snapshots" / COMMIT / name).write_text("{}")


class TestList:
    def test_every_name_of_the_catalogue_has_a_row(self):
        names = [row[0] for row in table(run())]
        assert [name for name in names if name in CATALOGUE] == list(CATALOGUE)

    def test_models_are_grouped_by_what_they_were_made_for(self):
        headings, group_of = [], {}
        for line in run().split("\n\n")[0].splitlines()[1:]:
            if line.startswith("  "):
                group_of[line.split()[0]] = headings[-1]
            else:
                headings.append(line)
        assert headings == list(GROUPS.values())
        assert group_of["hubert-base"] == "the paper's models"
        assert group_of["hubert-large"] == "self-supervised speech"
        assert group_of["whisper-base"] == "Whisper"
        assert group_of["voc2vec-hubert-ls-pt"] == "non-verbal vocalizations"
        assert group_of["clap"] == "audio events"

    def test_models_of_packages_are_a_group(self, monkeypatch):
        offer = EntryPoint("theirs", "nowhere:Model", GROUP)
        monkeypatch.setattr(plugins, "installed_models", lambda: {"theirs": [offer]})
        *_, heading, row = run().split("\n\n")[0].splitlines()
        assert heading == "plugins"
        assert row.split() == ["theirs", "-", "package", "nowhere", "yes"]

    def test_80_columns_show_dimension_parameters_and_licence(self, monkeypatch):
        shown = io.StringIO()
        console = Console(width=80, file=shown)
        monkeypatch.setattr("reno_cli.models.print_wide", console.print)
        run()
        lines = [line.split() for line in shown.getvalue().splitlines()]
        assert lines[0] == ["model", "paper", "dimension", "parameters", "licence", "here"]
        assert ["wav2vec2-emotion", "1024", "164.3", "M", "CC", "BY-NC-SA", "4.0", "no"] in lines

    def test_training_data_of_this_field_is_a_warning(self):
        table, warning = run().split("\n\n")
        assert "VocalSound" not in table
        models, corpora = " ".join(warning.split()).split("hubert-ls-pt: ")
        assert "voc2vec, voc2vec-as-pt, voc2vec-ls-pt, voc2vec-" in models
        assert {"ReCANVo", "VocalSound"} <= set(corpora.split(" ast:")[0].split(", "))

    def test_row_says_what_the_model_is(self):
        shown = run()
        header = " ".join(shown.splitlines()[0].split())
        assert header == "model paper dimension parameters rate source licence here"
        wavlm = next(line for line in shown.splitlines() if line.startswith("  wavlm-base "))
        expected = "wavlm-base W 768 94.4 M 16 kHz hf:microsoft/wavlm-base none stated no"
        assert " ".join(wavlm.split()) == expected
        mfcc = next(line for line in shown.splitlines() if line.startswith("  mfcc "))
        assert " ".join(mfcc.split()) == "mfcc 120 - 16 kHz built in MIT yes"

    def test_model_to_be_fetched_by_hand_says_what_to_type(self):
        shown = run()
        row = next(line for line in shown.splitlines() if line.startswith("  audio-mamba-tiny"))
        assert "its authors, by hand: ssam:FOLDER" in row
        assert row.split()[-1] == "no"

    def test_json_is_for_programs(self):
        rows = {row["model"]: row for row in json.loads(run("--json"))}
        assert set(CATALOGUE) <= set(rows)
        assert rows["mms-1b"] == {
            "model": "mms-1b",
            "group": "speech",
            "paper": "",
            "description": "MMS, 1 billion",
            "dimension": 1280,
            "parameters": 962_496_128,
            "sample_rate_hz": 16_000,
            "source": "hf:facebook/mms-1b",
            "licence": "CC BY-NC 4.0",
            "trained_on": [],
            "on_this_machine": False,
        }
        assert rows["logmel"]["on_this_machine"] is True
        assert rows["egemaps"]["source"] == "extra egemaps"
        assert "ReCANVo" in rows["voc2vec"]["trained_on"]

    @pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
    def test_model_in_the_hubs_cache_is_here(self, cache, weights):
        put_into_cache(cache, "config.json", "preprocessor_config.json", weights)
        here = {row["model"]: row["on_this_machine"] for row in json.loads(run("--json"))}
        assert here["wavlm-base"]
        assert not here["hubert-base"]
        assert {row[0]: row[-1] for row in table(run())}["wavlm-base"] == "yes"

    @pytest.mark.parametrize(
        "names",
        [
            ["config.json", "preprocessor_config.json"],
            ["config.json", "model.safetensors"],
            ["config.json", "preprocessor_config.json", "model.safetensors.index.json"],
        ],
    )
    def test_model_that_is_there_in_part_is_not_here(self, cache, names):
        put_into_cache(cache, *names)
        assert {row[0]: row[-1] for row in table(run())}["wavlm-base"] == "no"

    def test_cache_is_where_the_environment_says(self, tmp_path):
        put_into_cache(
            tmp_path / "home" / "hub",
            "config.json",
            "preprocessor_config.json",
            "model.safetensors",
        )
        removed = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
        environment = {key: value for key, value in os.environ.items() if key not in removed}
        code = "from reno_cli.main import main; main(['models', '--json'])"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, "HF_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        here = {row["model"]: row["on_this_machine"] for row in json.loads(done.stdout)}
        assert here["wavlm-base"]
        assert not here["wav2vec2-base"]

    @pytest.mark.parametrize("words", [("--model", "mfcc"), ("--precision", "float16")])
    def test_what_to_check_is_of_no_use_without_check(self, words):
        shown = run(*words, expect=2)
        assert "Usage: " in shown
        assert "--check" in shown


class TestCheck:
    def test_row_is_printed_for_each_precision(self, folders):
        shown = check("--model", f"hf:{folders['tiny']}")
        rows = table(shown)
        assert [row[:3] for row in rows] == [["tiny", "cpu", precision] for precision in PRECISIONS]
        exact, coarse, finer = ([float(number) for number in row[3:]] for row in rows)
        assert exact[:2] == [0, 0]
        assert exact[2] <= 1e-5
        assert 0.5 > coarse[1] > finer[1] > 1e-5
        assert all(row[-1] > 0 for row in (exact, coarse, finer))
        assert "one clip at a time:" not in shown

    def test_numbers_stand_under_their_headings(self, monkeypatch):
        from reno_store.foundation_models.checking import PrecisionCheck

        measured = [PrecisionCheck("float16", 1.23e-4, 4.56e-3, 7.89e-7, 12.34)]
        monkeypatch.setattr(
            "reno_store.foundation_models.checking.check_model", lambda *_: measured
        )
        header, row = check("--model", "mfcc").splitlines()[:2]
        headings = "model device precision median error largest batch clips/s"
        assert " ".join(header.split()) == headings
        assert row.split() == ["mfcc", "cpu", "float16", "1.2e-04", "4.6e-03", "7.9e-07", "12.3"]

    def test_encoder_is_checked_in_padded_batches_even_on_a_cpu(self, folders, monkeypatch):
        from reno_store.foundation_models.huggingface import HuggingFaceEncoder

        loaded = []
        load = HuggingFaceEncoder.load

        def remembering(location, **options):
            loaded.append((options["precision"], options["batched"]))
            return load(location, **options)

        monkeypatch.setattr(HuggingFaceEncoder, "load", remembering)
        check("--model", f"hf:{folders['tiny']}", "--precision", "float16")
        assert loaded == [("float32", True), ("float16", True)]

    def test_what_the_numbers_are_is_explained(self):
        shown = check("--model", "mfcc")
        assert "Errors are relative" in shown
        assert "eight synthetic clips" in shown

    def test_json_has_what_was_measured(self, folders):
        words = ("--model", f"mine=hf:{folders['tiny']}?layer=1", "--precision", "float16")
        (row,) = json.loads(check(*words, "--json"))
        assert (row["model"], row["device"], row["precision"]) == ("mine", "cpu", "float16")
        assert 0 < row["median_error"] <= row["largest_error"] < 0.1
        assert 0 <= row["batch_error"] < 0.1
        assert row["clips_a_second"] > 0
        assert row["one_by_one_because"] == ""

    def test_precisions_that_were_asked_for_are_checked_and_no_others(self, folders):
        words = ("--precision", "bfloat16", "--precision", "float32")
        rows = table(check("--model", f"hf:{folders['tiny']}", *words))
        assert [row[2] for row in rows] == ["bfloat16", "float32"]

    def test_several_models_stand_below_one_another(self, folders):
        words = ("--model", "mfcc", "--model", f"hf:{folders['tiny']}", "--model", "logmel")
        rows = table(check(*words, "--precision", "float32"))
        assert [row[0] for row in rows] == ["mfcc", "tiny", "logmel"]

    @pytest.mark.parametrize("precision", [None, "float32", "bfloat16"])
    def test_model_without_a_choice_has_one_row(self, precision):
        words = ("--precision", precision) if precision else ()
        (row,) = table(check("--model", "mfcc", *words))
        assert row[:6] == ["mfcc", "cpu", "float32", *["0.0e+00"] * 3]

    def test_encoder_that_cannot_share_a_batch_says_why(self, folders):
        words = ("--model", f"hf:{folders['adapted']}", "--precision", "float32")
        shown = check(*words)
        assert table(shown)[0][3:6] == ["0.0e+00"] * 3
        why = "the convolutions of its adapter look beyond the end of a clip"
        assert shown.splitlines()[-1] == f"adapted: one clip at a time: {why}"
        (row,) = json.loads(check(*words, "--json"))
        assert row["one_by_one_because"] == why

    def test_reason_is_told_once_for_each_model(self, folders):
        shown = check("--model", f"hf:{folders['adapted']}")
        assert len(table(shown)) == 3
        assert shown.count("adapted: one clip at a time:") == 1

    def test_without_a_name_what_is_here_is_checked(self, monkeypatch):
        here = ("mfcc", "logmel")
        monkeypatch.setattr(
            CatalogueEntry, "is_on_this_machine", property(lambda entry: entry.name in here)
        )
        assert tuple(row[0] for row in table(check())) == here

    def test_unknown_precision_lists_the_choices(self):
        shown = run("--check", "--model", "mfcc", "--precision", "float64", expect=1)
        assert "unknown precision 'float64'" in shown
        assert "Choices: bfloat16, float16, float32." in shown

    def test_unknown_model_lists_the_choices(self):
        shown = run("--check", "--model", "mfc", expect=1)
        assert "unknown model 'mfc'; did you mean 'mfcc'?" in shown

    def test_unknown_device_is_refused(self):
        shown = run("--check", "--model", "mfcc", "--device", "cuda:7", expect=1)
        assert "device 'cuda:7' is not available" in shown


@pytest.mark.parametrize("words", [["--help"], ["models", "--help"]])
def test_help_loads_nothing_heavy(words):
    code = (
        "import sys\n"
        "from reno_cli.main import main\n"
        f"try:\n    main({words!r})\n"
        "except SystemExit:\n    pass\n"
        "heavy = ('torch', 'transformers', 'huggingface_hub', 'zarr', 'numpy', 'rich')\n"
        "sys.exit(' '.join(name for name in heavy if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "models" in done.stdout
