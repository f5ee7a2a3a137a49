"""Audio-Mamba (SSAM), implemented here: from its checkpoint to embeddings.

Data flow: waveform -> `frontend` (log-mel frames, cut into units of two seconds) ->
`encoder` (patches, twelve blocks around `scan`, rows) -> mean over the rows that belong to
the clip. `checkpoint` reads the weights, `model` puts everything together.
"""

from reno_store.foundation_models.audio_mamba.model import AudioMamba

__all__ = ["AudioMamba"]
