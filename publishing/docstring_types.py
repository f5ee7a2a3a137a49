"""A griffe extension that shows types in the API reference as the docstrings have them.

griffe reads types as Python, so that ``array-like, shape (n, 2)`` would become
``(array - like, shape(n, 2))``. It also gives all parameters of an entry such as
``n_folds, seed`` the default, and where the entry names no type also the type, of the first. And
it finds an error only in modules that import it, so that few would be links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import griffe

__all__ = ["DocstringTypes"]

_Kind = griffe.DocstringSectionKind
_WITH_TYPES = {_Kind.parameters, _Kind.attributes, _Kind.returns, _Kind.yields}


class DocstringTypes(griffe.Extension):
    """Corrects types and defaults of parameters, attributes and results, and links errors."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Go through a package that has been loaded."""
        errors = pkg.members.get("errors")
        self._visit(pkg, errors if isinstance(errors, griffe.Module) else None)

    def _visit(self, parent: griffe.Object, errors: griffe.Module | None) -> None:
        for member in parent.members.values():
            if isinstance(member, griffe.Alias):
                continue
            # Readers need not know how a class is made.
            member.labels.discard("dataclass")
            if member.docstring:
                _write_as_documented(member.docstring)
                if errors:
                    _link_errors(member.docstring, errors)
                if isinstance(member, griffe.Class | griffe.Function):
                    # A class whose base classes are not loaded has no parameters.
                    with suppress(griffe.AliasResolutionError):
                        _divide(member.docstring, member.parameters)
            if not isinstance(member, griffe.Attribute):
                self._visit(member, errors)


def _write_as_documented(docstring: griffe.Docstring) -> None:
    """Replace each type that was changed by reading it as Python."""
    written = {_bare(text): text for text in _types(docstring)}
    for section in docstring.parsed:
        if section.kind in _WITH_TYPES:
            for entry in section.value:
                shown = str(entry.annotation)
                text = written.get(_bare(shown), shown)
                if text.replace(" ", "") != shown.replace(" ", ""):
                    entry.annotation = text


def _types(docstring: griffe.Docstring) -> Iterator[str]:
    """Yield what may be a type: the text after a colon, or a line without one."""
    for line in docstring.value.splitlines():
        name, colon, text = line.strip().partition(" : ")
        yield re.sub(r", (optional|default.*)$", "", text if colon else name)


def _link_errors(docstring: griffe.Docstring, errors: griffe.Module) -> None:
    """Give each error that is raised an entry, which leads to the package's errors."""
    for section in docstring.parsed:
        if section.kind is _Kind.raises:
            section.value = [
                griffe.DocstringRaise(
                    annotation=griffe.ExprName(name, errors) if name in errors.members else name,
                    description=entry.description,
                )
                for entry in section.value
                for name in re.findall(r"[\w.]+", str(entry.annotation))
            ]


def _bare(text: str) -> str:
    return re.sub(r"\W", "", text)


def _divide(docstring: griffe.Docstring, signature: griffe.Parameters) -> None:
    """Give parameters that share an entry their own defaults and types."""
    types = {id(each.annotation) for each in signature if each.annotation is not None}
    for section in docstring.parsed:
        if section.kind is not _Kind.parameters:
            continue
        for entry in section.value:
            if entry.name in signature:
                entry.value = signature[entry.name].default
                if id(entry.annotation) in types:
                    entry.annotation = signature[entry.name].annotation
