"""Run the notebooks and keep their outputs in them.

    python publishing/notebooks.py                       # all of notebooks/
    python publishing/notebooks.py notebooks/own-model.ipynb

Each runs in a temporary folder. Pictures are kept with a palette, which makes them small.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import tempfile
from pathlib import Path

import click
import nbformat
from nbclient import NotebookClient
from PIL import Image

__all__ = ["FOLDER", "executed"]

FOLDER = Path(__file__).parents[1] / "notebooks"

# transformers looks for Jupyter's progress bars, which the notebooks do not need.
_WARNINGS = "ignore:IProgress not found"
_N_COLOURS = 64


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
    # The program `reno-store` is next to this Python.
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
    )
    client.execute(env={**os.environ, "PATH": search, "PYTHONWARNINGS": _WARNINGS})
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "text" in output:  # the folder's name differs from run to run
                output["text"] = output["text"].replace(f"{folder}{os.sep}", "")
            if picture := output.get("data", {}).get("image/png"):
                output["data"]["image/png"] = _small(picture)
    return notebook


def _small(picture: str) -> str:
    """Return a PNG, in base64, with a palette."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    written = io.BytesIO()
    image.quantize(_N_COLOURS, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return base64.b64encode(written.getvalue()).decode()


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
