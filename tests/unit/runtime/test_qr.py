"""QR codes of addresses."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest
import segno

from wanderbuch.agents.runtime.qr import qr_svg


def test_an_address_becomes_an_svg_element_with_a_quiet_zone_and_no_declaration() -> None:
    text = qr_svg("https://centre.wanderbuch.test/i/abcdefghijklmnop")

    svg = ET.fromstring(text)  # noqa: S314 (our own)
    assert svg.tag.endswith("svg")
    assert not text.startswith("<?xml")


def test_other_addresses_have_other_codes() -> None:
    assert qr_svg("https://centre.wanderbuch.test/i/a") != qr_svg("https://centre.wanderbuch.test/i/b")


def test_a_code_that_is_looked_at_again_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    make = segno.make

    def noted(content: str, **how: Any) -> segno.QRCode:
        drawn.append(content)
        return make(content, **how)

    monkeypatch.setattr(segno, "make", noted)
    address, other = (f"https://centre.wanderbuch.test/i/kept-{name}" for name in ("one", "other"))

    assert len({qr_svg(address) for _ in range(3)}) == 1
    qr_svg(other)
    qr_svg(address)

    assert drawn == [address, other]
