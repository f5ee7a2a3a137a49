"""``reno-store models``: the models that have a name, and how exact they are here."""

from __future__ import annotations

import json
from typing import Any

import click

from reno_cli.printing import print_wide

__all__ = ["models"]

_EXPLAINED = """
Relative errors of embeddings (norm of the difference over the norm) on eight synthetic clips of
0.3 to 4 s: against float32, one clip at a time; and, under batch, of all clips together against
each alone in the same precision. Clips/s are together."""


@click.command(short_help="List the foundation models, or check them.")
@click.option(
    "--check",
    is_flag=True,
    help="Measure how far shorter precisions and batches are from float32, one clip at a time.",
)
@click.option(
    "--model",
    "specs",
    multiple=True,
    metavar="SPEC",
    help="What to check; by default every model of the table that is on this machine.",
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    metavar="NAME",
    help="float32, bfloat16 or float16; what to check, by default all three.",
)
@click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.", metavar="NAME"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def models(
    check: bool, specs: tuple[str, ...], precisions: tuple[str, ...], device: str, as_json: bool
) -> None:
    """List the models that can be named, and whether their weights are on this machine.

    Besides these, hf:REPO_OR_FOLDER names any transformers encoder of the wav2vec 2.0 kind,
    and ssam:FOLDER_OR_FILE an Audio-Mamba checkpoint.
    """
    if not check and (specs or precisions):
        raise click.UsageError("--model and --precision say what to check; add --check.")
    rows = _checks(specs, precisions, device) if check else _catalogue()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        (_print_checks if check else _print_catalogue)(rows)


def _catalogue() -> list[dict[str, Any]]:
    from reno_store.foundation_models import CATALOGUE
    from reno_store.foundation_models.availability import is_on_this_machine
    from reno_store.foundation_models.plugins import installed_models, package_of

    rows = [
        {
            "model": entry.name,
            "paper": entry.paper_letter,
            "description": entry.description,
            "dimension": entry.dim,
            "parameters": entry.n_parameters,
            "sample_rate_hz": entry.sample_rate_hz,
            "source": f"hf:{entry.location}" if entry.source == "hf" else _source(entry.source),
            "licence": entry.licence,
            "on_this_machine": is_on_this_machine(entry),
        }
        for entry in CATALOGUE.values()
    ]
    for name, offers in installed_models().items():
        rows += [
            {"model": name, "source": f"package {package_of(offer)}", "on_this_machine": True}
            for offer in offers
        ]
    return rows


def _source(source: str) -> str:
    return {
        "built in": "built in",
        "opensmile": "extra egemaps",
        "authors": "its authors, by hand: ssam:FOLDER",
    }[source]


def _print_catalogue(rows: list[dict[str, Any]]) -> None:
    from reno_store.runtime.columns import FittedTable, TableColumn

    columns = [
        TableColumn("model", wraps=True),
        TableColumn("paper", spare=3),
        TableColumn("dimension", numeric=True, spare=1),
        TableColumn("parameters", numeric=True, spare=2),
        TableColumn("rate", numeric=True, spare=5),
        TableColumn("source", wraps=True),
        TableColumn("licence", wraps=True, spare=4),
        TableColumn("here"),
    ]
    lines = []
    for row in rows:
        rate_hz, parameters = row.get("sample_rate_hz"), row.get("parameters")
        lines.append(
            [
                row["model"],
                row.get("paper", ""),
                str(row.get("dimension", "")),
                f"{parameters / 1e6:.1f} M" if parameters else "-",
                f"{rate_hz / 1000:g} kHz" if rate_hz else "",
                row["source"],
                row.get("licence", ""),
                "yes" if row["on_this_machine"] else "no",
            ]
        )
    print_wide(FittedTable(columns, lines, elsewhere="--json"))


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
    from reno_store.foundation_models.availability import is_on_this_machine
    from reno_store.foundation_models.checking import check_model
    from reno_store.foundation_models.plugins import installed_models
    from reno_store.runtime.devices import resolve_device

    device = resolve_device(device)
    asked = [check_precision(precision) for precision in precisions] or PRECISIONS
    here = [name for name, entry in CATALOGUE.items() if is_on_this_machine(entry)]
    rows = []
    here += [
        name
        for name, offers in installed_models().items()
        if len(offers) == 1 and name not in CATALOGUE
    ]
    for spec in parse_model_specs(specs or here):
        load = partial(load_model, spec, device=device, batched=True)
        for checked in check_model(load, asked):
            rows.append({"model": spec.name, "device": device, **asdict(checked)})
    return rows


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
