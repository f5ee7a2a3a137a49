"""Files of the repository as pages of the site.

Pages in docs/ link to files elsewhere in the repository, such as ``../examples/own_model.py``.
On a code host these links lead to the files. The site gets a page for each linked file: a
notebook with its outputs, a Markdown file as it is, a folder as a list, and other files as
source code.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["ROOT", "as_page", "linked_files", "page_of", "relinked"]

ROOT = Path(__file__).parents[1]

# Fenced code is matched first, so that nothing in it is taken for a link.
_FENCE_OR_LINK = re.compile(r"^```.*?^```$|(?<=\]\()[^)\s#]+", re.MULTILINE | re.DOTALL)
_LANGUAGES = {".py": "python", ".toml": "toml", ".sh": "sh"}


def page_of(path: str) -> str:
    """Return the page of a file of the repository, as a path in the site's sources.

    Parameters
    ----------
    path : str
        Relative to the repository, with slashes.

    Examples
    --------
    >>> page_of("docs/faq.md"), page_of("notebooks/a.ipynb"), page_of("examples/a.py")
    ('faq.md', 'notebooks/a.md', 'source/examples/a.py.md')
    """
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path.endswith(".ipynb"):
        return path.removesuffix(".ipynb") + ".md"
    if (ROOT / path).is_dir():
        return f"source/{path}/index.md"
    return f"source/{path}" if path.endswith(".md") else f"source/{path}.md"


def _links(text: str, path: str, change: Callable[[str, str], str]) -> str:
    """Replace each relative link by ``change(link, file)``; `path` is the file of the text."""

    def replaced(found: re.Match[str]) -> str:
        link = found[0]
        if link.startswith("```") or ":" in link:
            return link
        return change(link, posixpath.normpath(posixpath.join(posixpath.dirname(path), link)))

    return _FENCE_OR_LINK.sub(replaced, text)


def linked_files(text: str, path: str) -> list[str]:
    """Return the files outside docs/ that a Markdown text links to, and that exist.

    Parameters
    ----------
    text : str
        Markdown.
    path : str
        The file of the text, relative to the repository.
    """
    found: set[str] = set()

    def note(link: str, file: str) -> str:
        if not file.startswith(("docs/", "../")) and (ROOT / file).exists():
            found.add(file)
        return link

    _links(text, path, note)
    return sorted(found)


def relinked(text: str, path: str) -> str:
    """Return a Markdown text with links that lead to the pages of the site.

    Parameters
    ----------
    text, path
        As for `linked_files`.
    """
    start = posixpath.dirname(page_of(path))
    return _links(text, path, lambda _, file: posixpath.relpath(page_of(file), start or "."))


def as_page(path: str) -> str:
    """Return a file or folder of the repository as Markdown.

    Parameters
    ----------
    path : str
        Relative to the repository, with slashes.
    """
    file = ROOT / path
    if file.is_dir():
        names = sorted(each.name for each in file.iterdir() if each.suffix in {".py", ".toml"})
        listed = [f"- [{name}]({posixpath.basename(path)}/{name})" for name in names]
        return "\n".join([f"# {path}", "", *listed])
    text = file.read_text("utf-8")
    if file.suffix == ".md":
        return text
    if file.suffix == ".ipynb":
        return "\n\n".join(_cell(cell) for cell in json.loads(text)["cells"])
    return f"# {path}\n\n{_fenced(text, _LANGUAGES.get(file.suffix, 'text'))}"


def _cell(cell: dict[str, Any]) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    shown = [_output(each) for each in cell["outputs"]]
    return "\n\n".join([_fenced(source, "python"), *shown])


def _output(output: dict[str, Any]) -> str:
    """Return one output of a cell in the richest form that a page can show."""
    data = output.get("data", {})
    if image := data.get("image/png"):
        return f'<p><img alt="" src="data:image/png;base64,{"".join(image).strip()}"></p>'
    if html := data.get("text/html"):
        # A blank line would end the block of HTML. Tables of pandas get the site's look.
        html = re.sub(r"\n\s*\n", "\n", "".join(html))
        return "<div>" + html.replace(' border="1" class="dataframe"', "") + "</div>"
    return _fenced("".join(output.get("text") or data.get("text/plain", "")), "text")


def _fenced(text: str, language: str) -> str:
    return f"````{language}\n{text.rstrip()}\n````"
