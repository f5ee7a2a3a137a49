"""What the recognizers of tests are trained on and with."""

__all__ = ["LABELS", "SMALL"]

LABELS = ("cry", "laugh, loud", 'pant "fast"')
SMALL = {"n_tokens": 4, "align_dim": 8, "max_epochs": 2}
