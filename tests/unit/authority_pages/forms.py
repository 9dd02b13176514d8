"""Forms of the desk as a browser would fill them in."""

import re

from tests.unit.authority_pages.conftest import Browser, hidden


async def begun(editor: Browser, why: str = "Galle after the review") -> str:
    """Begin a draft and return its address."""
    chosen = hidden((await editor.ask("/desk/en/")).text, "new_id")
    return (await editor.send("/desk/en/drafts", why=why, new_id=chosen)).target


def fields_of(text: str) -> list[tuple[str, str]]:
    """Return the fields of a statement's form as a browser would send them."""
    fields: list[tuple[str, str]] = []
    form = text.partition('action="/desk/en/draft/')[2] and text[text.index('<form class="panel"') :]
    for match in re.finditer(
        r'<input id="[^"]*" name="([^"]+)"[^>]*? value="([^"]*)"|<input name="([^"]+)" value="([^"]*)" list'
        r'|<input type="hidden" name="([^"]+)" value="([^"]*)"|<textarea id="[^"]*" name="([^"]+)"[^>]*>([^<]*)<'
        r'|<select id="([^"]+)" name="[^"]+"(?:[^>]*)>(.*?)</select>'
        r'|<input type="checkbox" name="([^"]+)" value="([^"]*)" checked',
        form,
        re.DOTALL,
    ):
        parts = [group for group in match.groups() if group is not None]
        name, value = parts[0], parts[1]
        if match[9]:
            chosen = re.search(r'<option value="([^"]*)" selected|<option selected value="([^"]*)"', value)
            value = (chosen[1] or chosen[2]) if chosen else ""
        fields.append((name, value.replace("&#39;", "'")))
    return fields


def with_values(fields: list[tuple[str, str]], **changes: str) -> list[tuple[str, str]]:
    wanted = {key.replace("__", "."): value for key, value in changes.items()}
    return [(name, wanted.get(name, value)) for name, value in fields]
