"""The paper's networks as torch modules, and its Rényi divergence as a pure function.

``(batch, n_features) -> logits``: `FCN`, `CNN`; ``-> logits, aligned features`` of each
block: `RENO` and, without attention, `Concat`. The parts they share are in `dense`,
`convolution` and `attention`. All are plain PyTorch; `fast_cpu` has substitutes for a CPU.
"""

from reno_store.estimators.networks.cnn import CNN
from reno_store.estimators.networks.divergence import renyi_divergence, renyi_excess, renyi_minimum
from reno_store.estimators.networks.fcn import FCN
from reno_store.estimators.networks.fusion import RENO, Concat
from reno_store.estimators.networks.loss import FusionLoss, LossParts
from reno_store.estimators.networks.outputs import Prediction

__all__ = [
    "CNN",
    "FCN",
    "RENO",
    "Concat",
    "FusionLoss",
    "LossParts",
    "Prediction",
    "renyi_divergence",
    "renyi_excess",
    "renyi_minimum",
]
