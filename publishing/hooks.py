"""What mkdocs calls while it builds the site: the navigation, and files outside docs/."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from repository import as_page, linked_files, page_of, relinked

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_ROW = re.compile(r"^\| \[[^]]+\]\(([^)]+)\)", re.MULTILINE)
# The file in the repository of each page that was made from one outside docs/.
_sources: dict[str, str] = {}


def on_config(config: MkDocsConfig) -> None:
    """Set the navigation: the sections and tables of docs/README.md."""
    index = (Path(config.docs_dir) / "README.md").read_text("utf-8")
    _, *parts = _SECTION.split(index)
    config.nav = [{"Start": ["README.md"]}]
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        files = [posixpath.normpath(f"docs/{target}") for target in _ROW.findall(body)]
        config.nav.append({title: [page_of(file) for file in files]})


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add a page for each file outside docs/ that a page links to, and for those it links to."""
    _sources.clear()  # `mkdocs serve` builds many times
    texts = {f"docs/{page.src_uri}": page.content_string for page in files.documentation_pages()}
    while texts:
        path, text = texts.popitem()
        for linked in linked_files(text, path):
            uri = page_of(linked)
            if uri not in _sources:
                _sources[uri] = linked
                texts[linked] = as_page(linked)
                files.append(File.generated(config, uri, content=texts[linked]))


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Lead links to the pages of the site."""
    uri = page.file.src_uri
    return relinked(markdown, _sources.get(uri, f"docs/{uri}"))
