from .audio_embedder import AudioEmbedder
from .loading import EmbeddingStore, Samples, open_store
from .lookup import EmbeddingLookup

__all__ = ["AudioEmbedder", "EmbeddingLookup", "EmbeddingStore", "Samples", "open_store"]
