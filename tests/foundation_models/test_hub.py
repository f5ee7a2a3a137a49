"""Models of the Hugging Face hub: fetched once, then used as they are; or why they cannot be."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from factories.checkpoints import write_checkpoint
from factories.corpora import make_corpus
from factories.hub_server import serve_hub, use_hub
from safetensors.torch import load_file
from transformers import AutoModel

from reno_store.errors import ModelError, StaleStoreError
from reno_store.extraction.build import build_store
from reno_store.foundation_models import load_model
from reno_store.foundation_models.huggingface import hub as hub_module
from reno_store.foundation_models.huggingface import weights_are_here
from reno_store.samples import open_store

ID = "owner/tiny"
SPEC = f"hf:{ID}"
CONFIGS = ["config.json", "preprocessor_config.json"]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Two checkpoints that differ in their weights alone; to look at, not to change."""
    folder = tmp_path_factory.mktemp("checkpoints")
    return [write_checkpoint(folder / str(seed), "wav2vec2", seed=seed) for seed in (0, 1)]


@pytest.fixture
def checkpoint(checkpoints, tmp_path):
    """A checkpoint to change before it is pushed."""
    return Path(shutil.copytree(checkpoints[0], tmp_path / "checkpoint"))


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def hub(cache, monkeypatch):
    """A hub without models."""
    with serve_hub() as hub:
        use_hub(monkeypatch, hub.url, cache)
        yield hub


@pytest.fixture
def nobody():
    """The address of a port that is taken, and where nobody answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(params=["HF_HUB_OFFLINE is set", "the hub is down"])
def cut_off(request, cache, monkeypatch, nobody):
    """Gives what cuts this machine off from the hub."""

    def cut():
        use_hub(monkeypatch, nobody, cache)
        if request.param == "HF_HUB_OFFLINE is set":
            monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    return cut


def embed(model):
    noise = np.random.default_rng(0).normal(0, 0.1, 6000).astype(np.float32)
    return model.embed([noise])[0]


def source(model):
    return model.fingerprint["source"]


def refusal(spec=SPEC):
    with pytest.raises(ModelError) as caught:
        load_model(spec)
    message = str(caught.value)
    assert message.startswith(f"model {spec.removeprefix('hf:').partition('?')[0]}: ")
    return message


def snapshot(cache, commit):
    return cache / "models--owner--tiny" / "snapshots" / commit


def as_pickle(folder):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return ["pytorch_model.bin"]


def as_shards(folder):
    model = AutoModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="60KB")
    names = sorted(path.name for path in folder.glob("model*"))
    assert len(names) > 2
    return names


def as_pickled_shards(folder):
    tensors = sorted(load_file(folder / "model.safetensors").items())
    (folder / "model.safetensors").unlink()
    names = [f"pytorch_model-0000{number}-of-00002.bin" for number in (1, 2)]
    halves = [dict(tensors[::2]), dict(tensors[1::2])]
    for name, half in zip(names, halves, strict=True):
        torch.save(half, folder / name)
    places = {key: name for name, half in zip(names, halves, strict=True) for key in half}
    index = {"metadata": {"total_size": 0}, "weight_map": places}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    return [*names, "pytorch_model.bin.index.json"]


class TestFetching:
    def test_model_is_fetched_by_its_id_and_is_the_one_of_the_folder(self, hub, checkpoints):
        commit = hub.push(ID, checkpoints[0])
        model, local = load_model(SPEC), load_model(f"hf:{checkpoints[0]}")
        np.testing.assert_array_equal(embed(model), embed(local))
        assert dict(model.fingerprint) == {
            **local.fingerprint,
            "source": {"repository": ID, "commit": commit},
        }
        assert "source" not in local.fingerprint

    def test_nothing_but_the_configs_and_one_form_of_the_weights_is_fetched(
        self, hub, cache, checkpoint
    ):
        others = ("README.md", "tf_model.h5", "flax_model.msgpack", "optimizer.pt", "sample.wav")
        others += ("pytorch_model.bin", "model-00001-of-00002.safetensors", "onnx/config.json")
        commit = hub.push(ID, checkpoint, extra=dict.fromkeys(others, b"other"))
        load_model(SPEC)
        assert hub.fetched() == [*CONFIGS[:1], "model.safetensors", *CONFIGS[1:]]
        there = [path.name for path in snapshot(cache, commit).iterdir()]
        assert sorted(there) == hub.fetched()

    @pytest.mark.parametrize("rewrite", [as_pickle, as_shards, as_pickled_shards])
    def test_weights_in_another_form_are_fetched_whole(
        self, hub, checkpoints, checkpoint, cut_off, rewrite
    ):
        weights = rewrite(checkpoint)
        hub.push(ID, checkpoint, extra={"README.md": b"other", "tf_model.h5": b"other"})
        model, local = load_model(SPEC), load_model(f"hf:{checkpoints[0]}")
        assert hub.fetched() == sorted([*CONFIGS, *weights])
        np.testing.assert_array_equal(embed(model), embed(local))
        assert model.fingerprint["weights"] == local.fingerprint["weights"]
        cut_off()
        np.testing.assert_array_equal(embed(load_model(SPEC)), embed(local))

    def test_safetensors_in_shards_go_before_a_pickle(self, hub, checkpoint):
        weights = as_shards(checkpoint)
        hub.push(ID, checkpoint, extra={"pytorch_model.bin": b"other"})
        load_model(SPEC)
        assert hub.fetched() == sorted([*CONFIGS, *weights])

    def test_address_and_cache_are_those_of_huggingface_hub(self, hub, cache, checkpoints):
        """In a process of its own, by the environment variables that its manual names."""
        commit = hub.push(ID, checkpoints[0])
        code = (
            "from reno_store.foundation_models.huggingface.hub import locate\n"
            f"print(locate({ID!r}).commit)"
        )
        settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(cache.parent / "home")}
        settings |= {"NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
        removed = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_OFFLINE", "HF_TOKEN")
        environment = {key: value for key, value in os.environ.items() if key not in removed}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.stdout.split() == [commit], done.stderr
        assert snapshot(cache.parent / "home" / "hub", commit).is_dir()


class TestWhatIsHere:
    def test_second_load_asks_the_hub_nothing(self, hub, checkpoints):
        hub.push(ID, checkpoints[0])
        first = load_model(SPEC)
        hub.asked.clear()
        second = load_model(SPEC)
        assert hub.asked == []
        assert second.fingerprint == first.fingerprint
        np.testing.assert_array_equal(embed(second), embed(first))

    def test_second_load_needs_no_hub(self, hub, cut_off, checkpoints):
        hub.push(ID, checkpoints[0])
        first = load_model(SPEC)
        cut_off()
        assert load_model(SPEC).fingerprint == first.fingerprint

    def test_model_that_its_owners_changed_stays_what_it_was(self, hub, checkpoints):
        old = hub.push(ID, checkpoints[0])
        load_model(SPEC)
        hub.push(ID, checkpoints[1])
        assert source(load_model(SPEC))["commit"] == old

    @pytest.mark.parametrize("by", ["branch", "commit"])
    def test_revision_is_another_model(self, hub, checkpoints, by):
        main = hub.push(ID, checkpoints[0])
        commit = hub.push(ID, checkpoints[1], branch="v2")
        revision = "v2" if by == "branch" else commit
        old, new = load_model(SPEC), load_model(f"{SPEC}?revision={revision}")
        assert (source(old)["commit"], source(new)["commit"]) == (main, commit)
        np.testing.assert_array_equal(embed(new), embed(load_model(f"hf:{checkpoints[1]}")))
        assert np.abs(embed(old) - embed(new)).max() > 1e-3
        hub.asked.clear()
        assert source(load_model(f"{SPEC}?revision={revision}")) == source(new)
        assert source(load_model(SPEC)) == source(old)
        assert hub.asked == []

    def test_revision_may_hold_its_weights_in_another_form(self, hub, checkpoints, checkpoint):
        hub.push(ID, checkpoints[1])
        as_pickle(checkpoint)
        hub.push(ID, checkpoint, branch="v2")
        model = load_model(f"{SPEC}?revision=v2")
        np.testing.assert_array_equal(embed(model), embed(load_model(f"hf:{checkpoints[0]}")))
        assert hub.fetched() == sorted([*CONFIGS, "pytorch_model.bin"])

    @pytest.mark.parametrize("lost", ["link", "blob"])
    def test_lost_weights_are_fetched_again_and_nothing_else(self, hub, cache, checkpoints, lost):
        commit = hub.push(ID, checkpoints[0])
        first = load_model(SPEC)
        weights = snapshot(cache, commit) / "model.safetensors"
        (weights if lost == "link" else weights.resolve()).unlink()
        hub.asked.clear()
        assert load_model(SPEC).fingerprint == first.fingerprint
        assert hub.fetched() == ([] if lost == "link" else ["model.safetensors"])

    def test_lost_shard_is_fetched_again(self, hub, cache, checkpoint):
        shard = next(name for name in as_shards(checkpoint) if "00002" in name)
        commit = hub.push(ID, checkpoint)
        first = load_model(SPEC)
        (snapshot(cache, commit) / shard).resolve().unlink()
        hub.asked.clear()
        assert load_model(SPEC).fingerprint == first.fingerprint
        assert hub.fetched() == [shard]

    def test_folder_of_that_name_goes_before_the_hub(self, hub, checkpoints, tmp_path, monkeypatch):
        hub.push(ID, checkpoints[0])
        shutil.copytree(checkpoints[1], tmp_path / ID)
        monkeypatch.chdir(tmp_path)
        model = load_model(SPEC)
        assert hub.asked == []
        assert "source" not in model.fingerprint
        np.testing.assert_array_equal(embed(model), embed(load_model(f"hf:{checkpoints[1]}")))

    def test_what_hf_download_fetches_is_used(self, hub, cut_off, checkpoints):
        """It is what a machine without a network is advised to do elsewhere."""
        from huggingface_hub import snapshot_download

        commit = hub.push(ID, checkpoints[0], extra={"README.md": b"", "tf_model.h5": b""})
        folder = snapshot_download(ID)
        cut_off()
        fetched, copied = load_model(SPEC), load_model(f"mine=hf:{folder}")
        assert source(fetched)["commit"] == commit
        np.testing.assert_array_equal(embed(fetched), embed(copied))

    def test_whether_weights_are_here_is_told_without_asking(self, hub, cache, checkpoints):
        commit = hub.push(ID, checkpoints[0])
        hub.push(ID, checkpoints[1], branch="v2")
        assert not weights_are_here(ID)
        assert hub.asked == []
        load_model(SPEC)
        hub.asked.clear()
        assert weights_are_here(ID)
        assert weights_are_here(ID, commit)
        assert not weights_are_here(ID, "v2")
        assert not weights_are_here("owner/other")
        assert not weights_are_here("no hub id, this")
        (snapshot(cache, commit) / "model.safetensors").unlink()
        assert not weights_are_here(ID)
        assert hub.asked == []


class TestCutOff:
    @pytest.mark.parametrize("rest", ["", "?revision=v2"])
    def test_model_that_is_not_here_is_refused_at_once_with_what_to_do(self, cut_off, rest):
        cut_off()
        begun = time.monotonic()
        message = refusal(SPEC + rest)
        assert time.monotonic() - begun < 5
        assert "the Hugging Face hub cannot be reached (" in message
        at = " --revision v2" if rest else ""
        assert f"run: hf download {ID}{at}\n" in message
        assert "hf:FOLDER" in message

    def test_reason_is_told(self, cache, monkeypatch, nobody):
        use_hub(monkeypatch, nobody, cache)
        assert "cannot be reached ([Errno" in refusal()
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        assert "cannot be reached (HF_HUB_OFFLINE is set)" in refusal()

    def test_offline_means_that_nobody_is_asked(self, hub, checkpoints, monkeypatch):
        hub.push(ID, checkpoints[0])
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        assert "HF_HUB_OFFLINE is set" in refusal()
        assert hub.asked == []

    @pytest.mark.parametrize(
        ("lost", "named"),
        [
            (["model.safetensors"], "weights"),
            (["preprocessor_config.json"], "preprocessor_config.json"),
            (
                ["preprocessor_config.json", "model.safetensors"],
                "preprocessor_config.json, weights",
            ),
        ],
    )
    def test_part_that_is_missing_is_named(self, hub, cache, cut_off, checkpoints, lost, named):
        commit = hub.push(ID, checkpoints[0])
        load_model(f"{SPEC}?revision={commit}")
        for name in lost:
            (snapshot(cache, commit) / name).unlink()
        cut_off()
        message = refusal(f"{SPEC}?revision={commit}")
        assert f"incomplete: {named} missing" in message
        assert f"run: hf download {ID} --revision {commit}\n" in message

    @pytest.mark.parametrize("nested", [True, False])
    def test_processor_config_counts_where_it_has_the_extractors_settings(
        self, hub, cache, cut_off, checkpoint, nested
    ):
        settings = json.loads((checkpoint / "preprocessor_config.json").read_text())
        processor = {"feature_extractor": settings} if nested else {"processor_class": "X"}
        (checkpoint / "processor_config.json").write_text(json.dumps(processor))
        if nested:
            (checkpoint / "preprocessor_config.json").unlink()
        commit = hub.push(ID, checkpoint)
        embedded = load_model(SPEC).sample_rate_hz
        (snapshot(cache, commit) / "preprocessor_config.json").unlink(missing_ok=True)
        cut_off()
        if nested:
            assert load_model(SPEC).sample_rate_hz == embedded
        else:
            assert "incomplete: preprocessor_config.json missing" in refusal()

    def test_shard_that_is_missing_is_named(self, hub, cache, cut_off, checkpoint):
        shard = next(name for name in as_shards(checkpoint) if "00002" in name)
        commit = hub.push(ID, checkpoint)
        load_model(f"{SPEC}?revision={commit}")
        (snapshot(cache, commit) / shard).unlink()
        cut_off()
        assert f"incomplete: {shard} missing" in refusal(f"{SPEC}?revision={commit}")

    @pytest.mark.parametrize("content", ["{", "[]", "{}", '{"weight_map": 3}'])
    def test_index_of_shards_that_says_nothing_is_named(
        self, hub, cache, cut_off, checkpoint, content
    ):
        as_shards(checkpoint)
        commit = hub.push(ID, checkpoint)
        load_model(f"{SPEC}?revision={commit}")
        (snapshot(cache, commit) / "model.safetensors.index.json").write_text(content)
        cut_off()
        message = refusal(f"{SPEC}?revision={commit}")
        assert "incomplete: model.safetensors.index.json missing" in message

    def test_hub_that_never_answers_is_not_waited_for(self, cache, monkeypatch):
        monkeypatch.setattr(hub_module, "_HUB_TIMEOUT_S", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            use_hub(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}", cache)
            begun = time.monotonic()
            message = refusal()
        assert time.monotonic() - begun < 5
        assert "not on this machine, and the Hugging Face hub cannot be" in message

    def test_hub_that_is_broken_is_told(self, hub, checkpoints):
        hub.push(ID, checkpoints[0])
        hub.refusals[f"/api/models/{ID}"] = 500, {}
        message = refusal()
        assert "the Hugging Face hub cannot be reached (" in message
        assert "500" in message

    @pytest.mark.parametrize(
        "location",
        ["owner/na me", "owner/a--b", "-owner/tiny", "a" * 100, "a" * 300],
        ids=["space", "dashes", "dash", "long", "longer than a file's name"],
    )
    @pytest.mark.parametrize("offline", [False, True], ids=["online", "offline"])
    def test_id_that_cannot_be_is_refused(self, hub, monkeypatch, location, offline):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
        with pytest.raises(ModelError) as caught:
            load_model(f"mine=hf:{location}")
        assert f"model {location}: neither a folder nor a valid hub id" in str(caught.value)
        assert hub.asked == []


class TestRefused:
    def test_model_that_the_hub_does_not_know(self, hub, checkpoints):
        hub.push("owner/other", checkpoints[0])
        assert "neither a folder nor a model on the Hugging Face hub" in refusal()

    def test_revision_that_the_hub_does_not_know(self, hub, checkpoints):
        hub.push(ID, checkpoints[0])
        assert refusal(f"{SPEC}?revision=v9") == f"model {ID}: no revision 'v9'."

    @pytest.mark.parametrize("gate", [f"/api/models/{ID}", f"/{ID}/resolve/"])
    def test_model_behind_terms_that_nobody_accepted(self, hub, checkpoints, gate):
        hub.push(ID, checkpoints[0])
        hub.refusals[gate] = 403, {"X-Error-Code": "GatedRepo"}
        assert f"https://huggingface.co/{ID}, then run: hf auth login" in refusal()

    def test_model_without_weights_that_can_be_read(self, hub, checkpoint):
        (checkpoint / "model.safetensors").rename(checkpoint / "tf_model.h5")
        hub.push(ID, checkpoint)
        assert "expected one of model.safetensors," in refusal()
        assert hub.fetched() == []

    def test_model_without_a_preprocessor_config(self, hub, checkpoint):
        (checkpoint / "preprocessor_config.json").unlink()
        hub.push(ID, checkpoint)
        assert "no usable preprocessor_config.json" in refusal()

    def test_revision_of_a_folder(self, checkpoints):
        with pytest.raises(ModelError, match=f"model folder {checkpoints[0]} has no revision"):
            load_model(f"hf:{checkpoints[0]}?revision=main")

    def test_folder_below_the_home_of_nobody(self):
        with pytest.raises(ModelError, match="~nobody-of-that-name/tiny does not exist"):
            load_model("hf:~nobody-of-that-name/tiny")


class TestInAStore:
    @pytest.fixture
    def corpus(self, tmp_path):
        return make_corpus(tmp_path, 4)

    def test_other_commit_with_the_same_weights_is_the_same_model(
        self, hub, corpus, tmp_path, checkpoints
    ):
        commits = [
            hub.push(ID, checkpoints[0], extra={"README.md": text}) for text in (b"old", b"new")
        ]
        assert commits[0] != commits[1]
        specs = [f"tiny={SPEC}?revision={commit}" for commit in commits]
        for n_new, spec in zip((4, 0, 0), [*specs, f"tiny=hf:{checkpoints[0]}"], strict=True):
            (report,) = build_store(corpus.manifest, tmp_path / "s", [spec]).models
            assert (report.n_new, report.n_reused) == (n_new, 4 - n_new)
        (stored,) = [model["fingerprint"] for model in described(tmp_path / "s")]
        assert stored["source"] == {"repository": ID, "commit": commits[0]}

    def test_other_weights_are_refused(self, hub, corpus, tmp_path, checkpoints):
        commits = [hub.push(ID, checkpoint) for checkpoint in checkpoints]
        build_store(corpus.manifest, tmp_path / "s", [f"tiny={SPEC}?revision={commits[0]}"])
        with pytest.raises(StaleStoreError, match="weights: stored"):
            build_store(corpus.manifest, tmp_path / "s", [f"tiny={SPEC}?revision={commits[1]}"])

    def test_embeddings_are_those_of_the_folder(self, hub, corpus, tmp_path, checkpoints):
        hub.push(ID, checkpoints[0])
        build_store(corpus.manifest, tmp_path / "s", [SPEC, f"local=hf:{checkpoints[0]}"])
        store = open_store(tmp_path / "s")
        fetched, local = (store.load("small", name).X for name in ("tiny", "local"))
        np.testing.assert_array_equal(fetched, local)

    def test_model_that_cannot_be_had_leaves_no_store(self, hub, corpus, tmp_path):
        with pytest.raises(ModelError, match="neither a folder nor a model on the"):
            build_store(corpus.manifest, tmp_path / "s", [SPEC])
        assert not (tmp_path / "s").exists()


def described(store):
    """The models of a store with their attributes."""
    import zarr

    root = zarr.open_group(store, mode="r")
    return [dict(group.attrs) for _, group in root["small"].groups()]
