"""Entity tags are read as they are written; what is none is none."""

import pytest
from aiohttp import ETag
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware.support.content.entity_tags import (
    ANY,
    parse_tag,
    read_tags,
    validators_of,
    weaken_tag,
    write_tag,
)

DAY = "Sun, 06 Nov 1994 08:49:37 GMT"
MOMENT = 784_111_777


@pytest.mark.parametrize(
    ("field", "tags"),
    [
        pytest.param("*", ANY, id="any"),
        pytest.param('"a,b" , W/""', (ETag("a,b"), ETag("", is_weak=True)), id="a comma in a tag"),
        pytest.param(',, "a",', (ETag("a"),), id="empty members"),
        pytest.param('"a" "b"', (), id="no comma between"),
        pytest.param('w/"a"', (), id="a small w"),
        pytest.param('"a", b, "c"', (ETag("a"),), id="what follows garbage"),
        pytest.param('*, "a"', (), id="any and another"),
        pytest.param('"\u00e9"', (ETag("\u00e9"),), id="obsolete text"),
        pytest.param('"a b"', (), id="a blank in a tag"),
    ],
)
def test_lists_of_tags_are_read(field: str, tags: object) -> None:
    assert read_tags([field]) == tags


@given(st.text("ab!#\u00e9,"), st.booleans())
def test_a_tag_is_read_as_it_was_written(value: str, is_weak: bool) -> None:
    tag = ETag(value, is_weak=is_weak)
    assert parse_tag(write_tag(tag)) == tag
    assert read_tags([write_tag(tag)]) == (tag,)


@given(st.text('W/"a, *'))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_tags([text])


def test_validators_that_cannot_be_read_are_none() -> None:
    known = validators_of(CIMultiDict({"ETag": "a", "Last-Modified": "now"}))
    assert (known.tag, known.modified, known.exists) == (None, None, True)
    known = validators_of(CIMultiDict({"ETag": 'W/"a"', "Last-Modified": DAY}))
    assert (known.tag, known.modified) == (ETag("a", is_weak=True), MOMENT)


@pytest.mark.parametrize(
    ("tag", "weak"), [('"a"', 'W/"a"'), ('W/"a"', 'W/"a"'), ('""', 'W/""'), ("a", "a"), ("*", "*"), ("", "")]
)
def test_a_strong_tag_becomes_weak(tag: str, weak: str) -> None:
    assert weaken_tag(tag) == weak
