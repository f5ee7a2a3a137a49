"""What a user types for a model, taken apart."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reno_store.errors import ModelError
from reno_store.foundation_models import ModelSpec, parse_model_spec


@pytest.mark.parametrize(
    ("text", "name", "source", "location"),
    [
        ("mfcc", "mfcc", "catalogue", "mfcc"),
        ("quick=mfcc", "quick", "catalogue", "mfcc"),
        ("hf:microsoft/wavlm-base", "wavlm-base", "hf", "microsoft/wavlm-base"),
        ("w=hf:microsoft/wavlm-base", "w", "hf", "microsoft/wavlm-base"),
        ("hf:checkpoints/run", "run", "hf", "checkpoints/run"),
        ("hf:checkpoints/run/", "run", "hf", "checkpoints/run/"),
        ("hf:/data/run", "run", "hf", "/data/run"),
        ("hf:runs/lr=3", "lr=3", "hf", "runs/lr=3"),
        ("hf:runs/lr=3/best", "best", "hf", "runs/lr=3/best"),
        ("mine=hf:runs/lr=3", "mine", "hf", "runs/lr=3"),
        ("mine=hf:runs/10:30", "mine", "hf", "runs/10:30"),
        ("mine=hf:my runs/a b", "mine", "hf", "my runs/a b"),
    ],
)
def test_spec_is_taken_apart(text, name, source, location):
    assert parse_model_spec(text) == ModelSpec(name, source, location)


def test_folder_given_as_a_dot_is_named_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "run7").mkdir()
    monkeypatch.chdir(tmp_path / "run7")
    assert parse_model_spec("hf:.") == ModelSpec("run7", "hf", ".")


@pytest.mark.parametrize("text", ["", "hf:", "mine=", "mine=hf:", ":"])
def test_spec_that_names_no_model_is_refused(text):
    with pytest.raises(ModelError) as caught:
        parse_model_spec(text)
    assert str(caught.value).startswith(f"model {text!r}: ")


@pytest.mark.parametrize("text", ["s3:bucket/model", "mine=s3:bucket/model", "Hf:run", r"C:\run"])
def test_unknown_source_is_refused_with_the_known_ones(text):
    with pytest.raises(ModelError) as caught:
        parse_model_spec(text)
    source = text.split(":")[0].split("=")[-1]
    assert str(caught.value).startswith(f"model {text!r}: {source!r} ")
    assert "expected hf: or ssam:" in str(caught.value)


def test_hub_id_without_its_source_is_refused_with_what_to_type():
    with pytest.raises(ModelError) as caught:
        parse_model_spec("microsoft/wavlm-base")
    assert str(caught.value).endswith("type hf:microsoft/wavlm-base")


@pytest.mark.parametrize(
    ("text", "name", "problem", "advice"),
    [
        ("a/b=mfcc", "a/b", "not '/'", "NAME=mfcc"),
        ("b?file=m/b.pt", "b-filem/b.pt", "not '/'", "NAME=b"),
        ("../b=mfcc", "../b", "not '/'", "NAME=mfcc"),
        (".b=mfcc", ".b", "begin with a letter or digit", "NAME=mfcc"),
        ("=mfcc", "", "it is empty", "NAME=mfcc"),
        ("two words=mfcc", "two words", "not ' '", "NAME=mfcc"),
        ("hf:my run", "my run", "not ' '", "NAME=hf:my run"),
        ("zarr.json=mfcc", "zarr.json", "reserved by Zarr", "NAME=mfcc"),
        (f"{'x' * 101}=mfcc", "x" * 101, "at most 100", "NAME=mfcc"),
    ],
)
def test_name_that_a_store_cannot_take_is_refused_with_a_way_out(text, name, problem, advice):
    with pytest.raises(ModelError) as caught:
        parse_model_spec(text)
    message = str(caught.value)
    assert message.startswith(f"model {text!r} would be stored as {name!r}, but ")
    assert problem in message
    assert message.endswith(f"Name it: {advice}")


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,20}", fullmatch=True).filter(
    lambda name: name.lower() != "zarr.json"
)
LOCATIONS = st.text(string.printable, min_size=1, max_size=30).filter(lambda text: "?" not in text)


@given(name=NAMES, location=LOCATIONS)
def test_named_location_is_kept_letter_by_letter(name, location):
    assert parse_model_spec(f"{name}=hf:{location}") == ModelSpec(name, "hf", location)


@given(parts=st.lists(NAMES.filter(lambda name: name != ".."), min_size=1, max_size=4))
def test_unnamed_location_is_named_by_its_last_part(parts):
    assert parse_model_spec(f"hf:{'/'.join(parts)}").name == parts[-1]


@pytest.mark.parametrize(
    ("text", "name", "location", "options"),
    [
        ("hf:a/wavlm?layer=9", "wavlm-layer9", "a/wavlm", {"layer": "9"}),
        ("hf:a/wavlm?pool=mean+std", "wavlm-mean+std", "a/wavlm", {"pool": "mean+std"}),
        (
            "hf:a/wavlm?pool=max&layer=all",
            "wavlm-layerall-max",
            "a/wavlm",
            {"layer": "all", "pool": "max"},
        ),
        ("wavlm-base?layer=9", "wavlm-base-layer9", "wavlm-base", {"layer": "9"}),
        ("mine=wavlm-base?layer=9", "mine", "wavlm-base", {"layer": "9"}),
        ("ssam:runs/a=1?layer=3", "a=1-layer3", "runs/a=1", {"layer": "3"}),
        (
            "mine=hf:a/wavlm?revision=refs/pr/1&layer=2",
            "mine",
            "a/wavlm",
            {"revision": "refs/pr/1", "layer": "2"},
        ),
        (
            "mine=hf:a/wavlm?layer=2&revision=v/2",
            "mine",
            "a/wavlm",
            {"layer": "2", "revision": "v/2"},
        ),
        (
            "mine=beats?checkpoint=/models/run=3/b.pt&layer=2",
            "mine",
            "beats",
            {"checkpoint": "/models/run=3/b.pt", "layer": "2"},
        ),
        ("mine=hf:what?", "mine", "what?", {}),
        ("mine=hf:what?/run", "mine", "what?/run", {}),
        ("mine=hf:what?a=b/run", "mine", "what?a=b/run", {}),
        ("mine=hf:what?/run?layer=1", "mine", "what?/run", {"layer": "1"}),
    ],
)
def test_options_stand_behind_a_question_mark(text, name, location, options):
    spec = parse_model_spec(text)
    assert (spec.name, spec.location, dict(spec.options)) == (name, location, options)


def test_order_of_the_options_does_not_matter():
    one, other = (
        parse_model_spec(f"hf:a/wavlm?{options}")
        for options in ("layer=9&pool=max", "pool=max&layer=9")
    )
    assert one == other


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("wavlm-base?layer=", "option 'layer' has no value; expected layer=VALUE."),
        ("wavlm-base?layer=1&layer=2", "option 'layer' is given twice."),
    ],
)
def test_malformed_option_is_refused(text, problem):
    with pytest.raises(ModelError) as caught:
        parse_model_spec(text)
    assert str(caught.value) == f"model {text!r}: {problem}"


def test_options_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        parse_model_spec("wavlm-base?layer=1").options["layer"] = "2"
