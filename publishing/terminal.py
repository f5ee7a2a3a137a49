"""Record a terminal session: real commands, real output, as an animated SVG.

    python publishing/terminal.py docs/images/terminal.svg

The commands run on the demo's recordings, and two new ones, in a temporary folder. The SVG loads
no font and no script. Where a reader prefers less motion, and where SVG animations are not
played, it shows the whole session at once.
"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import soundfile
from rich.console import Console
from rich.text import Text

from reno_store.demo import build_demo_store
from reno_store.demo.voice import synthesize

__all__ = ["COMMANDS", "drawn", "run_in_terminal"]

COMMANDS = (
    "head -3 mine.csv",
    "reno-store build mine.csv --model mfcc --model logmel --store mine.zarr",
    "reno-store evaluate mine.zarr mine --model mfcc --model logmel --protocol speaker"
    " --estimator logreg",
    "reno-store train mine.zarr mine --model mfcc --model logmel --estimator logreg -o voices",
    "reno-store predict voices new",
)
_SAMPLE_RATE_HZ = 16_000
_COLUMNS = 96
_TYPING_S, _PAUSE_S, _LINE_S = 0.9, 1.2, 0.05

# rich's own frame, without its fonts from another host.
_FRAME = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
text {{ font: 20px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
@keyframes appear {{ from {{ opacity: 0 }} to {{ opacity: 1 }} }}
@media (prefers-reduced-motion: no-preference) {{
  .line {{ animation: appear 1ms both; animation-delay: var(--at) }}
}}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">\
<rect width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def run_in_terminal(command: str, folder: Path) -> str:
    """Run a command with a terminal as its standard output.

    Parameters
    ----------
    command : str
        A line of shell.
    folder : Path
        Where it runs.

    Returns
    -------
    str
        What it printed, with the terminal's colours.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails.
    """
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    size = {"COLUMNS": str(_COLUMNS), "LINES": "50", "TERM": "xterm-256color"}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S602
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, **size, "PATH": search},
        stdout=theirs,
        # Progress bars overwrite themselves.
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    shown = b""
    while block := _read(ours):
        shown += block
    os.close(ours)
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command, shown)
    # Some commands print whole paths; the folder's name differs from run to run.
    return shown.decode().replace("\r\n", "\n").replace(f"{folder}{os.sep}", "")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # on Linux, the end
        return b""


def drawn(session: list[tuple[str, str]], title: str) -> str:
    """Return a session as an SVG.

    Parameters
    ----------
    session : list of (str, str)
        Each command, and what it printed.
    title : str
        Title of the window.
    """
    console = Console(record=True, file=io.StringIO(), width=_COLUMNS, force_terminal=True)
    starts: list[float] = []
    now = 0.0
    for command, output in session:
        typed = Text.assemble(("$ ", "bold green"), (command, "bold"))
        lines = [*typed.wrap(console, _COLUMNS), *Text.from_ansi(output.rstrip("\n")).split()]
        for number, line in enumerate([*lines, Text("")]):
            console.print(line, no_wrap=True, crop=True)
            starts.append(now)
            now += _TYPING_S if number == 0 else _LINE_S
        now += _PAUSE_S
    svg = console.export_svg(title=title, code_format=_FRAME, unique_id="terminal")

    def timed(found: re.Match[str]) -> str:
        start = starts[min(int(found[1]), len(starts) - 1)]
        return f'{found[0]} style="--at:{start:.2f}s"'.replace('class="', 'class="line ', 1)

    return re.sub(r'<text class="[^>]*clip-path="url\(#terminal-line-(\d+)\)"', timed, svg)


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
def main(output: Path) -> None:
    """Run the session and write it to OUTPUT."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_demo_store(folder, progress=False)
        (folder / "synthetic.csv").rename(folder / "mine.csv")
        # Two clips that the demo does not have.
        (folder / "new").mkdir()
        for number, label in enumerate(("happiness", "sadness"), start=1):
            waveform = synthesize(label, "s1", 50, _SAMPLE_RATE_HZ)
            soundfile.write(folder / "new" / f"{number}.wav", waveform, _SAMPLE_RATE_HZ)
        session = [(command, run_in_terminal(command, folder)) for command in COMMANDS]
    output.write_text(drawn(session, "reno-store"), "utf-8")
    click.echo(f"{output}: {output.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
