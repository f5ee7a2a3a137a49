# ruff: noqa: T201
"""Extraction compared with its peers: the same clips, the same weights, one run.

Four ways to pooled embeddings from a transformers encoder:

- ``per clip``: the loop that everybody writes, a feature extractor and an encoder on one clip at
  a time; right, and the reference for errors;
- ``padded``: batches of similar lengths as the feature extractor pads them, mean over the frames
  of each clip; wrong where padding reaches them (the group norm of wav2vec 2.0, for example);
- ``ours``: what ``reno-store build`` does on this device;
- ``ours, batched``: the exact batch, which is what ours is on a GPU; where a family cannot share
  batches it is ``ours`` again, and left out.

Random weights in base size, written to disk and read back through the same path as real ones.
Times are medians over rounds in which every competitor has one turn. On a shared machine, CPU
seconds vary less than seconds.

    python benchmarks/extraction.py
    python benchmarks/extraction.py --family wavlm,whisper,whisper-clip --clips 64 --rounds 5
    python benchmarks/extraction.py --device cuda --clips 512 --precisions float32 bfloat16
    python benchmarks/extraction.py --model "hf:FOLDER?context=clip" --audio FOLDER

The comparison with the sequential scan of Audio-Mamba (benchmarks/scan.py) runs at the end, unless
--no-scan is given.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from plain_encoders import FAMILIES, PlainFamily, family_of, write_encoder

from reno_store.corpora.audio import read_duration_s, read_waveform
from reno_store.extraction.planning import default_batch_seconds, plan_batches
from reno_store.foundation_models import FoundationModel, load_model
from reno_store.foundation_models.inference import computing_in
from reno_store.runtime.devices import resolve_device

Rows = NDArray[np.float32]


def make_clips(n_clips: int, rate_hz: int) -> list[Rows]:
    """Make noises of 0.3 to 10 seconds, most of them short, as vocalizations are."""
    random = np.random.default_rng(0)
    seconds = 0.3 + 9.7 * random.beta(1.2, 3.5, n_clips)
    return [
        random.normal(0, 0.1, int(duration_s * rate_hz)).astype(np.float32)
        for duration_s in seconds
    ]


def read_clips(folder: Path, n_clips: int, rate_hz: int) -> list[Rows]:
    """Read recordings, as many as asked for, spread over the folder."""
    paths = sorted(path for path in folder.rglob("*") if not np.isnan(read_duration_s(path)))
    step = max(1, len(paths) // n_clips)
    return [read_waveform(path, rate_hz) for path in paths[::step][:n_clips]]


class Plain:
    """The loop that everybody writes, and batches as the feature extractor pads them."""

    def __init__(self, folder: Path, family: PlainFamily, device: str, precision: str) -> None:
        import transformers

        self._extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
        model = getattr(transformers, family.model_class).from_pretrained(
            folder, dtype=torch.float32
        )
        self._encoder = family.part(model).eval().to(device)
        self._family, self._device, self._precision = family, device, precision

    def embed(self, clips: list[Rows]) -> Rows:
        """Embed one clip at a time."""
        return self.embed_padded(clips, [[index] for index in range(len(clips))])

    def embed_padded(self, clips: list[Rows], batches: list[list[int]]) -> Rows:
        """Embed padded batches."""
        rows: dict[int, Rows] = {}
        with computing_in(self._precision, self._device), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for batch in batches:
                lengths = [len(clips[index]) for index in batch]
                hidden = self._family.run(self._encoder, self._inputs(clips, batch), lengths)
                pooled = [
                    self._family.covered(self._encoder, states, n_samples).float().mean(0)
                    for states, n_samples in zip(hidden, lengths, strict=True)
                ]
                rows.update(zip(batch, torch.stack(pooled).cpu().numpy(), strict=True))
        return np.stack([rows[index] for index in range(len(clips))])

    def _inputs(self, clips: list[Rows], batch: list[int]) -> Any:
        asked: dict[str, Any] = {"return_tensors": "pt"}
        if len(batch) > 1 and self._family.pads_waveforms:
            asked |= {"padding": True, "return_attention_mask": True}
        rate_hz = self._extractor.sampling_rate
        waveforms = [clips[index] for index in batch]
        return self._extractor(waveforms, sampling_rate=rate_hz, **asked).to(self._device)


def embed_in(model: FoundationModel, clips: list[Rows], batches: list[list[int]]) -> Rows:
    """Embed batch by batch, as a build does."""
    rows: dict[int, Rows] = {}
    for batch in batches:
        rows.update(zip(batch, model.embed([clips[index] for index in batch]), strict=True))
    return np.stack([rows[index] for index in range(len(clips))])


def compete(
    competitors: dict[str, Callable[[], Rows]], n_rounds: int, device: str
) -> tuple[dict[str, tuple[float, float]], dict[str, Rows]]:
    """Return each competitor's median seconds and CPU seconds, and what it computed."""
    embeddings = {name: run() for name, run in competitors.items()}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in competitors}
    for _ in range(n_rounds):
        for name, run in competitors.items():
            if device != "cpu":
                torch.cuda.synchronize()
            begun = time.perf_counter(), time.process_time()
            run()
            taken[name].append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
    medians = {
        name: (statistics.median(wall for wall, _ in times), statistics.median(c for _, c in times))
        for name, times in taken.items()
    }
    return medians, embeddings


def bench(
    name: str, family: PlainFamily, folder: Path, arguments: argparse.Namespace, precision: str
) -> str:
    """Compare on one encoder in one precision; return a line of the summary."""
    device = arguments.device
    spec = f"it=hf:{folder}{family.spec}"
    ours = load_model(spec, device=device, precision=precision)
    batched = load_model(spec, device=device, precision=precision, batched=True)
    rate_hz = ours.sample_rate_hz
    if arguments.audio:
        clips = read_clips(arguments.audio, arguments.clips, rate_hz)
    else:
        clips = make_clips(arguments.clips, rate_hz)
    seconds = np.array([len(clip) / rate_hz for clip in clips])
    batch_seconds = arguments.batch_seconds or default_batch_seconds(device)
    everything = np.ones(len(clips), bool)
    batches = plan_batches(seconds, everything, batch_seconds)
    handed_over = plan_batches(seconds, everything, batch_seconds, padded=device != "cpu")
    padded_seconds = sum(len(batch) * seconds[batch].max() for batch in batches)
    plain = Plain(folder, family, device, precision)
    competitors = {
        "per clip": lambda: plain.embed(clips),
        "ours": lambda: embed_in(ours, clips, handed_over),
    }
    if not arguments.loop_only:
        competitors["padded"] = lambda: plain.embed_padded(clips, batches)
        if not getattr(batched, "one_by_one_because", ""):
            competitors["ours, batched"] = lambda: embed_in(batched, clips, batches)
    taken, rows = compete(competitors, arguments.rounds, device)
    print(
        f"\n{name}, {precision}, {device}: {len(clips)} clips, {seconds.sum():.0f} s "
        f"of audio ({seconds.min():.1f} to {seconds.max():.1f} s), {len(batches)} batches, "
        f"{100 * (padded_seconds / seconds.sum() - 1):.1f} % padding"
    )
    print(
        f"{'':16}{'seconds':>9}{'CPU s':>8}{'clips/s':>9}{'x real time':>13}"
        f"{'ours is faster':>16}{'(CPU)':>9}{'rel. error: median':>20}{'largest':>10}"
    )
    expected = rows["per clip"]
    for competitor, found in rows.items():
        differences = np.linalg.norm(found - expected, axis=1)
        errors = differences / np.linalg.norm(expected, axis=1)
        wall, cpu = taken[competitor]
        ratio, cpu_ratio = wall / taken["ours"][0], cpu / taken["ours"][1]
        print(
            f"  {competitor:14}{wall:9.2f}{cpu:8.2f}{len(clips) / wall:9.1f}"
            f"{seconds.sum() / wall:13.1f}{ratio:14.2f} x{cpu_ratio:7.2f} x"
            f"{np.median(errors):20.1e}{errors.max():10.1e}",
            flush=True,
        )
        if competitor == "ours":
            line = f"{name:36}{precision:10}{errors.max():10.1e}"
    return f"{line}{taken['per clip'][0] / taken['ours'][0]:10.2f} times as fast as the loop"


def main() -> None:
    """Read the arguments and run."""
    import transformers

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--family", default="wav2vec2", help=f"comma-separated: {', '.join(FAMILIES)}"
    )
    parser.add_argument(
        "--model", action="append", default=[], help="hf:FOLDER, instead of --family"
    )
    parser.add_argument("--size", choices=("base", "tiny"), default="base")
    parser.add_argument("--small", action="store_const", const="tiny", dest="size")
    parser.add_argument("--clips", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="torch threads; by default torch's own")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precisions", nargs="+", default=["float32"])
    parser.add_argument("--batch-seconds", type=float)
    parser.add_argument("--audio", type=Path, help="a folder of recordings to take clips from")
    parser.add_argument("--loop-only", action="store_true", help="only the loop and ours")
    parser.add_argument("--scan", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    arguments.device = resolve_device(arguments.device)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", "At least one mel filter has all zero values")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    print(
        f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, "
        f"{torch.get_num_threads()} thread(s), device {arguments.device}"
    )
    summary = []
    with tempfile.TemporaryDirectory() as scratch:
        chosen = [family_of(spec) for spec in arguments.model] or [
            (name, FAMILIES[name], write_encoder(Path(scratch) / name, name, arguments.size))
            for name in arguments.family.split(",")
        ]
        for name, family, folder in chosen:
            summary += [
                bench(name, family, folder, arguments, precision)
                for precision in arguments.precisions
            ]
    print("\nours: precision, largest relative error, speed")
    print("\n".join(summary))
    if arguments.scan:
        scan = Path(__file__).with_name("scan.py")
        subprocess.run([sys.executable, str(scan)], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
