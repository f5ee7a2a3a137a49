"""What stands behind the question mark of a spec: another layer, another pooling."""

import re

import numpy as np
import pytest
import torch
from factories.audio_mamba_checkpoints import write_ssam_checkpoint
from factories.checkpoints import FAMILIES, write_checkpoint
from transformers import AutoFeatureExtractor, AutoModel

from reno_store.errors import ModelError
from reno_store.foundation_models import load_model
from reno_store.foundation_models.pooling import LayerChoice, Pooling

N_LAYERS = 4


def noise(n_samples=6000):
    return np.random.default_rng(n_samples).normal(0, 0.1, n_samples).astype(np.float32)


@pytest.fixture(scope="module", params=[*FAMILIES, "stable"])
def checkpoint(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny") / "tiny"
    stable = {"do_stable_layer_norm": True, "feat_extract_norm": "layer"}
    family, config = ("wavlm", stable) if request.param == "stable" else (request.param, {})
    return write_checkpoint(folder, family, gain=5.0, num_hidden_layers=N_LAYERS, **config)


@pytest.fixture(scope="module")
def hidden_states(checkpoint):
    """Of transformers: (n_layers + 1, n_frames, width), the top one as the model puts it out."""
    inputs = AutoFeatureExtractor.from_pretrained(checkpoint)(
        noise(), sampling_rate=16_000, return_tensors="pt"
    )
    with torch.no_grad():
        output = AutoModel.from_pretrained(checkpoint).eval()(**inputs, output_hidden_states=True)
    below = [hidden[0] for hidden in output.hidden_states[:N_LAYERS]]
    return torch.stack([*below, output.last_hidden_state[0]]).numpy()


@pytest.mark.parametrize("layer", [0, 1, N_LAYERS - 1, N_LAYERS])
def test_layer_by_number_is_transformers_hidden_state(checkpoint, hidden_states, layer):
    (row,) = load_model(f"x=hf:{checkpoint}?layer={layer}").embed([noise()])
    np.testing.assert_allclose(row, hidden_states[layer].mean(0), rtol=1e-4, atol=1e-5)


def test_layers_differ_from_one_another(checkpoint, hidden_states):
    rows = hidden_states.mean(1)
    for one in range(N_LAYERS):
        assert np.abs(rows[one] - rows[one + 1]).max() > 1e-3


def test_all_is_the_mean_over_the_layers_without_what_enters_the_first(checkpoint, hidden_states):
    (row,) = load_model(f"x=hf:{checkpoint}?layer=all").embed([noise()])
    np.testing.assert_allclose(row, hidden_states[1:].mean((0, 1)), rtol=1e-4, atol=1e-5)


def test_last_is_the_default(checkpoint):
    plain, last = (load_model(f"x=hf:{checkpoint}{options}") for options in ("", "?layer=last"))
    np.testing.assert_array_equal(plain.embed([noise()]), last.embed([noise()]))
    assert plain.fingerprint == last.fingerprint
    assert (plain.fingerprint["layer"], plain.fingerprint["pooling"]) == ("last", "mean")


def test_layers_that_nobody_looks_at_are_not_computed(checkpoint):
    model = load_model(f"x=hf:{checkpoint}?layer=1")
    assert len(model._encoder.encoder.layers) == 2


@pytest.mark.parametrize("pool", ["mean", "max", "std", "mean+std", "max+mean", "mean+std+max"])
def test_pooling_is_the_statistics_one_after_another(pool):
    frames = torch.from_numpy(np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32))
    statistics = {"mean": frames.mean(0), "max": frames.amax(0), "std": frames.numpy().std(0)}
    expected = np.concatenate([statistics[part] for part in pool.split("+")])
    pooling = Pooling(pool)
    assert pooling.n_statistics * 5 == len(expected)
    np.testing.assert_allclose(pooling(frames), expected, rtol=1e-5, atol=1e-6)


def test_pooling_of_a_checkpoint_is_over_its_last_layer(checkpoint, hidden_states):
    model = load_model(f"x=hf:{checkpoint}?pool=max+mean")
    (row,) = model.embed([noise()])
    expected = np.concatenate([hidden_states[-1].max(0), hidden_states[-1].mean(0)])
    assert model.dim == len(expected)
    np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-5)


def test_standard_deviation_of_a_single_frame_is_zero():
    assert torch.equal(Pooling("std")(torch.ones(1, 4)), torch.zeros(4))


def test_every_choice_has_its_own_fingerprint(tmp_path):
    checkpoint = write_checkpoint(tmp_path, "wavlm", num_hidden_layers=2)
    options = ["", "?layer=1", "?layer=all", "?pool=max", "?pool=mean+std", "?layer=1&pool=max"]
    prints = [load_model(f"x=hf:{checkpoint}{each}").fingerprint for each in options]
    for index, fingerprint in enumerate(prints):
        assert fingerprint not in prints[:index]
        assert fingerprint["weights"] == prints[0]["weights"], "layers left out are weights too"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_ssam_checkpoint(tmp_path_factory.mktemp("ssam"))


@pytest.fixture(scope="module")
def model(folder):
    return load_model(f"x=ssam:{folder}")


class TestAudioMamba:
    def residuals(self, model):
        """The stream before each block and after the last, of one unit, without class token."""
        from reno_store.foundation_models.audio_mamba.frontend import cut_into_units, log_mel

        entering = []
        blocks = model._encoder.blocks
        handles = [
            block.register_forward_pre_hook(lambda _, inputs: entering.append(inputs[0]))
            for block in blocks
        ]
        units = torch.from_numpy(np.stack(list(cut_into_units(log_mel(noise())))))
        with torch.no_grad():
            top = model._encoder(units)
            rows = [model._encoder._rows(each[:, 1:]) for each in entering]
        for handle in handles:
            handle.remove()
        return torch.stack([*rows, top])[:, 0].numpy()

    def n_rows(self, model):
        (unit,) = model._units([noise()])
        return unit.n_rows

    def test_layer_by_number_is_the_stream_after_that_block(self, folder, model):
        streams, n_rows = self.residuals(model), self.n_rows(model)
        assert len(streams) > 2
        for layer, stream in enumerate(streams):
            (row,) = load_model(f"x=ssam:{folder}?layer={layer}").embed([noise()])
            np.testing.assert_allclose(row, stream[:n_rows].mean(0), rtol=1e-4, atol=1e-5)

    def test_all_is_the_mean_over_the_blocks(self, folder, model):
        streams, n_rows = self.residuals(model), self.n_rows(model)
        (row,) = load_model(f"x=ssam:{folder}?layer=all").embed([noise()])
        expected = streams[1:, :n_rows].mean((0, 1))
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-5)

    def test_pooling_is_the_statistics_side_by_side(self, folder, model):
        frames = self.residuals(model)[-1][: self.n_rows(model)]
        both = load_model(f"x=ssam:{folder}?pool=max+std")
        (row,) = both.embed([noise()])
        assert both.dim == 2 * model.dim
        expected = np.concatenate([frames.max(0), frames.std(0)])
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("options", ["layer=99", "pool=median"])
    def test_what_does_not_exist_is_refused_with_the_models_name(self, folder, options):
        with pytest.raises(ModelError, match=rf"^model .*{folder.name}: {options}: no such"):
            load_model(f"x=ssam:{folder}?{options}")


@pytest.mark.parametrize("layer", ["5", "-1", "1.5", "first", "٣"])
def test_layer_that_does_not_exist_is_refused_with_those_that_do(layer):
    with pytest.raises(ModelError, match=rf"^layer={re.escape(layer)}: .* 4\b"):
        LayerChoice.parse(layer, 4)


def test_model_of_a_layer_that_does_not_exist_is_named(tmp_path):
    layer = "5"
    folder = write_checkpoint(tmp_path / "tiny", "hubert", num_hidden_layers=N_LAYERS)
    with pytest.raises(ModelError, match=rf"{folder}: layer={layer}: .* 4\b"):
        load_model(f"x=hf:{folder}?layer={layer}")


@pytest.mark.parametrize("pool", ["median", "mean+mean", "mean+", "+", "Mean"])
def test_pooling_that_does_not_exist_is_refused_with_those_that_do(pool):
    with pytest.raises(ModelError, match=r"^pool=.*mean, max, std"):
        Pooling(pool)


def test_adapter_serves_the_last_layer_alone(tmp_path):
    folder = write_checkpoint(tmp_path, "wav2vec2", add_adapter=True, output_hidden_size=24)
    with pytest.raises(ModelError, match=r"layer=1: .* adapter"):
        load_model(f"x=hf:{folder}?layer=1")


@pytest.mark.parametrize("spec", ["mfcc?layer=1", "logmel?pool=max", "egemaps?layer=1"])
def test_options_of_a_model_that_has_none_are_refused(spec):
    with pytest.raises(ModelError, match=r"no option '(layer|pool)'; it has none"):
        load_model(spec)


@pytest.mark.parametrize("source", ["hf", "ssam"])
def test_unknown_option_is_refused_with_those_there_are(source, tmp_path):
    with pytest.raises(ModelError, match=r"no option 'lyer'; its options are .*layer, pool"):
        load_model(f"{source}:{tmp_path}?lyer=3")


def test_pooling_is_in_float32_whatever_the_frames_are():
    frames = torch.full((4096, 1), 1.001, dtype=torch.bfloat16)
    assert Pooling("mean")(frames).dtype == torch.float32
    assert Pooling("mean")(frames).item() == frames[0].float().item()


def test_top_layer_is_told_apart():
    assert LayerChoice.parse("last", 4).is_top
    assert LayerChoice.parse("4", 4).is_top
    assert not LayerChoice.parse("3", 4).is_top
    assert not LayerChoice.parse("all", 4).is_top
