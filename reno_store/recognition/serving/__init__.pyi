from .app import Limits, check_installed, make_app
from .running import serve

__all__ = ["Limits", "check_installed", "make_app", "serve"]
