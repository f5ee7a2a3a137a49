"""Hash source code by what it does, so that kept results survive a renamed or moved module."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

__all__ = ["hash_source"]

_OURS = "reno_store"
_SAME_OUTCOMES: Mapping[str, str] = MappingProxyType(
    {
        # studies/outcomes.py: confidences are kept too.
        "02e8677b604c235bd672c91da09bf31dcac9339a891a18e9da70f03117bba446": (
            "a74ae28a0fdd936102bb04f40175906ee20bd95f2014676bbea5078e169e698d"
        ),
    }
)
"""Hash of a file -> that of an earlier version with the same predictions and scores.

Results that were kept with the earlier version are reused. An entry is valid for these two exact
versions alone, so any further change trains again.
"""


def hash_source(files: Iterable[Path]) -> str:
    """Hash the parsed code of Python files.

    Docstrings, comments, layout, names of files, the order of imports and the modules of this
    package that they import from do not count.

    Parameters
    ----------
    files : Iterable[Path]
        Python files.

    Returns
    -------
    str
        SHA-256 in hexadecimal.

    Raises
    ------
    SyntaxError
        If a file is not valid Python.
    """
    each = [hashlib.sha256(_code(file).encode()).hexdigest() for file in files]
    known = sorted(_SAME_OUTCOMES.get(own, own) for own in each)
    return hashlib.sha256("".join(known).encode()).hexdigest()


def _code(file: Path) -> str:
    stripping = _Stripping()
    tree = stripping.visit(ast.parse(file.read_bytes()))
    return "\n".join([*sorted(stripping.imports), ast.unparse(tree)])


class _Stripping(ast.NodeTransformer):
    """Take docstrings, `__all__` and imports out of a module."""

    def __init__(self) -> None:
        self.imports: set[str] = set()

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node

    def visit_Assign(self, node: ast.Assign) -> ast.Assign | None:
        return None if ast.unparse(node.targets[0]) == "__all__" else node

    def visit_Import(self, node: ast.Import) -> None:
        self.imports |= {ast.unparse(ast.Import([name])) for name in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        home = _OURS if module.partition(".")[0] == _OURS else module
        self.imports |= {ast.unparse(ast.ImportFrom(home, [n], node.level)) for n in node.names}
