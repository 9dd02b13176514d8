import pytest
from yarl import URL

from wanderbuch.governance.facts.identifiers import DidUrl, ResourceId, WebvhDid
from wanderbuch.governance.facts.webvh_place import PlaceError, is_read_by_old_readers, published_place
from wanderbuch.plugins.http.addresses import checked_url

SCID = "Qm" + "A" * 44


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("centre.example.org", "org"),
        ("4th.ac.ke", "org"),
        ("x.org", "a/b"),
        ("xn--fsq.jp", "org"),
        ("a-b.example", "Org_1.x"),
        ("ab--c.example", "org"),
    ],
)
def test_a_place_that_may_be_published_is_one_that_is_read(host: str, path: str) -> None:
    place = published_place(host, path)
    did = WebvhDid.parse(":".join(("did:webvh", SCID, host, *path.split("/"))))
    assert did.place == place
    assert (did.host, "/".join(did.path)) == (host, path)
    # The URL reaches the edge as it is: nothing on the way reads the host or the path in another way.
    assert str(checked_url(did.log_url)) == str(URL(did.log_url)) == f"https://{host}/{path}/did.jsonl"


@pytest.mark.parametrize(
    ("host", "path", "reason"),
    [
        ("centre.example.org:8443", "org", "no port"),
        ("centre.example.org%3A8443", "org", "no port"),
        ("Centre.example.org", "org", "centre.example.org"),
        ("école.example", "org", "xn--cole-9oa.example"),
        ("centre", "org", "dotted host name"),
        ("127.0.0.1", "org", "dotted host name"),
        ("centre.example.1", "org", "dotted host name"),
        ("centre_.example", "org", "dotted host name"),
        ("centre.example.", "org", "dotted host name"),
        (" centre.example", "org", "dotted host name"),
        ("centre.example/x", "org", "dotted host name"),
        ("", "org", "dotted host name"),
        ("xn--a.example", "org", "internationalised"),
        ("localhost", "org", "dotted host name"),
        ("a.localhost", "org", "localhost"),
        ("my.localhost.test", "org", "localhost"),
        ("centre.example.org", "", "path is needed"),
        ("centre.example.org", "org/", "path segment"),
        ("centre.example.org", "/org", "path segment"),
        ("centre.example.org", "..", "path segment"),
        ("centre.example.org", ".well-known", "path segment"),
        ("centre.example.org", "a%20b", "path segment"),
        ("centre.example.org", "a:b", "path segment"),
        ("centre.example.org", "é", "path segment"),
        ("centre.example.org", "/".join(["a" * 100] * 4), "characters together"),
    ],
)
def test_refuses_to_publish_where_others_do_not_find_it(host: str, path: str, reason: str) -> None:
    with pytest.raises(PlaceError, match=reason):
        published_place(host, path)


def test_the_longest_place_that_may_be_published_has_room_for_the_ids_of_objects() -> None:
    host = "centre.example.org"
    path = "/".join(["a" * 60] * 5 + ["a" * (380 - len(host) - 5 * 61)])
    published_place(host, path)
    did = WebvhDid.parse(":".join(("did:webvh", SCID, host, *path.split("/"))))
    assert ResourceId.of(did, f"z{SCID}").did == did
    assert DidUrl.parse(f"{did}#z6Mk{'a' * 44}").did == did
    with pytest.raises(PlaceError, match="381 characters together"):
        published_place(host, f"{path}a")


def test_knows_hosts_that_older_libraries_refuse() -> None:
    assert is_read_by_old_readers("centre.example.org")
    assert not is_read_by_old_readers("4th.ac.ke")
    assert not is_read_by_old_readers("x.example.org")
