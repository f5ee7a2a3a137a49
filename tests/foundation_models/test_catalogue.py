"""Names of models, and the one door through which all are loaded."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from factories.checkpoints import write_checkpoint

from reno_store.corpora.names import name_problem
from reno_store.errors import ModelError, UnknownNameError
from reno_store.foundation_models import (
    CATALOGUE,
    ModelSpec,
    catalogue,
    load_model,
    parse_model_spec,
    parse_model_specs,
)
from reno_store.foundation_models.huggingface import HuggingFaceEncoder
from reno_store.foundation_models.spectral import LogMelStatistics, MfccStatistics

# The paper's models: name, hub id, letter in its tables.
PAPER = [
    ("wavlm-base", "microsoft/wavlm-base", "W"),
    ("unispeech-sat-base", "microsoft/unispeech-sat-base", "U"),
    ("wav2vec2-base", "facebook/wav2vec2-base", "W2"),
    ("hubert-base", "facebook/hubert-base-ls960", "H"),
]


def test_every_entry_stands_under_its_own_name_and_says_what_it_is():
    for name, entry in CATALOGUE.items():
        assert entry.name == name
        assert entry.description
        assert entry.licence
        assert entry.group in catalogue.GROUPS
        assert name_problem(name) is None


def test_no_two_entries_have_one_name_or_one_source():
    assert len(CATALOGUE) == len(catalogue._ENTRIES)
    published = [entry.location for entry in CATALOGUE.values() if entry.source == "hf"]
    assert len(set(published)) == len(published)


def test_groups_stand_together_in_their_order():
    groups = [entry.group for entry in CATALOGUE.values()]
    assert list(dict.fromkeys(groups)) == list(catalogue.GROUPS)
    assert sum(before != after for before, after in pairwise(groups)) == len(catalogue.GROUPS) - 1


@pytest.mark.parametrize(
    ("model", "dataset", "seen"),
    [
        ("voc2vec", "VocalSound", ("VocalSound",)),
        ("voc2vec-hubert-ls-pt", "recanvo_test", ("ReCANVo",)),
        ("voc2vec", "emogator", ()),
        ("hubert-base", "vocalsound", ()),
    ],
)
def test_dataset_that_a_model_was_trained_on_is_recognised_by_its_name(model, dataset, seen):
    assert CATALOGUE[model].corpora_seen(dataset) == seen


def test_catalogue_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        CATALOGUE["mine"] = CATALOGUE["mfcc"]


@pytest.mark.parametrize(("name", "hub_id", "letter"), PAPER)
def test_name_from_the_paper_loads_its_checkpoint_from_the_hub(monkeypatch, name, hub_id, letter):
    asked = []
    monkeypatch.setattr(
        HuggingFaceEncoder, "load", lambda location, **options: asked.append((location, options))
    )
    spec = parse_model_spec(f"mine={name}?layer=9&pool=max")
    load_model(spec, device="cuda", precision="float16")
    options = {"device": "cuda", "precision": "float16", "batched": None}
    options |= {"layer": "9", "pool": "max"}
    assert asked == [(hub_id, options)]
    assert CATALOGUE[name].paper_letter == letter


@pytest.mark.parametrize(("name", "kind"), [("mfcc", MfccStatistics), ("logmel", LogMelStatistics)])
def test_offline_pair_is_loaded_by_name(name, kind):
    assert isinstance(load_model(parse_model_spec(f"mine={name}")), kind)


def test_folder_is_loaded_as_a_checkpoint(tmp_path):
    folder = write_checkpoint(tmp_path / "mfcc", "hubert")
    model = load_model(parse_model_spec(f"hf:{folder}"))
    assert model.fingerprint["architecture"] == "hubert"


def test_several_specs_keep_their_order():
    specs = parse_model_specs(["logmel", "quick=mfcc", "hf:runs/best"])
    assert [spec.name for spec in specs] == ["logmel", "quick", "best"]


def test_one_model_may_stand_under_two_names():
    specs = parse_model_specs(["mfcc", "again=mfcc"])
    assert [spec.location for spec in specs] == ["mfcc", "mfcc"]


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (["mfcc", "mfcc"], "mfcc"),
        (["a=mfcc", "logmel", "a=logmel"], "a"),
        (["hf:here/run", "hf:there/run"], "run"),
    ],
)
def test_two_models_of_one_name_are_refused(texts, name):
    with pytest.raises(ModelError) as caught:
        parse_model_specs(texts)
    assert repr(name) in str(caught.value)


def test_no_model_at_all_is_refused_with_an_example():
    with pytest.raises(ModelError, match=r"no model is named; expected .* such as mfcc\."):
        parse_model_specs([])


@pytest.mark.parametrize("text", ["wavlm-bse", "mine=wavlm-bse"])
def test_unknown_model_lists_the_choices_and_suggests_the_nearest(text):
    with pytest.raises(UnknownNameError) as caught:
        parse_model_specs(["mfcc", text])
    message = str(caught.value)
    assert message.startswith("unknown model 'wavlm-bse'; did you mean 'wavlm-base'? Choices: ")
    choices = message.split("Choices: ")[1].rstrip(".").split(", ")
    assert {*CATALOGUE, "hf:REPO_OR_FOLDER"} <= set(choices)
    assert choices == sorted(choices)


def test_unknown_model_is_refused_on_loading_as_well():
    with pytest.raises(UnknownNameError, match="unknown model 'hubert'; did you mean 'hubert-"):
        load_model(ModelSpec("mine", "catalogue", "hubert"))


def test_offline_pair_works_without_torch():
    code = (
        "import sys, numpy as np\n"
        "from reno_store.foundation_models import load_model, parse_model_specs\n"
        "for spec in parse_model_specs(['mfcc', 'logmel']):\n"
        "    load_model(spec).embed([np.ones(400, np.float32)])\n"
        "sys.exit('torch was loaded' if 'torch' in sys.modules else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("size", ["tiny", "small", "base"])
def test_audio_mamba_without_a_checkpoint_says_where_to_get_it_and_what_to_type(size):
    with pytest.raises(ModelError) as caught:
        parse_model_specs([f"audio-mamba-{size}"])
    message = str(caught.value)
    assert "github.com/SarthakYadav/audio-mamba-official" in message
    assert f"audio-mamba-{size}=ssam:FOLDER" in message


def test_the_page_of_models_has_every_name_with_its_sizes_and_licence():
    page = Path(__file__).parents[2] / "docs" / "models.md"
    rows = [line.strip("|").split("|") for line in page.read_text("utf-8").splitlines()]
    shown = {
        row[0].strip(" `"): [cell.strip() for cell in row[2:]] for row in rows if len(row) == 5
    }
    for name, entry in CATALOGUE.items():
        if entry.source == "authors":
            continue
        size = f"{entry.n_parameters / 1e6:.1f} M" if entry.n_parameters else ""
        assert shown[name] == [str(entry.dim), size, entry.licence], name
