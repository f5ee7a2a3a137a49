"""Run the notebooks and keep their outputs in them.

    python publishing/notebooks.py                       # all of notebooks/
    python publishing/notebooks.py notebooks/own-model.ipynb

Each runs in a temporary folder. Running times and other things that differ between runs are
not kept.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import click
import nbformat
from nbclient import NotebookClient

__all__ = ["FOLDER", "executed"]

FOLDER = Path(__file__).parents[1] / "notebooks"


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in a new kernel and return it with its outputs.

    Parameters
    ----------
    path : Path
        The notebook; it is not changed.
    folder : Path
        Where it runs and leaves its files.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises an error.
    """
    notebook = nbformat.read(path, as_version=4)
    # `!reno-store` finds the program next to this Python.
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
    )
    client.execute(env={**os.environ, "PATH": search})
    return notebook


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
def main(paths: tuple[Path, ...]) -> None:
    """Run the notebooks at PATHS, by default all, and write their outputs into them."""
    for path in paths or sorted(FOLDER.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            notebook = executed(path, Path(folder))
        nbformat.write(notebook, path)
        click.echo(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
