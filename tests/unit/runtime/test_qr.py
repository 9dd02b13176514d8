"""QR codes of addresses."""

import xml.etree.ElementTree as ET

from wanderbuch.agents.runtime.qr import qr_svg


def test_an_address_becomes_an_svg_element_with_a_quiet_zone_and_no_declaration() -> None:
    text = qr_svg("https://centre.wanderbuch.test/i/abcdefghijklmnop")

    svg = ET.fromstring(text)  # noqa: S314 (our own)
    assert svg.tag.endswith("svg")
    assert not text.startswith("<?xml")


def test_other_addresses_have_other_codes() -> None:
    assert qr_svg("https://centre.wanderbuch.test/i/a") != qr_svg("https://centre.wanderbuch.test/i/b")
