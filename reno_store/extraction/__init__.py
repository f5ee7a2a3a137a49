"""One model's pass over a manifest's recordings, in batches, so that a crash loses little.

Data walks: `planning` groups clips of similar length into batches, `recordings` decodes the
next batches in background threads while `embedding` runs the model on one, and `sinking`
writes the last ones in the background. `running` drives them and reports. `files` does the
same for a list of audio files, into a table instead of a store.

Recordings that are longer than a window, if there are windows, come window by window from
`streaming`; `windows` cuts them, and `embedding` takes the mean. `embedded_windows` returns the
windows of one recording.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
