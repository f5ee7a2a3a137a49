"""Which cells a study has, and why some of them cannot be computed."""

import dataclasses
from pathlib import Path

import pytest
from factories.study_stores import FINGERPRINTS, make_study_store

from reno_store.errors import ProtocolError, StaleStoreError, UnknownNameError
from reno_store.samples import open_store
from reno_store.studies import PAPER_DATASETS, ModelFacts, StudyRequest, run_study
from reno_store.studies.models import PAPER_MODELS, pairs_of
from reno_store.studies.paper_values import PAPER_LETTERS, PAPER_PAIRS
from reno_store.studies.running import _Run

ALL = tuple(FINGERPRINTS)


def plan(store, request):
    """A study with nothing trained: every cell that could be is "not computed yet"."""
    return _Run(open_store(store), request, NoLedger(), train=False, remember=False).study(
        request.datasets
    )


class NoLedger:
    folder, damaged = Path("nowhere"), ()

    def find(self, recipe):
        return None

    def damage(self, what):
        return ()


def reasons(study, **chosen):
    return {(cell.protocol, cell.models): cell.reason for cell in study.select(**chosen)}


def test_the_papers_seven_models_give_its_two_tables_in_its_order():
    models = [
        ModelFacts(name, letter, "mamba" if letter.startswith("A(") else "attention")
        for name, letter in PAPER_MODELS.items()
    ]
    models.sort(key=lambda model: PAPER_LETTERS.index(model.letter))
    letter_of = {model.name: model.letter for model in models}
    pairs = pairs_of(StudyRequest(("jnv",)), models)
    assert tuple((letter_of[one], letter_of[other]) for one, other in pairs) == tuple(PAPER_PAIRS)


def test_a_study_is_of_all_that_the_store_holds(tmp_path):
    store = make_study_store(tmp_path / "s.zarr", cries={"models": ALL})
    request = StudyRequest(("cries",), estimators=("cnn", "reno"), protocols=("paper",))
    study = plan(store, request)
    names = [model.name for model in study.models]
    assert names == [
        "audio-mamba-tiny",
        "audio-mamba-base",
        "wav2vec2-base",
        "hubert-base",
        "logmel",
        "mfcc",
    ]
    assert [model.family for model in study.models] == [*["mamba"] * 2, *["attention"] * 2, "", ""]
    alone = [cell.models for cell in study.select(protocol="paper", estimator="cnn")]
    assert alone == [(name,) for name in names]
    pairs = [cell.models for cell in study.select(protocol="paper", estimator="reno")]
    assert len(pairs) == 6 * 5 // 2 - 1
    assert ("audio-mamba-tiny", "audio-mamba-base") not in pairs
    assert ("hubert-base", "wav2vec2-base") in pairs  # the paper's H+W2


def test_baselines_stand_in_both_tables(tmp_path):
    store = make_study_store(tmp_path / "s.zarr", cries={})
    study = plan(store, StudyRequest(("cries",), estimators=("svm",), protocols=("paper",)))
    assert [cell.models for cell in study.cells] == [("logmel",), ("mfcc",), ("logmel", "mfcc")]


def test_one_of_the_papers_datasets_has_all_rows_of_the_paper(tmp_path):
    store = make_study_store(tmp_path / "s.zarr", jnv={"models": ("wav2vec2-base", "mfcc")})
    study = plan(store, StudyRequest(("jnv",), protocols=("paper",)))
    told = reasons(study, estimator="cnn")
    assert set(told) == {("paper", (name,)) for name in [*PAPER_MODELS, "mfcc"]}
    assert told["paper", ("wavlm-base",)] == "jnv has no embeddings of wavlm-base"
    assert told["paper", ("mfcc",)] == "not computed yet"
    remedy = next(study.select(estimator="cnn", models=("wavlm-base",))).remedy
    assert remedy.function == "build_store"
    assert remedy.arguments == {
        "manifest": ...,
        "store": str(store),
        "dataset": "jnv",
        "models": "wavlm-base",
    }
    mamba = next(study.select(estimator="cnn", models=("audio-mamba-base",))).remedy
    assert mamba.arguments["models"] == "audio-mamba-base=ssam:CHECKPOINT"
    pairs = [cell.models for cell in study.select(estimator="reno")]
    assert len(pairs) == 18 + 7


def test_a_dataset_can_be_said_to_be_one_of_the_papers(tmp_path):
    store = make_study_store(tmp_path / "s.zarr", mine={})
    plain = plan(store, StudyRequest(("mine",)))
    assert plain.dataset("mine").paper_name == ""
    assert len(plain.models) == 2
    named = plan(store, StudyRequest(("mine",), paper_names={"mine": "jnv"}))
    assert named.dataset("mine").paper_name == "jnv"
    assert len(named.models) == 9


def test_a_model_that_another_dataset_has_is_named_with_the_command_that_builds_it(tmp_path):
    store = make_study_store(tmp_path / "s.zarr", cries={}, laughs={"models": ("mfcc",)})
    study = plan(store, StudyRequest(("cries", "laughs"), protocols=("paper",)))
    assert reasons(study, dataset="laughs", estimator="fcn") == {
        ("paper", ("logmel",)): "laughs has no embeddings of logmel",
        ("paper", ("mfcc",)): "not computed yet",
    }
    assert set(reasons(study, dataset="cries").values()) == {"not computed yet"}


def test_missing_embeddings_are_counted_and_left_out_when_asked(tmp_path):
    holes = {"lacking": {"mfcc": [3, 7]}}
    store = make_study_store(tmp_path / "s.zarr", cries=holes)
    request = StudyRequest(("cries",), estimators=("svm",), protocols=("paper",))
    told = reasons(plan(store, request))
    assert told["paper", ("mfcc",)].startswith("2 of 48 clips of cries have no embedding of mfcc")
    (cell,) = plan(store, request).select(models=("mfcc",))
    assert cell.remedy.arguments == {"allow_missing": True}
    assert told["paper", ("logmel",)] == "not computed yet"
    study = run_study(store, dataclasses.replace(request, allow_missing=True))
    assert study.dataset("cries").n_left_out == 2
    assert {cell.confusion().to_numpy().sum() for cell in study.cells} == {46}


def test_a_model_without_any_embedding_is_not_asked_to_leave_all_clips_out(tmp_path):
    holes = {"lacking": {"mfcc": range(48)}}
    store = make_study_store(tmp_path / "s.zarr", cries=holes)
    request = StudyRequest(
        ("cries",), estimators=("svm",), protocols=("paper",), allow_missing=True
    )
    told = reasons(plan(store, request))
    assert told["paper", ("mfcc",)] == "48 of 48 clips of cries have no embedding of mfcc"
    assert told["paper", ("logmel",)] == "not computed yet"


def test_clips_that_no_two_models_share_are_said_so(tmp_path):
    holes = {"lacking": {"mfcc": range(24), "logmel": range(24, 48)}}
    store = make_study_store(tmp_path / "s.zarr", cries=holes)
    study = plan(store, StudyRequest(("cries",), estimators=("svm",), allow_missing=True))
    assert study.cells
    assert all("have no embedding of" in cell.reason for cell in study.cells)


def test_a_label_with_one_clip_is_named_and_other_datasets_go_on(tmp_path):
    y = ["rare", *["anger", "fear"] * 23, "fear"]
    store = make_study_store(tmp_path / "s.zarr", cries={"y": y}, laughs={})
    study = run_study(store, StudyRequest(("cries", "laughs"), estimators=("svm",)))
    for cell in study.select(dataset="cries"):
        assert not cell.computed
        assert "rare" in cell.reason
    assert "rare (1)" in next(study.select(dataset="cries", protocol="paper")).reason
    assert all(cell.computed for cell in study.select(dataset="laughs"))


def test_few_speakers_are_pointed_to_leaving_one_out(tmp_path):
    store = make_study_store(tmp_path / "s.zarr", jnv={"n_speakers": 4})
    request = StudyRequest(
        ("jnv",), models=("mfcc",), estimators=("svm",), protocols=("paper", "speaker", "loso")
    )
    study = run_study(store, request)
    told = {cell.protocol: cell for cell in study.cells}
    assert "4 speakers cannot be divided into 5" in told["speaker"].reason
    assert "leave one speaker out" in told["speaker"].reason
    assert told["speaker"].remedy.arguments == {"n_folds": 4}
    assert told["paper"].n == 5
    assert [fold.score.speaker for fold in told["loso"].folds] == ["s0", "s1", "s2", "s3"]


def test_folds_that_lose_a_class_are_named(tmp_path):
    """All clips of one label are one speaker's: whoever tests it cannot train on it."""
    y = [("fear", "joy", "pain")[i % 3] if i // 3 % 8 else "own" for i in range(48)]
    store = make_study_store(tmp_path / "s.zarr", cries={"y": y})
    study = run_study(store, StudyRequest(("cries",), models=("mfcc",), estimators=("svm",)))
    told = {cell.protocol: cell for cell in study.cells}
    assert told["paper"].computed
    assert "leaves no clip of 'own'" in told["speaker"].reason


def test_unknown_speakers_leave_the_papers_protocol(tmp_path):
    store = make_study_store(tmp_path / "s.zarr", cries={"n_speakers": 0})
    study = run_study(store, StudyRequest(("cries",), models=("mfcc",), estimators=("svm",)))
    told = {cell.protocol: cell for cell in study.cells}
    assert told["paper"].computed
    assert "speaker of 48 of 48 clips is unknown" in told["speaker"].reason


def test_two_models_under_one_name_are_refused_with_what_differs(tmp_path):
    other = {**FINGERPRINTS, "mfcc": {"kind": "mfcc", "weights": "f" * 64}}
    store = make_study_store(tmp_path / "s.zarr", cries={}, laughs={"fingerprints": other})
    with pytest.raises(StaleStoreError) as caught:
        run_study(store, StudyRequest(("cries", "laughs")))
    message = str(caught.value)
    assert "'mfcc' is not one model" in message
    assert "weights: cries nothing, laughs ffffffffffff..." in message
    assert caught.value.remedies[0].arguments["refresh"] == "model"
    assert not (tmp_path / "s.results").exists()
    for name in ("cries", "laughs"):
        run_study(store, StudyRequest((name,), estimators=("svm",)))


def test_models_and_pairs_can_be_chosen(tmp_path):
    store = make_study_store(tmp_path / "s.zarr", cries={"models": ALL})
    request = StudyRequest(
        ("cries",),
        models=("mfcc",),
        pairs=(("mfcc", "audio-mamba-tiny"),),
        estimators=("fcn", "reno"),
        protocols=("paper",),
    )
    study = plan(store, request)
    assert [cell.models for cell in study.select(estimator="reno")] == [
        ("mfcc", "audio-mamba-tiny")
    ]
    assert [cell.models for cell in study.select(estimator="fcn")] == [
        ("audio-mamba-tiny",),
        ("mfcc",),
    ]


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"datasets": ()}, ProtocolError, "at least one dataset"),
        ({"datasets": ("a", "a")}, ProtocolError, "'a' is named twice"),
        ({"models": ("m", "m")}, ProtocolError, "'m' is named twice"),
        ({"estimators": ()}, ProtocolError, "at least one estimator"),
        ({"estimators": ("renno",)}, UnknownNameError, "did you mean 'reno'"),
        ({"estimators": ("VotingClassifier",)}, UnknownNameError, "needs no arguments"),
        ({"protocols": ("papr",)}, UnknownNameError, "did you mean 'paper'"),
        ({"pairs": (("m", "m"),)}, ProtocolError, "two different models"),
        ({"pairs": (("m", "n"), ("m", "n"))}, ProtocolError, "named twice"),
        ({"seeds": ()}, ProtocolError, "at least one seed"),
        ({"seeds": (1, 1)}, ProtocolError, "given twice"),
        ({"paper_names": {"b": "jnv"}}, UnknownNameError, "unknown dataset 'b'"),
        ({"paper_names": {"a": "emogator"}}, UnknownNameError, "jnv"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(request_, error, message):
    with pytest.raises(error, match=message):
        StudyRequest(**{"datasets": ("a",), **request_})


def test_unknown_names_are_refused_before_anything_is_kept(tmp_path):
    store = make_study_store(tmp_path / "s.zarr", cries={})
    for request in (
        StudyRequest(("laughs",)),
        StudyRequest(("cries",), models=("mfc",)),
        StudyRequest(("cries",), pairs=(("mfcc", "logmle"),)),
    ):
        with pytest.raises(UnknownNameError):
            run_study(store, request)
    assert not (tmp_path / "s.results").exists()


def test_paper_datasets_are_found_by_their_usual_names():
    from reno_store.studies.paper_values import paper_dataset

    assert [paper_dataset(name) for name in ("ASVP_ESD", "asvp-esd", "JNV", "Vivae", "x")] == [
        *("asvp-esd", "asvp-esd", "jnv", "vivae", "")
    ]
    assert set(PAPER_DATASETS) == {"asvp-esd", "jnv", "vivae"}


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ({"datasets": "donateacry"}, {"datasets": ("donateacry",)}),
        ({"models": "mfcc"}, {"models": ("mfcc",)}),
        ({"models": ["mfcc", "logmel"]}, {"models": ("mfcc", "logmel")}),
        ({"pairs": ("mfcc", "logmel")}, {"pairs": (("mfcc", "logmel"),)}),
        ({"pairs": "mfcc,logmel"}, {"pairs": (("mfcc", "logmel"),)}),
        ({"pairs": ["mfcc, logmel", ["a", "b"]]}, {"pairs": (("mfcc", "logmel"), ("a", "b"))}),
        ({"estimators": "svm"}, {"estimators": ("svm",)}),
        ({"protocols": "loso"}, {"protocols": ("loso",)}),
        ({"seeds": 3}, {"seeds": (3,)}),
        ({"seeds": [0, 1]}, {"seeds": (0, 1)}),
        ({"protocols": ["paper", "speaker"]}, {}),
    ],
)
def test_one_name_is_taken_for_a_tuple_of_one(told, meant):
    asked = StudyRequest(**{"datasets": ("donateacry",), **told})
    assert asked == StudyRequest(**{"datasets": ("donateacry",), **meant})
    assert StudyRequest.from_dict(asked.to_dict()) == asked
    assert hash(asked.datasets + asked.pairs + asked.seeds) is not None


def test_a_dataset_can_be_named_by_place():
    assert StudyRequest("donateacry") == StudyRequest(("donateacry",))


@pytest.mark.parametrize("pairs", ["mfcc", "mfcc,", ("mfcc", "mfcc")])
def test_a_pair_that_is_none_is_refused(pairs):
    with pytest.raises(ProtocolError, match=r"expected two different models"):
        StudyRequest("jnv", pairs=pairs)
