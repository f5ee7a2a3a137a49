"""What a page shows of a made-up study: tables, comparisons, claims and figures."""

import io
from itertools import pairwise

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from reno_store.conclusions import Claim, Comparison
from reno_store.reports.figures import Figure
from reno_store.reports.tables import Entry, TableRow, TableView
from reno_store.studies import paper_value

__all__ = ["draw_svg", "make_claims", "make_comparisons", "make_figures", "make_views"]

COLUMNS = ("Estimator", "Models", "Accuracy", "Paper", "Difference", "Macro-F1", "n")


def make_views(study):
    """The paper's tables, one of each kind for each dataset and protocol."""
    views = []
    for dataset in study.request.datasets:
        for protocol in study.request.protocols:
            cells = list(study.select(dataset=dataset, protocol=protocol))
            for number, size in (("I", 1), ("II", 2)):
                chosen = [cell for cell in cells if len(cell.models) == size]
                best = max((cell.mean("accuracy") for cell in chosen if cell.computed), default=2)
                views.append(
                    TableView(
                        number,
                        f"Table {number}: {dataset}, protocol {protocol}",
                        dataset,
                        protocol,
                        COLUMNS,
                        tuple(_row(study, cell, best) for cell in chosen),
                        notes=("n counts the folds of all seeds.",),
                    )
                )
    return tuple(views)


def _row(study, cell, best):
    names = (Entry(cell.estimator), Entry(" + ".join(cell.models)))
    if not cell.computed:
        return TableRow(cell, (*names, *[Entry("")] * 5))
    letters = [study.model(name).letter for name in cell.models]
    mean = 100 * cell.mean("accuracy")
    paper = None
    if all(letters) and study.dataset(cell.dataset).paper_name:
        paper = paper_value(
            study.dataset(cell.dataset).paper_name, cell.estimator, letters, "accuracy"
        )
    return TableRow(
        cell,
        (
            *names,
            Entry(
                f"{mean:.1f} ± {100 * cell.sd('accuracy'):.1f}",
                mean,
                best=cell.mean("accuracy") == best,
            ),
            Entry("") if paper is None else Entry(f"{paper:.1f}", paper),
            Entry("") if paper is None else Entry(f"{mean - paper:+.1f}", mean - paper),
            Entry(f"{100 * cell.mean('macro_f1'):.1f}", 100 * cell.mean("macro_f1")),
            Entry(str(cell.n), cell.n),
        ),
    )


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
        "paired": True,
        "verdict": "undecided",
        "sentence": f"{first.estimator} scores {100 * difference:+.1f} points beside "
        f"{second.estimator} on {' + '.join(first.models)} ({first.dataset}, {first.protocol}); "
        "no difference may be concluded: the folds are compatible with anything between.",
    }
    return Comparison(kind=kind, first=first, second=second, **(values | others))


def make_claims(study):
    """The paper's three claims for each dataset and protocol."""
    titles = {
        "mamba-attention": "MAFM over AAFM",
        "cnn-fcn": "CNN over FCN",
        "reno-concat": "RENO over concatenation",
    }
    return tuple(
        Claim(
            kind,
            title,
            dataset,
            protocol,
            (),
            "not shown",
            f"{title} is not shown on {dataset} under {protocol}: 0 of 3 differences are clear.",
        )
        for kind, title in titles.items()
        for dataset in study.request.datasets
        for protocol in study.request.protocols
    )


def make_figures(study):
    """A confusion matrix and a wide plot for each dataset."""
    figures = []
    for dataset in study.datasets:
        cell = next(study.select(dataset=dataset.name, computed=True), None)
        if cell is None:
            continue
        figures += [
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
