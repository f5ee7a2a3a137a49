"""``reno-store push``: a recognizer's folder -> the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["push"]


@click.command(short_help="Publish a recognizer on the Hugging Face hub.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("repository", metavar="OWNER/NAME[@BRANCH]")
@click.option("--private", is_flag=True, help="Make the new repository private.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME=SPEC",
    help="Where others find a foundation model that is in a folder of this machine. It must have "
    "the same weights. Repeatable.",
)
def push(folder: Path, repository: str, private: bool, models: tuple[str, ...]) -> None:
    """Publish what `reno-store train` wrote into FOLDER, for `reno-store predict hf:OWNER/NAME`.

    Only the files of the recognizer are uploaded. The token of `hf auth login` is used. The
    repository and the branch are created if they do not exist.
    """
    from reno_store.recognition.hub import HubPlace
    from reno_store.recognition.targets import check_source

    place = HubPlace.parse(repository)
    check_source(folder)
    # After the checks: these imports take seconds.
    from huggingface_hub import constants

    from reno_store.recognition import push_recognizer

    click.echo(push_recognizer(folder, repository, private=private, models=models))
    click.echo(f"page: {constants.ENDPOINT}/{place.repository}", err=True)
    click.echo(f"next: reno-store predict {place} RECORDING ...", err=True)
