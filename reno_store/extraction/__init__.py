"""One model's pass over a manifest's recordings, in batches, so that a crash loses little.

Data walks: `planning` groups clips of similar length into batches, `recordings` decodes the
next batches in background threads while `embedding` runs the model on one, and `sinking`
writes the last ones in the background. `running` drives them and reports. `files` does the
same for a list of audio files, into a table instead of a store.

`settings` says how recordings are embedded. Several processes can embed the clips of one model:
`stripes` deals them to shards, and `shards` finds those of a build. `filling` embeds a part of
them in any process: `workers` are processes of this machine, which run `worker_process`, and
`on_cluster` uses those of a Dask cluster. `model_builds` prepares a model and collects what they
did, for the `reports` of `build`.

Recordings that are longer than a window, if there are windows, come window by window from
`streaming`; `windows` cuts them, and `embedding` takes the mean. `embedded_windows` returns the
windows of one recording.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
