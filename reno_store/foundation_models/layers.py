"""Which of an encoder's layers an embedding is taken from."""

from __future__ import annotations

from dataclasses import dataclass

from reno_store.errors import ModelError

__all__ = ["LayerChoice"]


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """The last layer, one by its number, or the mean over all.

    Attributes
    ----------
    which : int or str
        ``"last"``: what the encoder puts out (the paper's choice, section II). A number
        from 0 on: the output of that layer, 0 being what enters the first. ``"all"``: the
        mean over the outputs of all layers, 0 not among them.
    n_layers : int
        How many layers the encoder has.
    """

    which: int | str
    n_layers: int

    @classmethod
    def parse(cls, text: str, n_layers: int) -> LayerChoice:
        """Read what a user typed.

        Raises
        ------
        ModelError
            If the encoder has no such layer.

        Examples
        --------
        >>> LayerChoice.parse("9", n_layers=12)
        LayerChoice(which=9, n_layers=12)
        """
        if text in {"last", "all"}:
            return cls(text, n_layers)
        if text.isascii() and text.isdigit() and int(text) <= n_layers:
            return cls(int(text), n_layers)
        raise ModelError(
            f"layer={text}: no such layer; the model has {n_layers}. Expected 0 (what enters the "
            f"first) to {n_layers}, last, or all (the mean over layers 1 to {n_layers})."
        )

    @property
    def is_top(self) -> bool:
        """Whether it is what the encoder puts out."""
        return self.which in {"last", self.n_layers}
