# ruff: noqa: T201
"""Extraction compared with its peers: the same clips, the same weights, one run.

Four ways to pooled embeddings from a transformers encoder:

- ``per clip``: the loop that everybody writes, AutoFeatureExtractor and AutoModel on one
  clip at a time; right, and the reference for errors;
- ``padded``: padded batches of similar lengths, mean over valid frames, attention mask;
  as fast as batches can be, and wrong (the group norm sees the padding);
- ``ours``: what ``reno-store build`` does on this device;
- ``ours, batched``: the exact padded batch, which is what ours is on a GPU.

Padded batches are the same for all; on a CPU ``ours`` goes clip by clip, side by side.
Random weights in the published sizes, written to disk and read back through the same path
as real ones. Times are medians over rounds in which every competitor has one turn.

    python benchmarks/extraction.py
    python benchmarks/extraction.py --family wavlm --clips 64 --rounds 5
    python benchmarks/extraction.py --device cuda --clips 512 --precisions float32 bfloat16
    python benchmarks/extraction.py --audio FOLDER      clips of real recordings

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

import numpy as np
import torch
from numpy.typing import NDArray

from reno_store.corpora.audio import read_duration_s, read_waveform
from reno_store.extraction.planning import default_batch_seconds, plan_batches
from reno_store.foundation_models.huggingface import HuggingFaceEncoder
from reno_store.foundation_models.huggingface.valid_frames import FrameCounts
from reno_store.foundation_models.inference import computing_in
from reno_store.runtime.devices import resolve_device

RATE_HZ = 16_000
Rows = NDArray[np.float32]


def write_encoder(folder: Path, family: str, size: str) -> Path:
    """Write a random encoder of the published base size (or a tiny one) as a checkpoint."""
    from transformers import AutoConfig, AutoModel, Wav2Vec2FeatureExtractor

    tiny = {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 128,
        "conv_dim": [32] * 7,
    }
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **(tiny if size == "tiny" else {}))
    AutoModel.from_config(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return folder


def make_clips(n_clips: int) -> list[Rows]:
    """Make noises of 0.3 to 10 seconds, most of them short, as vocalisations are."""
    random = np.random.default_rng(0)
    seconds = 0.3 + 9.7 * random.beta(1.2, 3.5, n_clips)
    return [
        random.normal(0, 0.1, int(duration_s * RATE_HZ)).astype(np.float32)
        for duration_s in seconds
    ]


def read_clips(folder: Path, n_clips: int) -> list[Rows]:
    """Read recordings, as many as asked for, spread over the folder."""
    paths = sorted(path for path in folder.rglob("*") if not np.isnan(read_duration_s(path)))
    step = max(1, len(paths) // n_clips)
    return [read_waveform(path, RATE_HZ) for path in paths[::step][:n_clips]]


class PerClip:
    """The loop that everybody writes."""

    def __init__(self, folder: Path, device: str, precision: str) -> None:
        from transformers import AutoFeatureExtractor, AutoModel

        self._extractor = AutoFeatureExtractor.from_pretrained(folder)
        self._encoder = AutoModel.from_pretrained(folder, dtype=torch.float32).eval().to(device)
        self._device, self._precision = device, precision
        config = self._encoder.config
        self._counts = FrameCounts(tuple(config.conv_kernel), tuple(config.conv_stride))

    def embed(self, clips: list[Rows]) -> Rows:
        """One clip at a time."""
        rows = []
        with computing_in(self._precision, self._device):
            for clip in clips:
                inputs = self._extractor(clip, sampling_rate=RATE_HZ, return_tensors="pt")
                hidden = self._encoder(**inputs.to(self._device)).last_hidden_state
                rows.append(hidden[0].float().mean(0).cpu().numpy())
        return np.stack(rows)

    def embed_padded(self, clips: list[Rows], batches: list[list[int]]) -> Rows:
        """Embed padded batches: fast, and wrong where a norm sees the padding."""
        rows: dict[int, Rows] = {}
        with computing_in(self._precision, self._device), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for batch in batches:
                inputs = self._extractor(
                    [clips[index] for index in batch],
                    sampling_rate=RATE_HZ,
                    return_tensors="pt",
                    padding=True,
                    return_attention_mask=True,
                ).to(self._device)
                hidden = self._encoder(**inputs).last_hidden_state
                pooled = [
                    frames[: self._counts.after(len(clips[index]))].float().mean(0)
                    for index, frames in zip(batch, hidden, strict=True)
                ]
                rows.update(zip(batch, torch.stack(pooled).cpu().numpy(), strict=True))
        return np.stack([rows[index] for index in range(len(clips))])


def embed_in(model: HuggingFaceEncoder, clips: list[Rows], batches: list[list[int]]) -> Rows:
    """Embed batch by batch, as a build does."""
    rows: dict[int, Rows] = {}
    for batch in batches:
        rows.update(zip(batch, model.embed([clips[index] for index in batch]), strict=True))
    return np.stack([rows[index] for index in range(len(clips))])


def compete(
    competitors: dict[str, Callable[[], Rows]], n_rounds: int, device: str
) -> tuple[dict[str, float], dict[str, Rows]]:
    """Return each competitor's median seconds, and what it computed."""
    embeddings = {name: run() for name, run in competitors.items()}
    seconds: dict[str, list[float]] = {name: [] for name in competitors}
    for _ in range(n_rounds):
        for name, run in competitors.items():
            if device != "cpu":
                torch.cuda.synchronize()
            begun = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(times) for name, times in seconds.items()}, embeddings


def bench(folder: Path, clips: list[Rows], arguments: argparse.Namespace, precision: str) -> None:
    """Compare on one encoder in one precision."""
    device = arguments.device
    seconds = np.array([len(clip) / RATE_HZ for clip in clips])
    batch_seconds = arguments.batch_seconds or default_batch_seconds(device)
    everything = np.ones(len(clips), bool)
    batches = plan_batches(seconds, everything, batch_seconds)
    handed_over = plan_batches(seconds, everything, batch_seconds, padded=device != "cpu")
    padded_seconds = sum(len(batch) * seconds[batch].max() for batch in batches)
    per_clip = PerClip(folder, device, precision)
    ours = HuggingFaceEncoder.load(str(folder), device=device, precision=precision)
    batched = HuggingFaceEncoder.load(str(folder), device=device, precision=precision, batched=True)
    competitors = {
        "per clip": lambda: per_clip.embed(clips),
        "padded": lambda: per_clip.embed_padded(clips, batches),
        "ours": lambda: embed_in(ours, clips, handed_over),
        "ours, batched": lambda: embed_in(batched, clips, batches),
    }
    taken, rows = compete(competitors, arguments.rounds, device)
    print(
        f"\n{arguments.family}, {precision}, {device}: {len(clips)} clips, {seconds.sum():.0f} s "
        f"of audio ({seconds.min():.1f} to {seconds.max():.1f} s), {len(batches)} batches, "
        f"{100 * (padded_seconds / seconds.sum() - 1):.1f} % padding"
    )
    print(
        f"{'':16}{'seconds':>9}{'clips/s':>9}{'x real time':>13}"
        f"{'ours is faster':>16}{'rel. error: median':>20}{'largest':>10}"
    )
    expected = rows["per clip"]
    for name in competitors:
        differences = np.linalg.norm(rows[name] - expected, axis=1)
        errors = differences / np.linalg.norm(expected, axis=1)
        print(
            f"  {name:14}{taken[name]:9.2f}{len(clips) / taken[name]:9.1f}"
            f"{seconds.sum() / taken[name]:13.1f}{taken[name] / taken['ours']:14.2f} x"
            f"{np.median(errors):20.1e}{errors.max():10.1e}"
        )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", default="wav2vec2", help="wav2vec2, hubert, wavlm ...")
    parser.add_argument("--size", choices=("base", "tiny"), default="base")
    parser.add_argument("--clips", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="torch threads; by default torch's own")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precisions", nargs="+", default=["float32"])
    parser.add_argument("--batch-seconds", type=float)
    parser.add_argument("--audio", type=Path, help="a folder of recordings to take clips from")
    parser.add_argument("--scan", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    arguments.device = resolve_device(arguments.device)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    clips = read_clips(arguments.audio, arguments.clips) if arguments.audio else None
    clips = clips or make_clips(arguments.clips)
    print(
        f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, "
        f"{torch.get_num_threads()} thread(s), device {arguments.device}"
    )
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = write_encoder(Path(folder) / "encoder", arguments.family, arguments.size)
        for precision in arguments.precisions:
            bench(checkpoint, clips, arguments, precision)
    if arguments.scan:
        scan = Path(__file__).with_name("scan.py")
        subprocess.run([sys.executable, str(scan)], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
