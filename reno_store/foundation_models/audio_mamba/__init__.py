"""Audio-Mamba (SSAM), run by this package itself: from its checkpoint to embeddings.

Data walks: waveform -> `frontend` (log-mel frames, cut into units of two seconds) ->
`encoder` (patches, twelve blocks around `scan`, rows) -> mean over the rows that stand for
the clip. `checkpoint` reads the weights, `model` is the whole as a foundation model.
"""

from reno_store.foundation_models.audio_mamba.model import AudioMamba

__all__ = ["AudioMamba"]
