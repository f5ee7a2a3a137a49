"""Many networks of one shape at once, as batched products over stacked weights.

What a member's slice is equals what the plain network gives with that member's weights, and so
do the gradients, but for rounding. `forward` runs the networks, `StackedLoss` is Eq. 3 of each.
"""

from reno_store.estimators.networks.stacked.forward import can_stack, forward
from reno_store.estimators.networks.stacked.loss import StackedLoss

__all__ = ["StackedLoss", "can_stack", "forward"]
