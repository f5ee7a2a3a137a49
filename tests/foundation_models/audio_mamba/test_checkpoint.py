"""Audio-Mamba checkpoints: the highest epoch of the right kind, or a refusal that says why."""

import argparse
import os
import re
import sys
from types import ModuleType

import pytest
import torch
from factories.audio_mamba_checkpoints import random_tensors, write_ssam_checkpoint

from reno_store.errors import ModelError
from reno_store.foundation_models.audio_mamba.checkpoint import find_checkpoint, read_encoder

A_LOG = "blocks.1.mixer.A_log"


@pytest.fixture
def checkpoint(tmp_path):
    """A folder with a good checkpoint."""
    return write_ssam_checkpoint(tmp_path / "ssam")


def file_of(folder):
    return folder / "checkpoints" / "checkpoint-99.pth"


def rewrite(folder, **changes):
    """Save the checkpoint again with tensors changed, or without those that are None."""
    tensors = {**random_tensors(), **changes}
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    torch.save({"model": kept, "epoch": 99}, file_of(folder))


def refusal(location):
    with pytest.raises(ModelError) as caught:
        read_encoder(str(location))
    message = str(caught.value)
    assert message.startswith(f"model {location}")
    return message


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_every_weight_is_loaded_and_nothing_of_pretraining(checkpoint):
    loaded = read_encoder(str(checkpoint)).state_dict()
    expected = random_tensors()
    assert {name for name in expected if name not in loaded} == {
        "mask_token",
        "pred.0.bias",
        "pred.0.weight",
        "pred.2.bias",
        "pred.2.weight",
    }
    assert all(torch.equal(tensor, expected[name]) for name, tensor in loaded.items())


@pytest.mark.parametrize(("d", "depth"), [(16, 1), (48, 3), (100, 2)])
def test_sizes_come_from_the_tensors_and_not_from_the_name(tmp_path, d, depth):
    folder = write_ssam_checkpoint(tmp_path / "ssam_base_200_16x4", d=d, depth=depth)
    sizes = read_encoder(str(folder)).sizes
    assert (sizes.width, sizes.depth, sizes.n_channels, sizes.n_states) == (d, depth, 3 * d, 24)
    assert (sizes.patch_frames, sizes.patch_bands, sizes.dim) == (4, 16, 5 * d)


def test_weights_of_half_precision_become_float32(checkpoint):
    rewrite(checkpoint, **{name: tensor.half() for name, tensor in random_tensors().items()})
    assert {p.dtype for p in read_encoder(str(checkpoint)).parameters()} == {torch.float32}


def test_highest_epoch_wins_by_number(tmp_path):
    names = ["a-9.pth", "a-100.pth", "a-99.pth", "latest.pth", "a-200.txt"]
    touch(tmp_path, *(f"checkpoints/{name}" for name in names))
    assert find_checkpoint(str(tmp_path)).name == "a-100.pth"


def test_files_may_lie_in_the_folder_itself(tmp_path):
    touch(tmp_path, "run-2-7.pth", "run-2-10.pth")
    assert find_checkpoint(str(tmp_path)).name == "run-2-10.pth"
    touch(tmp_path, "checkpoints/run-2-1.pth")
    assert find_checkpoint(str(tmp_path)).name == "run-2-1.pth"


def test_file_may_be_named_itself(checkpoint, monkeypatch):
    named = file_of(checkpoint)
    touch(checkpoint, "checkpoints/checkpoint-100.pth")
    assert find_checkpoint(str(named)) == named
    assert read_encoder(str(named)).sizes.width == 48
    monkeypatch.setenv("HOME", str(checkpoint))
    assert find_checkpoint("~/checkpoints/checkpoint-99.pth") == named


def test_missing_folder_is_named(tmp_path):
    message = refusal(tmp_path / "gone")
    assert "no such folder or file" in message
    assert "checkpoints/NAME-EPOCH.pth" in message


def test_folder_without_a_checkpoint_is_named(tmp_path):
    touch(tmp_path, "README.md", "checkpoints/weights.safetensors")
    assert "no checkpoint in this folder; expected checkpoints/NAME-EPOCH.pth" in refusal(tmp_path)


@pytest.mark.parametrize("names", [("a-5.pth", "b-5.pth"), ("one.pth", "two.pth")])
def test_two_that_could_be_meant_are_both_named(tmp_path, names):
    touch(tmp_path, *names)
    assert f"2 candidates ({', '.join(names)})" in refusal(tmp_path)


class RunsCode:
    """Its pickle makes a folder when it is read without care."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("modern", [True, False])
def test_pickle_that_would_run_code_is_refused_and_not_run(checkpoint, tmp_path, modern):
    witness = tmp_path / "was-run"
    content = {"model": random_tensors(), "epoch": RunsCode(witness)}
    torch.save(content, file_of(checkpoint), _use_new_zipfile_serialization=modern)
    message = refusal(checkpoint)
    assert re.search(r"refused: it contains \w+\.mkdir, ", message)
    assert "nothing was run" in message
    assert not witness.exists()


def test_command_line_and_configuration_of_the_training_run_are_passed_over(
    checkpoint, monkeypatch
):
    """The published training script saves them beside the weights."""
    home = ModuleType("ml_collections.config_dict.config_dict")
    config_dict = type("ConfigDict", (), {"__module__": home.__name__})
    home.ConfigDict = config_dict
    with monkeypatch.context() as installed:
        for name in ("ml_collections", "ml_collections.config_dict", home.__name__):
            installed.setitem(sys.modules, name, home)
        config = config_dict()
        config.kind = int
        arguments = argparse.Namespace(config=config, epochs=100)
        content = {"model": random_tensors(), "args": arguments, "optimizer": {"state": {}}}
        torch.save(content, file_of(checkpoint))
    assert read_encoder(str(checkpoint)).sizes.width == 48
    with pytest.raises(Exception, match="Unsupported global"):  # and only while reading
        torch.load(file_of(checkpoint), weights_only=True)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 and no more"])
def test_damaged_file_is_named(checkpoint, content):
    file_of(checkpoint).write_bytes(content)
    assert "cannot be read as a torch checkpoint (damaged or of another" in refusal(checkpoint)


def test_truncated_file_is_named(checkpoint):
    file_of(checkpoint).write_bytes(file_of(checkpoint).read_bytes()[:-1000])
    assert "cannot be read as a torch checkpoint" in refusal(checkpoint)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ([torch.ones(1)], "got a list"),
        ({"state_dict": {}, "step": 1}, "got a dictionary with state_dict, step"),
        ({"model": torch.ones(1)}, "got a dictionary with model"),
        ({}, "got a dictionary with no entries"),
    ],
)
def test_content_of_another_kind_is_described(checkpoint, content, got):
    torch.save(content, file_of(checkpoint))
    message = refusal(checkpoint)
    assert "expected a dictionary with the weights under 'model'" in message
    assert message.endswith(f"{got}.")


def test_state_dict_of_another_model_says_what_is_missing(checkpoint):
    tensors = {f"encoder.layers.{layer}.weight": torch.ones(2) for layer in range(5)}
    torch.save({"model": tensors}, file_of(checkpoint))
    message = refusal(checkpoint)
    assert "not an Audio-Mamba state dict: cls_token, patch_embed.proj.weight, blocks.0" in message
    assert "it contains encoder.layers.0.weight" in message
    assert message.endswith("and 2 more.")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({A_LOG: None}, f"missing: {A_LOG}."),
        ({"blocks.0.norm.bias": None}, "missing: blocks.0.norm.bias."),
        ({"blocks.7.norm.bias": torch.ones(48)}, "missing: blocks.2.mixer.A_log"),
        ({"head.weight": torch.ones(3)}, "not part of Audio-Mamba: head.weight."),
        ({A_LOG: torch.ones(144, 23)}, f"{A_LOG} is (144, 23), expected (144, 24)."),
        ({"pos_embed": torch.ones(1, 513, 48)}, "pos_embed is (1, 513, 48), expected (1, 251, 48)"),
        ({"cls_token": torch.ones(48)}, "cls_token missing or of another rank"),
        ({"patch_embed.proj.weight": torch.ones(48, 1, 16, 16)}, "16 frames by 16 bands"),
    ],
)
def test_weights_that_do_not_fit_are_named(checkpoint, changes, words):
    rewrite(checkpoint, **changes)
    assert words in refusal(checkpoint)


def test_all_that_does_not_fit_is_named_at_once(checkpoint):
    rewrite(checkpoint, **{A_LOG: None, "head": torch.ones(1), "blocks.0.mixer.D": torch.ones(5)})
    message = refusal(checkpoint)
    assert f"missing: {A_LOG}; not part of Audio-Mamba: head; of another shape: blocks" in message


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weight_that_is_not_finite_is_named(checkpoint, bad):
    weights = random_tensors()[A_LOG]
    weights[3, 4] = bad
    rewrite(checkpoint, **{A_LOG: weights})
    assert f"weight '{A_LOG}' holds NaN or infinite values" in refusal(checkpoint)


def test_pretraining_weights_may_be_absent_or_bad(checkpoint):
    rewrite(checkpoint, **{"pred.0.weight": torch.full((1,), float("nan")), "mask_token": None})
    assert read_encoder(str(checkpoint)).sizes.width == 48
