"""Checkpoints in the layout of the Hugging Face hub: the right numbers, or a refusal."""

import json
import logging
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from factories.checkpoints import FAMILIES, write_checkpoint
from factories.encoders import KINDS, SAME_ENCODERS
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForCTC
from transformers.utils import logging as speech

from reno_store.errors import ModelError
from reno_store.foundation_models import huggingface
from reno_store.foundation_models.huggingface import HuggingFaceEncoder

WEIGHT = "encoder.layers.0.attention.k_proj.weight"


def noise(n_samples=8000, level=0.1, seed=0):
    samples = np.random.default_rng(seed).normal(0, level, n_samples)
    return samples.astype(np.float32)


def embed(folder, waveform):
    return HuggingFaceEncoder.load(str(folder)).embed([waveform])[0]


def fingerprint(folder):
    return dict(HuggingFaceEncoder.load(str(folder)).fingerprint)


def refusal(folder):
    with pytest.raises(ModelError) as caught:
        HuggingFaceEncoder.load(str(folder))
    message = str(caught.value)
    assert message.startswith(f"model {folder}: ")
    return message


def edit_json(path, **entries):
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def edit_weights(folder, edit):
    """Change the dictionary of tensors that is on disk."""
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A checkpoint to look at and to copy, not to change."""
    return write_checkpoint(tmp_path_factory.mktemp("original") / "tiny", "wav2vec2")


@pytest.fixture
def checkpoint(original, tmp_path):
    """A checkpoint to change."""
    return Path(shutil.copytree(original, tmp_path / "tiny"))


@pytest.mark.parametrize(("norm", "do_normalize"), [("group", True), ("layer", False)])
@pytest.mark.parametrize("family", FAMILIES)
def test_embedding_is_the_mean_of_what_transformers_gives(tmp_path, family, norm, do_normalize):
    folder = write_checkpoint(
        tmp_path / "tiny", family, do_normalize=do_normalize, feat_extract_norm=norm
    )
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    encoder = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    model = HuggingFaceEncoder.load(str(folder))
    for n_samples in (400, 3000, 16_001):
        waveform = noise(n_samples) + np.float32(0.05)
        inputs = extractor(waveform, sampling_rate=16_000, return_tensors="pt")
        with torch.no_grad():
            expected = encoder(**inputs).last_hidden_state.mean(1)[0].numpy()
        (row,) = model.embed([noise(5000), waveform])[1:]
        np.testing.assert_allclose(row, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_clip_is_embedded_as_if_it_were_alone(tmp_path, family):
    model = HuggingFaceEncoder.load(str(write_checkpoint(tmp_path / "tiny", family)))
    clips = [noise(n_samples, seed=n_samples) for n_samples in (3000, 400, 12_000, 401)]
    alone = np.concatenate([model.embed([clip]) for clip in clips])
    np.testing.assert_array_equal(model.embed(clips), alone)
    np.testing.assert_array_equal(model.embed(clips[::-1])[::-1], alone)


def test_checkpoint_says_whether_its_input_is_normalised(tmp_path):
    quiet = noise(level=1e-3)
    models = [
        HuggingFaceEncoder.load(
            str(write_checkpoint(tmp_path / str(flag), "hubert", do_normalize=flag))
        )
        for flag in (True, False)
    ]
    normalized, plain = (model.embed([quiet])[0] for model in models)
    assert np.abs(normalized - plain).max() > 0.05 * np.abs(plain).max()
    one, other = (dict(model.fingerprint) for model in models)
    assert one.pop("preprocessing") != other.pop("preprocessing")
    assert one == other


def test_one_flag_in_the_preprocessor_config_is_another_model(original, checkpoint):
    edit_json(checkpoint / "preprocessor_config.json", do_normalize=False)
    assert fingerprint(checkpoint) != fingerprint(original)
    quiet = noise(level=1e-3)
    assert np.abs(embed(checkpoint, quiet) - embed(original, quiet)).max() > 0.01


def test_sample_rate_is_the_checkpoints_own(checkpoint):
    edit_json(checkpoint / "preprocessor_config.json", sampling_rate=8000)
    assert HuggingFaceEncoder.load(str(checkpoint)).sample_rate_hz == 8000


def test_dimension_is_that_of_the_hidden_state(tmp_path):
    folder = write_checkpoint(tmp_path / "wide", "hubert", hidden_size=48, num_attention_heads=4)
    model = HuggingFaceEncoder.load(str(folder))
    assert model.dim == 48
    assert model.embed([noise()]).shape == (1, 48)


def test_dimension_is_the_adapters_where_there_is_one(tmp_path):
    folder = write_checkpoint(tmp_path / "a", "wav2vec2", add_adapter=True, output_hidden_size=24)
    model = HuggingFaceEncoder.load(str(folder))
    assert model.dim == 24
    assert model.embed([noise(400), noise()]).shape == (2, 24)


@pytest.mark.parametrize(
    ("kernels", "strides", "shortest"),
    [([10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2], 400), ([5, 3], [3, 2], 11)],
)
def test_shortest_clip_is_one_frame_of_the_convolutions(tmp_path, kernels, strides, shortest):
    folder = write_checkpoint(
        tmp_path / "tiny",
        "wavlm",
        conv_kernel=kernels,
        conv_stride=strides,
        conv_dim=[16] * len(kernels),
    )
    model = HuggingFaceEncoder.load(str(folder))
    assert model.min_samples == shortest
    assert np.isfinite(model.embed([noise(shortest)])).all()
    with pytest.raises(ModelError) as caught:
        model.embed([noise(), noise(shortest - 1)])
    assert str(caught.value) == (
        f"{shortest - 1} samples at 16000 Hz are shorter than one frame of the model; "
        f"it needs at least {shortest} ({shortest / 16_000:.3f} s)."
    )
    # The network itself can do with no less.
    encoder = AutoModel.from_pretrained(folder)
    with pytest.raises(RuntimeError):
        encoder(torch.zeros(1, shortest - 1))


def test_model_is_frozen(tmp_path):
    folder = write_checkpoint(
        tmp_path / "tiny",
        "wav2vec2",
        hidden_dropout=0.5,
        attention_dropout=0.5,
        layerdrop=0.5,
        mask_time_prob=0.5,
        mask_time_length=2,
    )
    model = HuggingFaceEncoder.load(str(folder))
    np.testing.assert_array_equal(model.embed([noise()]), model.embed([noise()]))
    assert not model._encoder.training
    assert not any(weight.requires_grad for weight in model._encoder.parameters())


def test_no_graph_is_kept_while_embedding(original):
    model = HuggingFaceEncoder.load(str(original))
    states = []
    model._encoder.register_forward_hook(
        lambda module, inputs, output: states.append(output.last_hidden_state)
    )
    with torch.enable_grad():
        model.embed([noise()])
    assert [state.requires_grad for state in states] == [False]


def test_copy_elsewhere_is_the_same_model(original, tmp_path):
    copy = shutil.copytree(original, tmp_path / "another name")
    assert fingerprint(copy) == fingerprint(original)
    assert str(original) not in json.dumps(fingerprint(original))


def test_notes_on_where_a_checkpoint_came_from_are_no_part_of_the_model(original, checkpoint):
    edit_json(
        checkpoint / "config.json",
        _name_or_path="someone/else",
        architectures=["Wav2Vec2ForPreTraining"],
        torch_dtype="float16",
        dtype="float16",
        transformers_version="4.0.0",
    )
    assert fingerprint(checkpoint) == fingerprint(original)
    np.testing.assert_array_equal(embed(checkpoint, noise()), embed(original, noise()))


def test_setting_that_changes_the_numbers_changes_the_fingerprint(original, checkpoint):
    edit_json(checkpoint / "config.json", hidden_act="relu")
    assert np.abs(embed(checkpoint, noise()) - embed(original, noise())).max() > 1e-4
    one, other = fingerprint(original), fingerprint(checkpoint)
    assert one.pop("config") != other.pop("config")
    assert one == other


def test_one_changed_weight_changes_the_fingerprint(original, checkpoint):
    def nudge(tensors):
        tensors[WEIGHT][3, 5] += 1e-6

    edit_weights(checkpoint, nudge)
    one, other = fingerprint(original), fingerprint(checkpoint)
    assert one.pop("weights") != other.pop("weights")
    assert one == other


def test_exchanged_weights_change_the_fingerprint(original, checkpoint):
    def exchange(tensors):
        other = WEIGHT.replace("k_proj", "q_proj")
        tensors[WEIGHT], tensors[other] = tensors[other], tensors[WEIGHT]

    edit_weights(checkpoint, exchange)
    assert fingerprint(checkpoint) != fingerprint(original)


def as_shards(folder):
    encoder = AutoModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    encoder.save_pretrained(folder, max_shard_size="30KB")
    assert len(list(folder.glob("*.safetensors"))) > 1


def as_pickle(folder):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def below_a_head(folder):
    tensors = load_file(folder / "model.safetensors")
    with torch.random.fork_rng(devices=[]):
        headed = AutoModelForCTC.from_config(AutoConfig.from_pretrained(folder))
    headed.wav2vec2.load_state_dict(tensors)
    headed.save_pretrained(folder)
    assert "lm_head.weight" in load_file(folder / "model.safetensors")


def put_below(folder, prefix, others):
    """Rename the encoder's weights as below a head, and put other weights beside them."""

    def edit(tensors):
        for name in list(tensors):
            tensors[f"{prefix}.{name}"] = tensors.pop(name)
        tensors.update({name: torch.ones(2, 3) for name in others})

    edit_weights(folder, edit)


def without_the_mask(folder):
    edit_weights(folder, lambda tensors: tensors.pop("masked_spec_embed"))


@pytest.mark.parametrize("rewrite", [as_shards, as_pickle, below_a_head, without_the_mask])
def test_same_weights_saved_in_another_way_are_the_same_model(original, checkpoint, rewrite):
    rewrite(checkpoint)
    assert fingerprint(checkpoint) == fingerprint(original)
    np.testing.assert_array_equal(embed(checkpoint, noise()), embed(original, noise()))


def test_half_precision_checkpoint_runs_in_float32(checkpoint):
    edit_weights(
        checkpoint, lambda tensors: tensors.update({k: v.half() for k, v in tensors.items()})
    )
    edit_json(checkpoint / "config.json", dtype="float16")
    model = HuggingFaceEncoder.load(str(checkpoint))
    assert {weight.dtype for weight in model._encoder.parameters()} == {torch.float32}
    assert np.isfinite(model.embed([noise()])).all()


def test_folder_may_be_given_from_home_or_from_here(original, monkeypatch):
    monkeypatch.setenv("HOME", str(original.parent))
    monkeypatch.chdir(original.parent)
    expected = fingerprint(original)
    for location in ("~/tiny", "tiny", "./tiny", f"{original}/"):
        assert fingerprint(location) == expected


@pytest.fixture
def said():
    """What transformers says when it is told to say much."""
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    before = speech.get_verbosity(), speech.is_progress_bar_enabled()
    speech.set_verbosity_info()
    speech.enable_progress_bar()
    speech.add_handler(handler)
    yield records
    speech.remove_handler(handler)
    speech.set_verbosity(before[0])
    if not before[1]:
        speech.disable_progress_bar()


def test_loading_is_silent_and_leaves_transformers_as_it_was(checkpoint, said, capfd):
    edit_weights(checkpoint, lambda tensors: tensors.update(unused=torch.zeros(2)))
    HuggingFaceEncoder.load(str(checkpoint))
    loud = [record.getMessage() for record in said if record.levelno > logging.INFO]
    assert loud == []
    assert capfd.readouterr().err == ""
    assert speech.get_verbosity() == logging.INFO
    assert speech.is_progress_bar_enabled()


def test_refused_checkpoint_leaves_transformers_as_it_was(checkpoint, said):
    (checkpoint / "model.safetensors").unlink()
    refusal(checkpoint)
    assert speech.get_verbosity() == logging.INFO
    assert speech.is_progress_bar_enabled()


@pytest.mark.parametrize("location", ["{}/nowhere", "./nowhere", "~/nowhere", "a/b/c"])
def test_missing_folder_is_refused(tmp_path, monkeypatch, location):
    monkeypatch.setenv("HOME", str(tmp_path))
    location = location.format(tmp_path)
    with pytest.raises(ModelError, match=f"model folder {re.escape(location)} does not exist"):
        HuggingFaceEncoder.load(location)


def test_hub_id_that_cannot_be_had_is_refused(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    refusal("no-such-owner/no-such-model")


def test_missing_config_is_refused_by_name(checkpoint):
    (checkpoint / "config.json").unlink()
    assert "config.json" in refusal(checkpoint)


def test_missing_preprocessor_config_is_refused_with_what_it_is_for(checkpoint):
    (checkpoint / "preprocessor_config.json").unlink()
    message = refusal(checkpoint)
    assert "no usable preprocessor_config.json" in message
    assert "sample rate" in message


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
@pytest.mark.parametrize("content", ["{", "[1]", ""])
def test_config_that_is_no_json_object_is_refused_by_name(checkpoint, name, content):
    (checkpoint / name).write_text(content)
    assert f"no usable {name}" in refusal(checkpoint)


@pytest.mark.parametrize("entries", [{"hidden_size": "wide"}, {"num_attention_heads": 3}])
def test_setting_that_cannot_be_is_refused(checkpoint, entries):
    edit_json(checkpoint / "config.json", **entries)
    assert "cannot be loaded: " in refusal(checkpoint)


@pytest.mark.parametrize("family", ["bert", None])
def test_another_architecture_is_refused_with_those_that_work(checkpoint, family):
    edit_json(checkpoint / "config.json", model_type=family)
    message = refusal(checkpoint)
    assert repr(family) in message
    assert "wav2vec2-conformer, wavlm, whisper" in message


def test_families_are_those_that_the_tests_know():
    assert sorted(huggingface.FAMILIES) == sorted([*FAMILIES, *KINDS, *SAME_ENCODERS])


def test_missing_weights_file_is_refused(checkpoint):
    (checkpoint / "model.safetensors").unlink()
    assert "model.safetensors" in refusal(checkpoint)


@pytest.mark.parametrize("kept_bytes", [0, 5, 1000, -1000])
def test_truncated_weights_file_is_refused(checkpoint, kept_bytes):
    weights = checkpoint / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept_bytes])
    assert "cannot be loaded: " in refusal(checkpoint)


def test_missing_weights_are_refused_rather_than_made_up(checkpoint):
    edit_weights(checkpoint, lambda tensors: tensors.pop(WEIGHT))
    assert refusal(checkpoint) == (
        f"model {checkpoint}: the weights do not fit its config.json: 1 are missing and 0 have "
        f"another shape, first {WEIGHT!r}. Take config and weights from one checkpoint."
    )


def test_more_layers_than_the_weights_have_are_refused(checkpoint):
    edit_json(checkpoint / "config.json", num_hidden_layers=3)
    assert "first 'encoder.layers.2." in refusal(checkpoint)


NORM = {"feat_extract_norm": "group"}, "feature_extractor.conv_layers.1.layer_norm.bias"
BIAS = {"conv_bias": False}, "feature_extractor.conv_layers.0.conv.bias"
LAYERS = {"num_hidden_layers": 1}, "encoder.layers.1."


@pytest.mark.parametrize(
    ("family", "edit", "first", "headed"),
    [
        *[(family, *LAYERS, False) for family in FAMILIES],
        *[("wav2vec2", *edit, headed) for edit in (NORM, BIAS) for headed in (False, True)],
        ("data2vec-audio", *BIAS, True),
    ],
)
def test_encoder_weights_that_the_config_has_no_place_for_are_refused(
    tmp_path, family, edit, first, headed
):
    folder = write_checkpoint(tmp_path / "tiny", family, feat_extract_norm="layer", conv_bias=True)
    if headed:
        prefix = AutoModel.from_pretrained(folder).base_model_prefix
        put_below(folder, prefix, ["lm_head.weight", "classifier.bias"])
    HuggingFaceEncoder.load(str(folder))
    edit_json(folder / "config.json", **edit)
    message = refusal(folder)
    assert f"first '{first}" in message


@pytest.mark.parametrize(
    "name",
    [
        "lm_head.weight",
        "quantizer.codevectors",
        "project_q.weight",
        "project_hid.weight",
        "projector.weight",
        "classifier.weight",
        "layer_weights",
        "tdnn.0.kernel.weight",
        "adapter.layers.0.conv.weight",
        "speaker_proj.weight",
        "layer_norm_for_extract.weight",
        "label_embeddings_concat",
    ],
)
def test_parts_that_no_embedding_comes_from_may_be_left_unused(original, checkpoint, name):
    put_below(checkpoint, "wav2vec2", [name])
    assert fingerprint(checkpoint) == fingerprint(original)
    np.testing.assert_array_equal(embed(checkpoint, noise()), embed(original, noise()))


@pytest.mark.parametrize("old", [True, False])
def test_both_names_of_a_weight_norm_are_read(original, checkpoint, old):
    def rename(tensors):
        for number, name in enumerate(("weight_g", "weight_v")):
            new = f"encoder.pos_conv_embed.conv.parametrizations.weight.original{number}"
            before = f"encoder.pos_conv_embed.conv.{name}"
            source, target = (new, before) if old else (before, new)
            if source in tensors:
                tensors[target] = tensors.pop(source)

    edit_weights(checkpoint, rename)
    assert fingerprint(checkpoint) == fingerprint(original)


def test_weights_of_another_shape_are_refused_by_name(checkpoint):
    edit_weights(checkpoint, lambda tensors: tensors.update({WEIGHT: torch.zeros(8, 8)}))
    message = refusal(checkpoint)
    assert "the weights do not fit its config.json" in message
    assert WEIGHT in message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weight_that_is_not_finite_is_refused_by_name(checkpoint, value):
    def spoil(tensors):
        tensors[WEIGHT][3, 5] = value

    edit_weights(checkpoint, spoil)
    assert refusal(checkpoint) == (
        f"model {checkpoint}: weight {WEIGHT!r} holds NaN or infinite values."
    )


class Malice:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("zipped", [True, False])
def test_pickle_that_would_run_code_is_refused_and_does_not_run(checkpoint, tmp_path, zipped):
    marker = tmp_path / "it ran"
    weights = {**load_file(checkpoint / "model.safetensors"), "malice": Malice(marker)}
    pickled = checkpoint / "pytorch_model.bin"
    torch.save(weights, pickled, _use_new_zipfile_serialization=zipped)
    torch.load(pickled, weights_only=False)
    assert marker.exists(), "the attack must be one that works"
    marker.rmdir()
    (checkpoint / "model.safetensors").unlink()
    with pytest.raises(ModelError):
        HuggingFaceEncoder.load(str(checkpoint))
    assert not marker.exists()


def test_code_that_a_config_names_is_not_fetched_or_run(original, checkpoint, tmp_path):
    marker = tmp_path / "it ran"
    (checkpoint / "evil.py").write_text(f"import os; os.mkdir({str(marker)!r})")
    for name in ("config.json", "preprocessor_config.json"):
        edit_json(
            checkpoint / name,
            auto_map={
                "AutoConfig": "evil.Config",
                "AutoModel": "evil.Model",
                "AutoFeatureExtractor": "evil.Extractor",
            },
        )
    np.testing.assert_array_equal(embed(checkpoint, noise()), embed(original, noise()))
    assert not marker.exists()


def test_feature_extractor_of_another_kind_is_refused(checkpoint):
    edit_json(
        checkpoint / "preprocessor_config.json", feature_extractor_type="WhisperFeatureExtractor"
    )
    message = refusal(checkpoint)
    assert "WhisperFeatureExtractor; expected Wav2Vec2FeatureExtractor" in message


@pytest.mark.parametrize("rate_hz", [None, 0, "fast"])
def test_sample_rate_that_cannot_be_is_refused(checkpoint, rate_hz):
    edit_json(checkpoint / "preprocessor_config.json", sampling_rate=rate_hz)
    assert f"sampling_rate is {rate_hz!r}" in refusal(checkpoint)


def test_family_without_a_choice_of_context_refuses_one(original):
    with pytest.raises(ModelError, match="context=clip: no such context"):
        HuggingFaceEncoder.load(str(original), context="clip")
    assert "context" not in fingerprint(original)
