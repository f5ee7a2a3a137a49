"""Search over β, δ and λ of RENO, and check whether the search found anything.

A grid search always has a winner. This script uses speaker-disjoint folds, draws the scores as
heat maps (β by δ, one per λ, the paper's values framed), and compares the spread of the means
over the grid with the spread of the scores over the folds.

    python examples/grid_surface.py --jobs 2             # the demo's store, 2 to 3 minutes
    python examples/grid_surface.py mine.zarr --dataset mine --model mfcc --model logmel

It writes into --output:

    grid.csv               mean, standard deviation and all folds of each point
    surface.png, .pdf      the heat maps
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import reno_store as rs

PAPER = {"beta": 2.0, "delta": 0.2, "lam": 0.4}
SYMBOLS = {"beta": "β", "delta": "δ", "lam": "λ"}


def _numbers(ctx: click.Context, param: click.Parameter, value: str) -> list[float]:
    """Return the numbers of a comma-separated list, sorted."""
    try:
        return sorted({float(each) for each in value.split(",")})
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: expected numbers such as 0.1,0.2") from error


@click.command()
@click.argument(
    "store", type=click.Path(exists=True, path_type=Path), default="reno-demo/embeddings.zarr"
)
@click.option("--dataset", help="Name of the dataset; by default the store's first.")
@click.option(
    "--model",
    "models",
    multiple=True,
    default=("mfcc", "logmel"),
    show_default=True,
    help="Model to fuse. May be repeated.",
)
@click.option("--beta", default="1.5,2,3", show_default=True, callback=_numbers, help="β, above 1.")
@click.option("--delta", default="0.05,0.2,0.8", show_default=True, callback=_numbers, help="δ.")
@click.option("--lam", default="0.2,0.4,0.8", show_default=True, callback=_numbers, help="λ.")
@click.option("--folds", "n_folds", default=4, show_default=True, help="Number of folds.")
@click.option("--epochs", default=20, show_default=True, help="Maximum number of epochs.")
@click.option("--seed", default=0, show_default=True, help="Seed of folds and training.")
@click.option(
    "--jobs", "n_jobs", default=1, show_default=True, help="Number of parallel processes."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default="grid-surface",
    show_default=True,
    help="Folder for the results.",
)
def main(
    store: Path,
    dataset: str | None,
    models: tuple[str, ...],
    beta: list[float],
    delta: list[float],
    lam: list[float],
    n_folds: int,
    epochs: int,
    seed: int,
    n_jobs: int,
    output: Path,
) -> None:
    """Search over β, δ and λ on the embeddings in STORE."""
    opened = rs.open_store(store)
    samples = opened.load(dataset or opened.datasets[0], models)
    classifier = make_pipeline(
        StandardScaler(),
        rs.RENOClassifier(block_sizes=samples.block_sizes, max_epochs=epochs, random_state=seed),
    )
    values = {"beta": beta, "delta": delta, "lam": lam}
    n_points = len(beta) * len(delta) * len(lam)
    click.echo(f"{n_points} points of the grid, {n_folds} speaker-disjoint folds")
    search = GridSearchCV(
        classifier,
        {f"renoclassifier__{name}": each for name, each in values.items()},
        cv=rs.ProtocolSplitter("speaker", n_folds, seed),
        scoring="accuracy",
        n_jobs=n_jobs,
        refit=False,
    )
    search.fit(samples.X, samples.y, groups=samples.groups)

    grid = as_table(search.cv_results_, n_folds)
    output.mkdir(parents=True, exist_ok=True)
    grid.to_csv(output / "grid.csv", index=False)
    print_findings(grid, n_folds)
    figure = draw(grid, values)
    figure.savefig(output / "surface.png", dpi=200)
    figure.savefig(output / "surface.pdf")
    click.echo(f"written: {output / 'grid.csv'}, {output / 'surface.png'}, .pdf")


def as_table(results: dict[str, np.ndarray], n_folds: int) -> pd.DataFrame:
    """Return one row per point: beta, delta, lam, mean, sd (n - 1) and folds, in per cent."""
    folds = np.array([100 * results[f"split{fold}_test_score"] for fold in range(n_folds)]).T
    table = pd.DataFrame(
        {name: np.asarray(results[f"param_renoclassifier__{name}"], float) for name in PAPER}
    )
    table["mean"], table["sd"] = folds.mean(axis=1), folds.std(axis=1, ddof=1)
    for fold in range(n_folds):
        table[f"fold_{fold + 1}"] = folds[:, fold]
    return table


def is_paper(table: pd.DataFrame) -> pd.Series:
    """Return which points are the paper's."""
    return pd.Series(
        np.logical_and.reduce([np.isclose(table[name], value) for name, value in PAPER.items()]),
        index=table.index,
    )


def print_findings(grid: pd.DataFrame, n_folds: int) -> None:
    """Print the best point, the spread over the grid and over the folds, and a conclusion."""
    best = grid.loc[grid["mean"].idxmax()]
    click.echo(f"best:   {_point(best)}: {best['mean']:.1f} ± {best['sd']:.1f} % accuracy")
    folds = [f"fold_{fold + 1}" for fold in range(n_folds)]
    if is_paper(grid).any():
        paper = grid[is_paper(grid)].iloc[0]
        difference = (best[folds] - paper[folds]).astype(float)
        click.echo(f"paper:  {_point(paper)}: {paper['mean']:.1f} ± {paper['sd']:.1f} %")
        click.echo(
            f"best minus paper, over the same folds: {difference.mean():+.1f} points; better in "
            f"{(difference > 0).sum()} of {n_folds} folds"
        )
    else:
        click.echo("the paper's point (β 2, δ 0.2, λ 0.4) is not in the grid")
    over_grid, over_folds = grid["mean"].max() - grid["mean"].min(), grid["sd"].mean()
    click.echo(f"spread over the grid, best mean minus worst: {over_grid:.1f} points")
    click.echo(f"spread over the folds, mean standard deviation: {over_folds:.1f} points")
    if over_grid <= over_folds:
        click.echo(
            "The spread over the grid is within the spread over the folds: this grid says "
            "nothing about which values are better. Keep the paper's."
        )
    else:
        click.echo(
            "The spread over the grid exceeds the spread over the folds. The best was chosen on "
            "these folds, so its score is too good: try it with another --seed before you "
            "believe it."
        )


def draw(grid: pd.DataFrame, values: dict[str, list[float]]) -> Figure:
    """Draw β by δ for each λ, on one colour scale that is safe for colour-blind readers."""
    n_panels = len(values["lam"])
    figure = Figure(figsize=(1.2 + 2.4 * n_panels, 3.0), layout="constrained")
    axes = figure.subplots(1, n_panels, squeeze=False, sharey=True)[0]
    low, high = grid["mean"].min(), grid["mean"].max()
    marked = grid[is_paper(grid)]
    for axis, lam in zip(axes, values["lam"], strict=True):
        panel = grid[np.isclose(grid["lam"], lam)]
        means = panel.pivot(index="delta", columns="beta", values="mean").to_numpy()
        image = axis.imshow(means, cmap="cividis", vmin=low, vmax=high, origin="lower")
        for (row, column), mean in np.ndenumerate(means):
            # White on the dark half of the scale, black on the bright.
            bright = mean > (low + high) / 2
            axis.text(
                column,
                row,
                f"{mean:.1f}",
                ha="center",
                va="center",
                color="black" if bright else "white",
            )
        if not marked.empty and np.isclose(lam, PAPER["lam"]):
            column, row = (_place(values[name], PAPER[name]) for name in ("beta", "delta"))
            # Inside its cell, so that the edge of the map does not clip it.
            corner = (column - 0.44, row - 0.44)
            for colour, width in (("white", 4.5), ("black", 2.5)):
                axis.add_patch(Rectangle(corner, 0.88, 0.88, fill=False, ec=colour, lw=width))
            bright = means[row, column] > (low + high) / 2
            axis.text(
                column,
                row - 0.3,
                "paper",
                ha="center",
                va="center",
                fontsize="x-small",
                color="black" if bright else "white",
            )
        axis.set_title(f"λ = {lam:g}", fontsize="medium")
        axis.set_xticks(range(len(values["beta"])), [f"{each:g}" for each in values["beta"]])
        axis.set_yticks(range(len(values["delta"])), [f"{each:g}" for each in values["delta"]])
        axis.set_xlabel("β")
    axes[0].set_ylabel("δ")
    figure.colorbar(image, ax=axes, label="accuracy, % (mean over folds)")
    return figure


def _place(numbers: list[float], value: float) -> int:
    return int(np.argmin(np.abs(np.array(numbers) - value)))


def _point(row: pd.Series) -> str:
    return ", ".join(f"{SYMBOLS[name]} {row[name]:g}" for name in PAPER)


if __name__ == "__main__":
    main()
