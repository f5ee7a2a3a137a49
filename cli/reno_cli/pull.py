"""``reno-store pull``: a recognizer on the Hugging Face hub -> a folder."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["pull"]


@click.command(short_help="Copy a recognizer from the Hugging Face hub.")
@click.argument("repository", metavar="OWNER/NAME[@REVISION]")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a recognizer that is there.")
def pull(repository: str, folder: Path, force: bool) -> None:
    """Copy a recognizer from the Hugging Face hub into FOLDER, checked.

    REVISION is a branch, tag or commit. `reno-store predict hf:OWNER/NAME` needs no folder.
    """
    from reno_store.recognition.hub import HubPlace
    from reno_store.recognition.targets import check_target

    HubPlace.parse(repository)
    check_target(folder, overwrite=force)
    # After the checks: these imports take seconds.
    from reno_store.recognition import pull_recognizer

    click.echo(pull_recognizer(repository, folder, overwrite=force))
    click.echo(f"next: reno-store predict {click.format_filename(folder)} RECORDING ...", err=True)
