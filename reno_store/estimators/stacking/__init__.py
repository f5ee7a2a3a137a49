"""Training many classifiers of one shape as one stack of networks.

Each member has the initial weights, batches, dropout, held-out rows and early stopping of a
single fit; members share the arithmetic only. `members` prepares classifiers, `streams` draws
batches and dropout as a single fit does, `stack` holds the networks and their optimizer, `loop`
runs the epochs, and `pieces` keeps stacks within memory.
"""

from reno_store.estimators.stacking.members import Member, can_join, recruit
from reno_store.estimators.stacking.pieces import train_in_pieces

__all__ = ["Member", "can_join", "recruit", "train_in_pieces"]
