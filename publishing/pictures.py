"""Make the pictures of docs/gallery.md from what the project's own commands have written.

    python publishing/pictures.py emogator.zarr report.html surface.png

docs/gallery.md has the commands that write the three: `tables` and `report` for the first two,
`grid --figure` for the third. Nothing is trained. The picture of the page needs Chromium, and is
left as it is without one.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import click
from PIL import Image

import reno_store as rs

__all__ = ["PICTURES", "shrink"]

IMAGES = Path(__file__).parents[1] / "docs" / "images"
PICTURES = ("scores", "confusion", "page", "surface")
_WIDEST_PX = 1400


def shrink(
    source: Path, target: Path, *, widest_px: int = _WIDEST_PX, n_colours: int = 128
) -> None:
    """Write a picture as a small PNG with a palette.

    Parameters
    ----------
    source, target : Path
        The picture, and the PNG to write.
    widest_px : int
        Wider pictures are made this wide.
    n_colours : int
        Number of colours, at most 256.
    """
    picture = Image.open(source).convert("RGB")
    if picture.width > widest_px:
        height = round(picture.height * widest_px / picture.width)
        picture = picture.resize((widest_px, height), Image.Resampling.LANCZOS)
    picture = picture.quantize(n_colours, dither=Image.Dither.NONE)
    picture.save(target, optimize=True)
    click.echo(f"{target}: {target.stat().st_size / 1000:.0f} kB")


def _photograph(page: Path, target: Path) -> None:
    """Write what a browser shows of a page without scrolling, 1280 pixels wide."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        click.echo(f"{target}: not drawn, because there is no Chromium", err=True)
        return
    flags = ["--headless=new", "--no-sandbox", "--hide-scrollbars", "--window-size=1280,900"]
    shot = f"--screenshot={target}"
    subprocess.run(  # noqa: S603
        [browser, *flags, shot, page.resolve().as_uri()], check=True, capture_output=True
    )


@click.command()
@click.argument("store", type=click.Path(exists=True, path_type=Path))
@click.argument("page", type=click.Path(exists=True, path_type=Path))
@click.argument("surface", type=click.Path(exists=True, path_type=Path))
def main(store: Path, page: Path, surface: Path) -> None:
    """Make the pictures from the last study of STORE, its report PAGE, and the map SURFACE."""
    study = rs.recall_study(store)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for picture, display in (
            ("scores", study.plot_scores()),
            ("confusion", study.plot_confusion()),
        ):
            display.figure_.savefig(folder / "drawn.png", dpi=200)
            shrink(folder / "drawn.png", IMAGES / f"{picture}.png")
        shrink(surface, IMAGES / "surface.png")
        _photograph(page, folder / "page.png")
        if (folder / "page.png").exists():
            shrink(folder / "page.png", IMAGES / "page.png")


if __name__ == "__main__":
    main()
