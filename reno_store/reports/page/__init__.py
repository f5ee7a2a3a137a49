"""A study as one page for a browser: tables that sort, figures, commands.

`rendering` fills `templates/` (HTML, style and script) with a study: its answer, tables, `clips`
(with `excerpts` of recordings) and `pictures`. `reporting` writes the page of a store's last study.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
