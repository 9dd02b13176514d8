"""What a page is made of."""

import re
from html.parser import HTMLParser


class Outline(HTMLParser):
    """Headings, scripts and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.targets: list[str] = []
        self.inline: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.targets += [values[value] or "" for value in ("href", "src", "action") if value in values]
        self.ids += [values["id"] or ""] if "id" in values else []
        if tag in {"script", "style"} and "src" not in values:
            self.inline.append(tag)
        self.inline += [name for name in values if name.startswith("on") or name == "style"]
