"""What is sent beside: nobody who does not answer takes all places."""

from wanderbuch.plugins.exchange.beside import MOST, OF_A_CHANNEL, OF_A_NETWORK, OF_ANSWERS, BesidePlaces, Place


def taken(places: BesidePlaces, network: str | None, *, channels: int) -> list[Place]:
    """Take as many places as there are, over so many channels of a network."""
    every = [Place("ours", f"{network} {number}", network) for number in range(channels)] * (OF_A_CHANNEL + 1)
    return [place for place in every if places.take(place)]


def test_one_network_has_a_part_however_many_channels_it_makes() -> None:
    places = BesidePlaces()
    assert len(taken(places, "198.51.100.0/24", channels=63)) == OF_A_NETWORK
    assert len(taken(places, "203.0.113.0/24", channels=1)) == OF_A_CHANNEL
    assert places.take(Place("ours", "honest", "192.0.2.0/24"))


def test_what_we_begin_has_places_left_whoever_is_answered() -> None:
    places = BesidePlaces()
    answers = [place for number in range(20) for place in taken(places, f"{number}", channels=63)]
    assert len(answers) == OF_ANSWERS
    own = taken(places, None, channels=100)
    assert len(own) == MOST - OF_ANSWERS
    for place in answers + own:
        places.leave(place)
    assert places == BesidePlaces()
