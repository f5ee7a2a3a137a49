from .app import Limits, make_app
from .running import serve

__all__ = ["Limits", "make_app", "serve"]
