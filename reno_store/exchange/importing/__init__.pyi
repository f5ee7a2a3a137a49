from .running import ImportReport, import_embeddings

__all__ = ["ImportReport", "import_embeddings"]
