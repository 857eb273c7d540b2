"""What tells the responses to one URL apart."""

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from aiohttp_route_middleware.support.caching.variants import Asked, asked_by, list_added, vary_of
from aiohttp_route_middleware.support.content.languages import LANGUAGE


def test_what_is_encoded_varies_with_the_encodings_a_client_takes() -> None:
    assert vary_of(CIMultiDict({"Content-Encoding": "gzip", "Vary": "Cookie"})) == {"cookie", "accept-encoding"}
    assert vary_of(CIMultiDict({"Vary": "Cookie"})) == {"cookie"}


def test_a_request_is_told_apart_by_its_language_and_its_fields() -> None:
    request = make_mocked_request("GET", "/", headers=CIMultiDict([("A", " 1"), ("B", "2"), ("a", "3")]))
    assert asked_by(request).read(frozenset(("b", "a", "c"))) == ("", [("a", ["1", "3"]), ("b", ["2"]), ("c", [])])
    request[LANGUAGE] = "de"
    assert asked_by(request).read(frozenset()) == ("de", [])


@pytest.mark.parametrize(
    ("chosen", "sent", "added"),
    [
        ("", "Accept, Cookie", {"cookie"}),
        ("", "Accept-Language", {"accept-language"}),
        ("de", "Accept-Language, Cookie", {"cookie"}),
        ("", "Accept-Encoding, Origin", set()),
        ("", "*", {"*"}),
    ],
    ids=["its own and another", "a language", "a chosen language", "added anew", "everything"],
)
def test_names_that_links_around_add_count_unless_they_are_added_anew(chosen: str, sent: str, added: set[str]) -> None:
    asked = Asked(make_mocked_request("GET", "/").headers, chosen)
    assert list_added(asked, frozenset(("accept",)), CIMultiDict({"Vary": sent})) == added
