"""``reno-store models``: the models that have a name, and how exact they are here."""

from __future__ import annotations

import json
from typing import Any

import click

from reno_cli.printing import print_wide

__all__ = ["models"]

_SOURCES = {
    "opensmile": "extra egemaps",
    "authors": "its authors, by hand: ssam:FOLDER",
}

_EXPLAINED = """
Errors are relative (norm of the difference over the norm), on eight synthetic clips of 0.3 to
4 s. "median error" and "largest" compare with float32, one clip at a time; "batch" compares all
clips in one batch with each alone, in the same precision. Clips/s are measured in one batch."""


@click.command(short_help="List the foundation models, or check them.")
@click.option(
    "--check",
    is_flag=True,
    help="Measure how much shorter precisions and batches change the embeddings.",
)
@click.option(
    "--model",
    "specs",
    multiple=True,
    metavar="SPEC",
    help="Model to check. May be repeated; all models on this machine by default.",
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    metavar="NAME",
    help="Precision to check: float32, bfloat16 or float16. May be repeated; all by default.",
)
@click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.", metavar="NAME"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(
    check: bool, specs: tuple[str, ...], precisions: tuple[str, ...], device: str, as_json: bool
) -> None:
    """List the models with a name, and whether their weights are on this machine.

    Other models: hf:REPO_OR_FOLDER is an audio encoder of transformers, ssam:FOLDER_OR_FILE an
    Audio-Mamba checkpoint.
    """
    if not check and (specs or precisions):
        raise click.UsageError("--model and --precision need --check.")
    rows = _checks(specs, precisions, device) if check else _catalogue()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        (_print_checks if check else _print_catalogue)(rows)


def _catalogue() -> list[dict[str, Any]]:
    from reno_store.foundation_models import CATALOGUE
    from reno_store.foundation_models.plugins import installed_models, package_of

    rows = [
        {
            "model": entry.name,
            "group": entry.group,
            "paper": entry.paper_letter,
            "description": entry.description,
            "dimension": entry.dim,
            "parameters": entry.n_parameters,
            "sample_rate_hz": entry.sample_rate_hz,
            "source": f"hf:{entry.location}"
            if entry.source == "hf"
            else _SOURCES.get(entry.source, entry.source),
            "licence": entry.licence,
            "trained_on": list(entry.trained_on),
            "on_this_machine": entry.is_on_this_machine,
        }
        for entry in CATALOGUE.values()
    ]
    return rows + [
        {
            "model": name,
            "group": "plugins",
            "source": f"package {package_of(offer)}",
            "on_this_machine": True,
        }
        for name, offers in installed_models().items()
        for offer in offers
    ]


def _checks(
    specs: tuple[str, ...], precisions: tuple[str, ...], device: str
) -> list[dict[str, Any]]:
    from dataclasses import asdict
    from functools import partial

    from reno_store.foundation_models import (
        CATALOGUE,
        PRECISIONS,
        check_precision,
        load_model,
        parse_model_specs,
    )
    from reno_store.foundation_models.checking import check_model
    from reno_store.foundation_models.plugins import installed_models
    from reno_store.runtime.devices import resolve_device

    device = resolve_device(device)
    chosen = [check_precision(precision) for precision in precisions] or PRECISIONS
    if not specs:
        here = [name for name, entry in CATALOGUE.items() if entry.is_on_this_machine]
        plugins = installed_models().items()
        unique = [name for name, offers in plugins if len(offers) == 1 and name not in CATALOGUE]
        specs = (*here, *unique)
    return [
        {"model": spec.name, "device": device, **asdict(checked)}
        for spec in parse_model_specs(specs)
        for checked in check_model(partial(load_model, spec, device=device, batched=True), chosen)
    ]


def _print_catalogue(rows: list[dict[str, Any]]) -> None:
    from reno_store.foundation_models.catalogue import GROUPS
    from reno_store.runtime.columns import FittedTable, TableColumn

    columns = [
        TableColumn("model", wraps=True),
        TableColumn("paper", spare=3),
        TableColumn("dimension", numeric=True, spare=1),
        TableColumn("parameters", numeric=True, spare=2),
        TableColumn("rate", numeric=True, spare=4),
        TableColumn("source", wraps=True, spare=5),
        TableColumn("licence", wraps=True),
        TableColumn("here"),
    ]
    lines = []
    for group, heading in {**GROUPS, "plugins": "plugins"}.items():
        members = [row for row in rows if row["group"] == group]
        if members:
            lines.append([heading, *[""] * (len(columns) - 1)])
            lines += map(_line, members)
    print_wide(FittedTable(columns, lines, elsewhere="--json"))
    _print_leakage(rows)


def _line(row: dict[str, Any]) -> list[str]:
    return [
        f"  {row['model']}",
        row.get("paper", ""),
        str(row.get("dimension", "")),
        f"{row['parameters'] / 1e6:.1f} M" if row.get("parameters") else "-",
        f"{row['sample_rate_hz'] / 1000:g} kHz" if "sample_rate_hz" in row else "",
        row["source"],
        row.get("licence", ""),
        "yes" if row["on_this_machine"] else "no",
    ]


def _print_leakage(rows: list[dict[str, Any]]) -> None:
    """Print one warning for all models that were trained on the same corpora."""
    models_of: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        if row.get("trained_on"):
            models_of.setdefault(tuple(row["trained_on"]), []).append(row["model"])
    click.echo("\nScores are too high on corpora that a model was trained on:")
    for corpora, models in models_of.items():
        text = f"{', '.join(models)}: {', '.join(corpora)}"
        click.echo(click.wrap_text(text, 78, initial_indent="  ", subsequent_indent="    "))


def _print_checks(rows: list[dict[str, Any]]) -> None:
    from reno_store.runtime.columns import FittedTable, TableColumn

    columns = [
        TableColumn("model", wraps=True),
        TableColumn("device", spare=2),
        TableColumn("precision"),
        TableColumn("median error", numeric=True),
        TableColumn("largest", numeric=True),
        TableColumn("batch", numeric=True),
        TableColumn("clips/s", numeric=True, spare=1),
    ]
    lines = [
        [
            row["model"],
            row["device"],
            row["precision"],
            *(f"{row[key]:.1e}" for key in ("median_error", "largest_error", "batch_error")),
            f"{row['clips_a_second']:.1f}",
        ]
        for row in rows
    ]
    print_wide(FittedTable(columns, lines, elsewhere="--json"))
    click.echo(_EXPLAINED)
    for model, why in {row["model"]: row["one_by_one_because"] for row in rows}.items():
        if why:
            click.echo(f"{model}: one clip at a time: {why}")
