"""Import and export embeddings, merge stores, verify a store."""
