"""A study in pictures: confusion, maps of embeddings, F1 by class, training, leaks."""

from reno_store.figures.drawing import Figure

__all__ = ["Figure"]
