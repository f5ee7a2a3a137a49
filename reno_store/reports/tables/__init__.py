"""A study as tables: for a terminal, and as Markdown, CSV, LaTeX and JSON.

`results` is the tidy table that every form starts from, one row per cell and metric. `layout`
makes the paper's tables of it, with `notes`; `terminal`, `markdown`, `latex`, `document`
(JSON) and `forms` (CSV) write them. `views` are what `evaluate` and `grid` show in a terminal.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
