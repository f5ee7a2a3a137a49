"""Draw the pictures of docs/gallery.md with the project's own commands.

    python publishing/pictures.py emogator.zarr reno-demo/embeddings.zarr

The first store needs the results of `tables`, the second those of `grid`; docs/gallery.md has the
commands. The picture of the page needs Chromium and is left as it is without one.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from PIL import Image

__all__ = ["PICTURES", "shrink"]

IMAGES = Path(__file__).parents[1] / "docs" / "images"
# Picture -> the figure of the report that it shows, as a pattern of its file name.
PICTURES = {
    "scores": "*-scores.png",
    "confusion": "*-confusion-*.png",
    "map": "*-map-whisper-base.png",
}
_GRID = (
    *("--model", "mfcc", "--model", "logmel", "--protocol", "speaker", "--folds", "4"),
    *("--beta", "1.5,2,3", "--delta", "0.05,0.2,0.8", "--lam", "0.2,0.4,0.8"),
)
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


def _reno_store(*words: str | Path) -> None:
    program = "import sys; from reno_cli.main import main; main()"
    subprocess.run([sys.executable, "-c", program, *map(str, words)], check=True)  # noqa: S603


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
@click.argument("study", type=click.Path(exists=True, path_type=Path))
@click.argument("grid", type=click.Path(exists=True, path_type=Path))
def main(study: Path, grid: Path) -> None:
    """Draw the pictures from the results of the stores STUDY and GRID."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _reno_store("report", study, "-o", folder / "page.html", "--figures", folder)
        for picture, pattern in PICTURES.items():
            shrink(sorted(folder.glob(pattern))[0], IMAGES / f"{picture}.png")
        _photograph(folder / "page.html", folder / "page.png")
        if (folder / "page.png").exists():
            shrink(folder / "page.png", IMAGES / "page.png")
        _reno_store("grid", grid, "synthetic", *_GRID, "--figure", folder / "surface.png")
        shrink(folder / "surface.png", IMAGES / "surface.png")


if __name__ == "__main__":
    main()
