"""``reno-store build``: precision, batches, longest clip, and models with options."""

import inspect
import json
import re

import numpy as np
import pytest
import zarr
from click.testing import CliRunner
from factories.checkpoints import write_checkpoint
from factories.corpora import make_corpus
from factories.recordings import write_manifest_csv, write_wav
from factories.stores import assert_stores_equal
from reno_cli.main import main

from reno_store.corpora.audio import read_waveform
from reno_store.extraction.build import MAX_SECONDS, build_store
from reno_store.foundation_models import load_model
from reno_store.samples import open_store
from reno_store.store import schema


@pytest.fixture
def corpus(tmp_path):
    """Six clips of 0.3 to 0.55 seconds."""
    return make_corpus(tmp_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny", "wav2vec2")


@pytest.fixture
def build(corpus, tmp_path):
    """Builds the corpus on the CPU; gives what was printed."""

    def build(*words, store="s", expect=0):
        given = ["build", corpus.manifest, "--store", tmp_path / store, "--device", "cpu", *words]
        result = CliRunner().invoke(main, [str(word) for word in given])
        assert result.exit_code == expect, result.output
        return result.output

    return build


@pytest.fixture
def stored(tmp_path):
    """Gives a model's embeddings from a store."""
    return lambda model, store="s": open_store(tmp_path / store).load("small", model).X


@pytest.fixture
def fingerprint(tmp_path):
    def fingerprint(model, store="s"):
        return zarr.open_group(tmp_path / store, mode="r")[f"small/{model}"].attrs["fingerprint"]

    return fingerprint


def expected(corpus, spec, **options):
    model = load_model(spec, **options)
    return np.concatenate(
        [
            model.embed([read_waveform(corpus.recording(clip_id), model.sample_rate_hz)])
            for clip_id in corpus.clip_ids
        ]
    )


def help_text():
    return " ".join(CliRunner().invoke(main, ["build", "--help"]).output.split())


class TestPrecision:
    def test_shorter_type_is_what_the_model_computes_in(
        self, build, stored, fingerprint, corpus, folder
    ):
        spec = f"hf:{folder}"
        build("--model", spec)
        build("--model", spec, "--precision", "bfloat16", store="short")
        assert (fingerprint("tiny")["precision"], fingerprint("tiny", "short")["precision"]) == (
            "float32",
            "bfloat16",
        )
        exact, short = stored("tiny"), stored("tiny", "short")
        np.testing.assert_array_equal(exact, expected(corpus, spec))
        np.testing.assert_array_equal(short, expected(corpus, spec, precision="bfloat16"))
        error = np.linalg.norm(short - exact) / np.linalg.norm(exact)
        assert 1e-4 < error < 0.1

    def test_two_precisions_of_one_model_are_never_mixed(self, build, folder):
        build("--model", f"hf:{folder}")
        words = ("--model", f"hf:{folder}", "--precision", "float16")
        shown = build(*words, expect=1)
        assert "precision: stored float32, now float16" in shown
        assert "tiny: 0 new, 6 reused" in build("--model", f"hf:{folder}")
        assert "half: 6 new" in build("--model", f"half=hf:{folder}", "--precision", "float16")

    def test_model_without_a_choice_is_the_same_in_any(self, build):
        build("--model", "mfcc")
        assert "0 new, 6 reused" in build("--model", "mfcc", "--precision", "bfloat16")

    def test_unknown_precision_lists_the_choices(self, build, tmp_path):
        shown = build("--model", "mfcc", "--precision", "float8", expect=1)
        assert "unknown precision 'float8'" in shown
        assert "Choices: bfloat16, float16, float32." in shown
        assert not (tmp_path / "s").exists()


class TestBatchSeconds:
    @pytest.fixture
    def batches(self, monkeypatch):
        """How many clips went through MFCC together, batch by batch."""
        from reno_store.foundation_models.spectral import MfccStatistics

        sizes = []
        embed = MfccStatistics.embed

        def counting(self, waveforms):
            sizes.append(len(waveforms))
            return embed(self, waveforms)

        monkeypatch.setattr(MfccStatistics, "embed", counting)
        return sizes

    @pytest.mark.parametrize(
        ("words", "sizes"),
        [
            ((), [6]),
            (("--batch-seconds", "1.2"), [2, 2, 2]),
            (("--batch-seconds", "1.7"), [3, 3]),
            (("--batch-seconds", "0.001"), [1] * 6),
            (("--batch-seconds", "inf"), [6]),
        ],
    )
    def test_so_much_goes_together(self, build, batches, words, sizes):
        build("--model", "mfcc", *words)
        assert sorted(batches) == sizes

    def test_no_embedding_depends_on_it(self, build, tmp_path, folder):
        words = ("--model", "mfcc", "--model", f"hf:{folder}")
        build(*words)
        build(*words, "--batch-seconds", "0.7", store="small-batches")
        assert_stores_equal(tmp_path / "s", tmp_path / "small-batches")

    def test_default_is_what_help_says(self):
        from reno_store.extraction import default_batch_seconds

        told = f"by default {default_batch_seconds('cpu'):g} on a CPU, "
        assert told + f"{default_batch_seconds('cuda'):g} on a GPU" in help_text()


class TestMaxSeconds:
    def test_longer_recordings_are_refused_by_name_and_the_others_stored(
        self, build, corpus, tmp_path
    ):
        shown = build("--model", "mfcc", "--max-seconds", "0.42", expect=1)
        assert "mfcc: 3 new, 0 reused, 3 failed" in shown
        for number in (3, 4, 5):
            path = corpus.recording(f"clip{number}")
            said = rf"failed: mfcc, clip clip{number}: {path}: lasts 0\.[456]\d s; the maximum"
            assert re.search(said, shown)
        assert "max_seconds" in shown
        samples = open_store(tmp_path / "s").load("small", "mfcc", missing="drop")
        assert samples.clip_ids.tolist() == ["clip0", "clip1", "clip2"]

    def test_recording_that_is_just_as_long_is_taken(self, build):
        assert "6 new, 0 reused, 0 failed" in build("--model", "mfcc", "--max-seconds", "0.55")

    def test_refused_recordings_are_embedded_once_they_are_allowed(self, build, stored, corpus):
        build("--model", "mfcc", "--max-seconds", "0.42", expect=1)
        shown = build("--model", "mfcc")
        assert "mfcc: 3 new, 3 reused, 0 failed" in shown
        np.testing.assert_array_equal(stored("mfcc"), expected(corpus, "mfcc"))

    def test_every_model_refuses_the_same_recordings(self, build):
        words = ("--model", "mfcc", "--model", "logmel", "--max-seconds", "0.42")
        shown = build(*words, expect=1)
        assert re.findall(r"failed: (\w+), clip (\w+):", shown) == [
            (model, f"clip{number}") for model in ("mfcc", "logmel") for number in (3, 4, 5)
        ]

    def test_a_minute_is_allowed_unless_told_otherwise(self, tmp_path):
        for seconds in (60, 61):
            write_wav(tmp_path / f"{seconds}.wav", seconds, rate_hz=8000)
        rows = [(str(seconds), f"{seconds}.wav", "cry", "s1") for seconds in (60, 61)]
        manifest = write_manifest_csv(tmp_path / "long.csv", rows)
        words = ["build", str(manifest), "--model", "logmel", "--store", str(tmp_path / "s")]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 1
        assert "logmel: 1 new, 0 reused, 1 failed" in result.output
        assert "clip 61: " in result.output
        assert "lasts 61.00 s; the maximum is 60 s" in result.output

    def test_default_is_the_librarys_and_what_help_says(self):
        default = inspect.signature(build_store).parameters["max_seconds"].default
        assert default == MAX_SECONDS
        found = re.search(r"--max-seconds SECONDS [^\[]*\[default: ([0-9.]+)\]", help_text())
        assert found is not None
        assert float(found[1]) == MAX_SECONDS
        (option,) = [each for each in main.commands["build"].params if each.name == "max_seconds"]
        assert option.default == MAX_SECONDS


@pytest.mark.parametrize("option", ["--batch-seconds", "--max-seconds"])
@pytest.mark.parametrize("value", ["0", "-1", "nan"])
def test_seconds_that_cannot_be_are_refused_before_anything_is_made(build, tmp_path, option, value):
    shown = build("--model", "mfcc", option, value, expect=1)
    name = option.removeprefix("--").replace("-", "_")
    assert f"{name} is {value}; expected more than 0 seconds" in shown
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("option", ["--batch-seconds", "--max-seconds"])
def test_seconds_that_are_no_number_are_a_usage_error(build, option):
    assert f"Invalid value for '{option}'" in build("--model", "mfcc", option, "long", expect=2)


class TestModelOptions:
    @pytest.mark.parametrize(
        ("rest", "name", "dim"),
        [
            ("layer=1", "tiny-layer1", 32),
            ("layer=all", "tiny-layerall", 32),
            ("pool=max", "tiny-max", 32),
            ("layer=0&pool=mean+std", "tiny-layer0-mean+std", 64),
            ("pool=std&layer=2", "tiny-layer2-std", 32),
        ],
    )
    def test_options_are_carried_out_and_named(
        self, build, stored, fingerprint, corpus, folder, rest, name, dim
    ):
        spec = f"hf:{folder}?{rest}"
        assert f"{name}: 6 new" in build("--model", spec)
        rows = stored(name)
        assert rows.shape == (6, dim)
        np.testing.assert_array_equal(rows, expected(corpus, spec))
        assert np.abs(rows[:, :32] - expected(corpus, f"hf:{folder}")).max() > 1e-3
        options = dict(pair.split("=") for pair in rest.split("&"))
        assert str(fingerprint(name)["layer"]) == options.get("layer", "last")
        assert fingerprint(name)["pooling"] == options.get("pool", "mean")

    def test_layers_of_one_checkpoint_are_several_models(self, build, tmp_path, folder):
        specs = [f"hf:{folder}", f"hf:{folder}?layer=1", f"first=hf:{folder}?layer=1"]
        shown = build(*(word for spec in specs for word in ("--model", spec)))
        names = ["tiny", "tiny-layer1", "first"]
        assert re.findall(r"  (\S+): 6 new", shown) == names
        samples = open_store(tmp_path / "s").load("small", names)
        assert samples.block_sizes == (32, 32, 32)
        last, first, again = np.split(samples.X, 3, axis=1)
        np.testing.assert_array_equal(first, again)
        assert np.abs(last - first).max() > 1e-3
        listed = CliRunner().invoke(main, ["info", str(tmp_path / "s"), "--json"]).output
        assert {row["model"] for row in json.loads(listed)} == set(names)

    def test_other_options_under_the_same_name_are_refused(self, build, folder):
        build("--model", f"tiny=hf:{folder}?layer=1")
        shown = build("--model", f"tiny=hf:{folder}?layer=2&pool=max", expect=1)
        assert "layer: stored 1, now 2" in shown
        assert "pooling: stored mean, now max" in shown

    @pytest.mark.parametrize(
        ("rest", "said"),
        [
            ("?layer=3", "layer=3: no such layer; the model has 2."),
            ("?layer=-1", "layer=-1: no such layer; the model has 2."),
            ("?layer=first", "layer=first: no such layer"),
            ("?pool=median", "pool=median: no such pooling; expected mean, max, std"),
            ("?pool=mean+mean", "pool=mean+mean: no such pooling"),
            (
                "?pooling=max",
                "no option 'pooling'; its options are context, layer, pool, revision.",
            ),
            ("?layer=", "option 'layer' has no value; expected layer=VALUE."),
            ("?layer=1&layer=2", "option 'layer' is given twice."),
            ("?revision=main", "has no revision; leave it out."),
        ],
    )
    def test_option_that_cannot_be_is_refused_and_no_store_made(
        self, build, tmp_path, folder, rest, said
    ):
        assert said in build("--model", "mfcc", "--model", f"tiny=hf:{folder}{rest}", expect=1)
        assert not (tmp_path / "s").exists()

    def test_model_without_options_refuses_them(self, build, tmp_path):
        shown = build("--model", "mfcc?layer=1", expect=1)
        assert "model mfcc: no option 'layer'; it has none." in shown
        assert not (tmp_path / "s").exists()

    def test_encoder_that_cannot_share_a_batch_is_told(self, build, tmp_path):
        folder = write_checkpoint(
            tmp_path / "adapted", "wav2vec2", add_adapter=True, output_hidden_size=24
        )
        shown = build("--model", f"hf:{folder}")
        assert "adapted: one clip at a time: the convolutions of its adapter look beyond" in shown
        assert "one clip at a time" not in build("--model", "mfcc")
        shown = build("--model", f"last=hf:{folder}?layer=1", expect=1)
        assert "the model has an adapter" in shown


class TestSharing:
    def test_a_shard_prints_which_it_is_and_what_is_left(self, build, tmp_path, monkeypatch):
        monkeypatch.setattr(schema, "EMBEDDING_CHUNK_ROWS", 4)
        printed = build("--model", "mfcc", "--shard", "2/2")
        assert "small, 6 clips, shard 2/2" in printed
        assert "mfcc: 2 new, 0 reused, 0 failed" in printed
        assert "without an embedding now: 4 of 6, in shards 1" in printed
        assert "all shards are done" in build("--model", "mfcc", "--shard", "1/2")

    def test_shards_with_something_left_are_listed_as_sbatch_takes_them(self, build, monkeypatch):
        monkeypatch.setattr(schema, "EMBEDDING_CHUNK_ROWS", 1)
        assert "in shards 1-2,4-6" in build("--model", "mfcc", "--shard", "3/6")

    def test_the_environment_of_a_task_decides_where_numbers_begin(self, build, monkeypatch):
        monkeypatch.setattr(schema, "EMBEDDING_CHUNK_ROWS", 4)
        assert "expected NUMBER/COUNT" in build("--model", "mfcc", "--shard", "0/2", expect=1)
        for name, value in {"ID": 0, "COUNT": 2, "MIN": 0, "MAX": 1, "STEP": 1}.items():
            monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", str(value))
        assert "shard 1/2" in build("--model", "mfcc", "--shard", "0/2")

    def test_a_shard_has_no_workers(self, build):
        words = ("--model", "mfcc", "--shard", "1/2", "--workers", "2")
        assert "a shard, workers or a client" in build(*words, expect=1)
