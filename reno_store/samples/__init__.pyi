from .loading import EmbeddingStore, Samples, open_store
from .lookup import EmbeddingLookup

__all__ = ["EmbeddingLookup", "EmbeddingStore", "Samples", "open_store"]
