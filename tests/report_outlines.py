"""The elements of a report, with their attributes and text."""

from html.parser import HTMLParser

import pytest
from report_fits import MAKERS

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Outline(HTMLParser):
    """The elements of a document, with their attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.texts = [], [], {}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append((tag, len(self.elements) - 1))

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        last, _ = self.open.pop()
        assert last == tag, f"</{tag}> closes <{last}>"

    def handle_data(self, text):
        for _, place in self.open:
            self.texts[place] = self.texts.get(place, "") + text

    def find(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text_of(self, **wanted):
        for place, (_, attributes) in enumerate(self.elements):
            if wanted.items() <= attributes.items():
                return self.texts.get(place, "")
        raise AssertionError(f"no element with {wanted}")


each_document = pytest.mark.parametrize("name", MAKERS)
