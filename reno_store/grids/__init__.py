"""A grid of β, δ and λ for RENO on what a store holds, kept fold by fold.

`requests` is what is asked, `running` trains what is not kept yet, `grid` is what came of it,
`findings` says what that allows one to conclude, `results` and `tables` lay it out.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
