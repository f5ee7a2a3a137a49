"""Store -> arrays that scikit-learn takes: X, y, groups.

`loading` gives a whole dataset at once, with labels and speakers; `lookup` gives the rows
that are asked for, as a transformer, so that the models themselves can be searched over;
`rare_labels` leaves labels with few clips out.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
