"""Which figures a study has, in which order, and what they are called."""

from dataclasses import replace

import numpy as np
import pytest
from factories.made_up_studies import MODELS, with_collapsed
from factories.odd_studies import make_study

from reno_store.errors import MissingEmbeddingsError
from reno_store.reports.figures import Figure, figures_of
from reno_store.reports.figures.collection import best_cell
from reno_store.reports.figures.files import file_name, name_apart
from reno_store.samples import Samples


def embeddings(dataset, model, n=24):
    rng = np.random.default_rng(len(model))
    return Samples(
        X=rng.normal(size=(n, 6)).astype(np.float32),
        y=np.array(["anger", "fear", "joy", "pain"])[np.arange(n) % 4],
        groups=np.array(["f1", "m1"])[np.arange(n) // 4 % 2],
        clip_ids=np.arange(n).astype(np.str_),
        block_sizes=(6,),
        dataset=dataset,
        models=(model,),
    )


def names(study, *arguments, **others):
    return [figure.name for figure in figures_of(study, *arguments, **others)]


def best(study, protocol, keep):
    cells = [c for c in study.select(protocol=protocol, computed=True) if keep(c)]
    return max(cells, key=lambda cell: cell.mean("accuracy"))


def test_a_study_has_every_kind_in_a_stable_order():
    study = make_study()
    figures = figures_of(study, embeddings)
    assert [figure.kind for figure in figures] == [
        "scores",
        *["confusion"] * 4,
        *["map"] * 3,
        *["class-f1"] * 2,
        *["training"] * 2,
    ]
    assert names(study, embeddings) == [figure.name for figure in figures]
    assert all(figure.dataset == "jnv" for figure in figures)
    maps = [figure.name for figure in figures if figure.kind == "map"]
    assert maps == [f"map-jnv-{model.name}" for model in MODELS]


def test_confusions_are_of_the_best_single_model_and_the_best_reno():
    study = make_study()
    expected = []
    for protocol in ("paper", "speaker"):
        alone = best(study, protocol, lambda cell: len(cell.models) == 1)
        reno = best(study, protocol, lambda cell: cell.estimator == "reno")
        for cell in (alone, reno):
            parts = (cell.dataset, protocol, cell.estimator, "+".join(cell.models))
            expected.append("-".join(("confusion", *parts)))
    assert names(study)[1:5] == expected


def test_every_confusion_is_there_on_request():
    study = make_study()
    found = [name for name in names(study, every_confusion=True) if name.startswith("confusion")]
    assert len(found) == len(study.cells)


def test_without_embeddings_there_are_no_maps():
    assert not [figure for figure in figures_of(make_study()) if figure.kind == "map"]


def test_maps_are_asked_for_models_of_computed_cells_alone():
    asked = []

    def load(dataset, model):
        asked.append((dataset, model))
        return embeddings(dataset, model)

    figures_of(make_study(datasets=("jnv", "vivae"), lacking=("wav2vec2-base",)), load)
    assert asked == [
        (dataset, model) for dataset in ("jnv", "vivae") for model in ("audio-mamba-tiny", "mfcc")
    ]


def test_what_the_loader_raises_is_not_hidden():
    def load(dataset, model):
        raise MissingEmbeddingsError("none")

    with pytest.raises(MissingEmbeddingsError):
        figures_of(make_study(), load)


def test_the_seed_reaches_the_maps():
    figures = figures_of(make_study(), embeddings, 7)
    assert all("seed 7" in figure.details for figure in figures if figure.kind == "map")


def test_cells_that_were_not_computed_are_passed_over():
    study = make_study(lacking=("mfcc",))
    figures = figures_of(study, every_confusion=True)
    assert {figure.kind for figure in figures} == {"scores", "confusion", "class-f1", "training"}
    texts = [figure.name + figure.caption + figure.details for figure in figures]
    assert not [text for text in texts if "mfcc" in text]


def test_a_study_in_which_nothing_is_computed_has_no_figures():
    lacking = tuple(model.name for model in MODELS)
    assert figures_of(make_study(lacking=lacking), embeddings) == ()


def test_a_protocol_whose_estimators_keep_no_history_has_no_training():
    study = make_study()
    cells = tuple(
        replace(c, outcomes=tuple(tuple(replace(f, history=()) for f in s) for s in c.outcomes))
        for c in study.cells
    )
    assert not [n for n in names(replace(study, cells=cells)) if n.startswith("training")]


def test_names_hold_nothing_that_a_file_system_minds():
    assert file_name("map", "my data/2", "../x:y?layer=9") == "map-my_data_2-.._x_y_layer=9"
    long = [file_name("map", "d", "m" * 300 + end) for end in "ab"]
    assert len(set(long)) == 2
    assert all(len(name) <= 150 for name in long)


def test_names_that_differ_in_case_alone_are_numbered():
    figures = [Figure(name, "map", "", "", "d", lambda: None) for name in ("a", "A", "b", "a")]
    assert [figure.name for figure in name_apart(figures)] == ["a", "A-2", "b", "a-3"]


def test_a_collapsed_cell_is_chosen_only_where_there_is_no_other():
    study = make_study(protocols=("paper",))
    chosen = best_cell(study.cells)
    collapsed = with_collapsed(study, chosen)
    assert best_cell(collapsed.cells).models != chosen.models or (
        best_cell(collapsed.cells).estimator != chosen.estimator
    )
    only = [cell for cell in collapsed.cells if cell.n_collapsed]
    assert best_cell(only) is only[0]
