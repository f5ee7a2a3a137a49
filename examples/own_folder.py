"""From a folder of recordings to a table, and to the clips that classifiers get wrong.

The recordings lie in folders named by what they express, and their names tell who is heard:
``laughter/ann-1.wav``. This script lists them, embeds them with two models that need no
download, cross-validates classifiers with and without the test's speakers in training, and
names the labels and clips that are most often taken for something else.

    python examples/own_folder.py                        # the demo's recordings
    python examples/own_folder.py ../recordings --speaker-pattern '(?P<speaker>[^_]+)_'

Run again, it embeds nothing anew. It writes into --output:

    mine.csv               the manifest, with the speakers
    mine.zarr              the store
    scores.csv             the table, a row for each fold
    confused-clips.csv     each clip that was mistaken, how often, and for what
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import click
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import reno_store as rs

MODELS = ("mfcc", "logmel")


@click.command()
@click.argument(
    "folder", type=click.Path(exists=True, path_type=Path), default="reno-demo/recordings"
)
@click.option(
    "--speaker-pattern",
    default="(?P<speaker>[^-]+)-",
    show_default=True,
    help="A regular expression for the beginning of a file's name; its group 'speaker' is who "
    "is heard.",
)
@click.option(
    "--estimator",
    "estimators",
    multiple=True,
    default=("fcn", "reno", "logreg"),
    show_default=True,
    help="As for reno-store evaluate. Repeatable.",
)
@click.option("--folds", "n_folds", default=5, show_default=True, help="How many folds.")
@click.option("--repeats", default=5, show_default=True, help="How often each clip is predicted.")
@click.option("--jobs", "n_jobs", default=1, show_default=True, help="Processes over the folds.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default="own-folder",
    show_default=True,
    help="A folder for what is written.",
)
def main(
    folder: Path,
    speaker_pattern: str,
    estimators: tuple[str, ...],
    n_folds: int,
    repeats: int,
    n_jobs: int,
    output: Path,
) -> None:
    """Go from a FOLDER of recordings, in folders named by label, to scores and mistakes."""
    output.mkdir(parents=True, exist_ok=True)
    manifest, audio_folder = list_recordings(folder, speaker_pattern, output / "mine.csv")
    clips = manifest.clips
    click.echo(
        f"{len(clips)} clips, {len(manifest.label_counts)} labels, "
        f"{len(manifest.speakers)} speakers"
    )
    report = rs.build_store(
        output / "mine.csv", output / "mine.zarr", MODELS, audio_folder=audio_folder, device="cpu"
    )
    for model in report.models:
        click.echo(f"{model.model}: {model.n_new} new, {model.n_reused} reused")
        for failure in model.failures:
            click.echo(f"failed: {failure.clip_id}: {failure.reason}")

    protocols = ["paper"]
    if all(clip.speaker for clip in clips):
        protocols.append("speaker")
    else:
        click.echo("not every clip's speaker is known, so no folds can be speaker-disjoint")
    study = rs.evaluate_store(
        output / "mine.zarr",
        "mine",
        models=MODELS,
        estimators=estimators,
        protocols=protocols,
        n_folds=n_folds,
        n_jobs=n_jobs,
        missing="drop",
    )
    show_scores(study, output / "scores.csv")
    samples = rs.open_store(output / "mine.zarr").load("mine", MODELS, missing="drop")
    # The strictest folds that the recordings allow: what is wrong there is wrong for strangers.
    show_mistakes(samples, protocols[-1], n_folds, repeats, n_jobs, output / "confused-clips.csv")


def list_recordings(
    folder: Path, speaker_pattern: str, manifest: Path
) -> tuple[rs.Manifest, Path | None]:
    """Write a manifest with the speakers that the files' names tell.

    Gives the manifest, and the folder that a build must be told where the recordings do not
    lie below the manifest.
    """
    made = rs.make_manifest("folders", folder, manifest, replace_existing=True)
    clips = []
    for clip in made.manifest.clips:
        found = re.match(speaker_pattern, Path(clip.path).name)
        clips.append(replace(clip, speaker=found["speaker"] if found else ""))
    rs.write_manifest(manifest, clips)
    return rs.read_manifest(manifest, audio_folder=made.audio_folder), made.audio_folder


def show_scores(study: rs.Study, path: Path) -> None:
    """Print mean and standard deviation over folds, and write each fold's scores."""
    (facts,) = study.datasets
    click.echo(f"\nalways guessing one label gives {100 * facts.majority:.1f} % accuracy")
    click.echo(f"{'protocol':<10}{'estimator':<11}{'models':<15}{'accuracy':>13}{'macro-F1':>13}")
    for cell in study.cells:
        accuracy, macro_f1 = (
            f"{100 * cell.mean(metric):.1f} ± {100 * cell.sd(metric):.1f}"
            for metric in ("accuracy", "macro_f1")
        )
        models = " + ".join(cell.models)
        click.echo(
            f"{cell.protocol:<10}{cell.estimator:<11}{models:<15}{accuracy:>13}{macro_f1:>13}"
        )
    columns = ["protocol", "estimator", "models", "fold", "accuracy", "macro_f1"]
    study.to_frame(folds=True)[columns].to_csv(path, index=False)


def show_mistakes(
    samples: rs.Samples, protocol: str, n_folds: int, repeats: int, n_jobs: int, path: Path
) -> None:
    """Predict each clip by classifiers that did not see it, and say what they take it for.

    Logistic regression on both models, since it is quick enough to be repeated with folds
    made by other seeds.
    """
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2_000))
    taken_for: dict[str, Counter[str]] = {clip_id: Counter() for clip_id in samples.clip_ids}
    for seed in range(repeats):
        predicted = cross_val_predict(
            classifier,
            samples.X,
            samples.y,
            groups=samples.groups,
            cv=rs.ProtocolSplitter(protocol, n_folds, seed),
            n_jobs=n_jobs,
        )
        for clip_id, label in zip(samples.clip_ids, predicted, strict=True):
            taken_for[clip_id][label] += 1

    labels, clips = Counter[tuple[str, str]](), []
    for clip_id, true in zip(samples.clip_ids, samples.y, strict=True):
        wrong = Counter({label: n for label, n in taken_for[clip_id].items() if label != true})
        if not wrong:
            continue
        for label, count in wrong.items():
            labels[true, label] += count
        mostly = wrong.most_common(1)[0][0]
        clips.append((clip_id, true, wrong.total(), repeats, mostly))
    # Ties in the order of the store, so that the same recordings give the same list.
    clips.sort(key=lambda row: -row[2])
    columns = ["clip_id", "label", "times_wrong", "times", "mostly_taken_for"]
    pd.DataFrame(clips, columns=columns).to_csv(path, index=False)

    click.echo(f"\nlogistic regression, protocol {protocol}, {repeats} times with other folds:")
    click.echo(f"{len(clips)} of {len(samples.y)} clips are mistaken at least once")
    click.echo("labels most often confused:")
    for (true, label), count in labels.most_common(5):
        share = 100 * count / (repeats * (samples.y == true).sum())
        click.echo(f"  {true} taken for {label}: {share:.0f} % of the times")
    click.echo("clips most often confused:")
    for clip_id, _, times_wrong, _, mostly in clips[:5]:
        click.echo(f"  {clip_id}: {times_wrong} of {repeats} times, mostly for {mostly}")


if __name__ == "__main__":
    main()
