"""Pages with everything on them, rendered and taken apart."""

from html.parser import HTMLParser

from factories.made_up_pages import (
    draw_svg,
    make_answers,
    make_claims,
    make_clips,
    make_comparisons,
    make_figures,
)

from reno_store.reports.page import render_page
from reno_store.reports.tables import tables_of

__all__ = ["Page", "render"]

VOID = {"img", "source", "link", "meta", "br", "hr", "input", "col"}


class Page(HTMLParser):
    """Elements with their attributes and text; refuses tags that do not match."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.text = [], [], text
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", "within": tuple(each["tag"] for each in self.open)}
        self.elements.append(element | dict(attrs))
        if tag not in VOID:
            self.open.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def find(self, tag, **attributes):
        return [
            element
            for element in self.elements
            if element["tag"] == tag
            and all(element.get(key.rstrip("_")) == value for key, value in attributes.items())
        ]

    def words(self, tag, **attributes):
        return [" ".join(element["text"].split()) for element in self.find(tag, **attributes)]


def render(study, **others):
    given = {
        "answers": make_answers(study),
        "clips": make_clips(study),
        "tables": tables_of(study),
        "claims": make_claims(study),
        "comparisons": make_comparisons(study),
        "figures": make_figures(study),
        "to_svg": draw_svg,
    }
    return render_page(study, **(given | others))
