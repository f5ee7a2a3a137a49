"""A griffe extension for parameters that share one entry of a numpydoc docstring.

griffe gives all parameters of an entry such as ``n_folds, seed`` the default, and where the
entry names no type also the type, of the first. Each gets its own, from the signature.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import griffe

__all__ = ["GroupedParameters"]


class GroupedParameters(griffe.Extension):
    """Gives each documented parameter the default and the type of its signature."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Go through a package that has been loaded."""
        self._visit(pkg)

    def _visit(self, parent: griffe.Object) -> None:
        for member in parent.members.values():
            if isinstance(member, griffe.Alias):
                continue
            if isinstance(member, griffe.Class | griffe.Function) and member.docstring:
                # A class whose base classes are not loaded has no parameters.
                with suppress(griffe.AliasResolutionError):
                    _correct(member.docstring, member.parameters)
            if not isinstance(member, griffe.Attribute):
                self._visit(member)


def _correct(docstring: griffe.Docstring, signature: griffe.Parameters) -> None:
    types = {id(each.annotation) for each in signature if each.annotation is not None}
    for section in docstring.parsed:
        if section.kind is not griffe.DocstringSectionKind.parameters:
            continue
        for entry in section.value:
            if entry.name in signature:
                entry.value = signature[entry.name].default
                if id(entry.annotation) in types:
                    entry.annotation = signature[entry.name].annotation
