"""A page on this machine that recognizes recordings: `make_app`, and `serve`, which runs it.

A recording is dropped or spoken into the page, sent to this process alone, and deleted once it
is answered. `app` is the web application (Starlette), `limits` what it refuses, and `page/` the
page: plain HTML, CSS and JavaScript, nothing from elsewhere.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
