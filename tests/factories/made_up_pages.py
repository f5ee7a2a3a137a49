"""What a page shows of a made-up study: comparisons, claims and figures."""

import io
from itertools import pairwise

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from reno_store.conclusions import CLAIMS, Claim, Comparison, answers_of
from reno_store.reports.figures import Figure
from reno_store.reports.page.clips import Clip, ClipsOfDataset, Point

__all__ = [
    "draw_svg",
    "make_answers",
    "make_claims",
    "make_clips",
    "make_comparison",
    "make_comparisons",
    "make_figures",
]


def make_answers(study):
    """The study's own answers, from made-up comparisons."""
    return answers_of(study, make_comparisons(study))


def make_clips(study):
    """Two clips of each dataset on a map, one of which is mistaken, and heard."""
    found = []
    for answer in make_answers(study):
        cell = answer.best.cell
        right = Clip("clip-1", cell.labels[0], "f1", cell.labels[0], 0.875, 2)
        wrong = Clip("clip-2", cell.labels[1], "f1", cell.labels[2], 0.75, 1, "data:audio/mpeg;,")
        found.append(
            ClipsOfDataset(
                cell,
                n_cells=3,
                n_clips=2,
                n_mistaken=1,
                mistakes=(wrong,),
                model=cell.models[0],
                points=(Point(right, 100, 200), Point(wrong, 300, 400)),
                labels=cell.labels,
            )
        )
    return found


def make_comparisons(study):
    """RENO against concatenation on each pair, and CNN against FCN on each model."""
    made = []
    for kind, first, second in (("reno-concat", "reno", "concat"), ("cnn-fcn", "cnn", "fcn")):
        for one in study.select(estimator=first, computed=True):
            for other in study.select(
                dataset=one.dataset, protocol=one.protocol, estimator=second, models=one.models
            ):
                made.append(make_comparison(kind, one, other))
    return tuple(made)


def make_comparison(kind, first, second, **others):
    """A comparison with the difference of means, and made-up statistics."""
    difference = first.mean("accuracy") - second.mean("accuracy")
    values = {
        "metric": "accuracy",
        "difference": difference,
        "interval": (difference - 0.08, difference + 0.08),
        "t": difference / 0.03,
        "df": 4.0,
        "p": 0.21,
        "p_holm": 0.42,
        "n_family": 2,
        "verdict": "inconclusive",
    }
    return Comparison(kind=kind, first=first, second=second, **(values | others))


def make_claims(study):
    """The paper's three claims for each dataset and protocol."""
    return tuple(
        Claim(kind, title, dataset, protocol, own, "0 of 3 differences are clear")
        for kind, title in CLAIMS.items()
        for dataset in study.request.datasets
        for protocol in study.request.protocols
        for own in [
            tuple(
                each
                for each in make_comparisons(study)
                if (each.kind, each.dataset, each.protocol) == (kind, dataset, protocol)
            )
        ]
    )


def make_figures(study):
    """All scores, a confusion matrix and a wide plot for each dataset."""
    figures = []
    for dataset in study.datasets:
        cell = next(study.select(dataset=dataset.name, computed=True), None)
        if cell is None:
            continue
        figures += [
            Figure(
                f"scores-{dataset.name}",
                "scores",
                f"{dataset.name}: all scores",
                "Accuracy.",
                dataset.name,
                lambda cell=cell: _draw_confusion(cell),
                details="Intervals.",
                draw_narrow=lambda: Canvas(figsize=(2.0, 1.0)),
            ),
            Figure(
                f"confusion-{dataset.name}",
                "confusion",
                f"Confusion of {cell.estimator} on {' + '.join(cell.models)}, {dataset.name}",
                "Rows are the true labels, columns the predicted; colours are shares of a row.",
                dataset.name,
                lambda cell=cell: _draw_confusion(cell),
            ),
            Figure(
                f"training-{dataset.name}",
                "training",
                f"Cross-entropy over training, {dataset.name}",
                "Median over folds. Training falls below validation from the first epoch on.",
                dataset.name,
                lambda cell=cell: _draw_training(cell),
            ),
        ]
    return tuple(figures)


def _draw_confusion(cell):
    canvas = Canvas(figsize=(3.35, 3.0), layout="constrained")
    axes = canvas.subplots()
    axes.imshow(cell.confusion().to_numpy(), cmap="Blues")
    axes.set_xticks(range(len(cell.labels)), cell.labels, fontsize=7)
    axes.set_yticks(range(len(cell.labels)), cell.labels, fontsize=7)
    return canvas


def _draw_training(cell):
    canvas = Canvas(figsize=(7.0, 2.6), layout="constrained")
    for axes, key in zip(
        canvas.subplots(1, 2), ("train_cross_entropy", "valid_cross_entropy"), strict=True
    ):
        for one, _ in pairwise(cell.folds):
            axes.plot([epoch[key] for epoch in one.history])
        axes.set_title(key.replace("_", " "), fontsize=8)
    return canvas


def draw_svg(figure):
    """Draw a figure as SVG, the same each time."""
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "reno-store", "svg.fonttype": "path"}):
        figure.draw().savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
