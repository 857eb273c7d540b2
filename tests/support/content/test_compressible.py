"""Which types of content are compressed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.content.compressible import COMPRESSIBLE_TYPES, compile_types


@pytest.mark.parametrize(
    "field",
    [
        "text/html",
        "text/html; charset=utf-8",
        "TEXT/HTML;charset=utf-8",
        " text/plain ",
        "text/plain;",
        "text/x-anything",
        "application/json",
        "application/problem+json",
        "application/manifest+json",
        "application/javascript",
        "application/atom+xml",
        "application/xhtml+xml",
        "application/wasm",
        "application/x-ndjson",
        "image/svg+xml",
        "font/ttf",
    ],
)
def test_what_shrinks_is_compressed(field: str) -> None:
    assert compile_types("name()", COMPRESSIBLE_TYPES)(field)


@pytest.mark.parametrize(
    "field",
    [
        "text/event-stream",
        "text/event-stream; charset=utf-8",
        "image/png",
        "image/jpeg",
        "image/webp",
        "audio/mpeg",
        "video/mp4",
        "application/zip",
        "application/gzip",
        "application/x-7z-compressed",
        "application/pdf",
        "application/octet-stream",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "font/woff2",
        "font/woff",
        "multipart/byteranges; boundary=text/html",
        "",
        "text",
        "text/",
        "/html",
        ";text/html",
        "text/html/more",
        "text /html",
        "textual/html",
    ],
)
def test_what_does_not_shrink_or_is_not_known_is_not(field: str) -> None:
    assert not compile_types("name()", COMPRESSIBLE_TYPES)(field)


@pytest.mark.parametrize(
    ("types", "field", "expected"),
    [
        pytest.param(["text/event-stream"], "text/event-stream", True, id="an event stream by its name"),
        pytest.param(["text/*"], "text/event-stream", False, id="an event stream by a star"),
        pytest.param(["application/x-tar"], "application/x-tar", True, id="by its name"),
        pytest.param(["application/x-tar"], "text/html", False, id="nothing else"),
        pytest.param(["*+zip"], "application/epub+zip", True, id="by its suffix"),
        pytest.param(["*+zip"], "application/zip", False, id="a suffix is one"),
        pytest.param([], "text/html", False, id="nothing"),
        pytest.param(lambda _: True, "Image/PNG; a=b", True, id="a function"),
        pytest.param(lambda one: one == "image/png", "Image/PNG; a=b", True, id="which gets the type in lower case"),
        pytest.param(lambda _: 1, "text/html", False, id="which counts if it says True"),
        pytest.param(lambda _: True, "html", False, id="which is asked of types only"),
    ],
)
def test_types_are_chosen(types: Any, field: str, expected: bool) -> None:
    assert compile_types("name()", types)(field) is expected


@pytest.mark.parametrize(
    ("types", "cure"),
    [
        ("text/html", r"pass a list: types=\['text/html'\]"),
        (5, "pass a list"),
        (["text"], r'write "text/html", "text/\*" or'),
        (["Text/HTML"], "in lower case"),
        (["*/*"], "write"),
        (["*"], "write"),
        (["text/html; charset=utf-8"], "write"),
        ([None], "write"),
    ],
    ids=repr,
)
def test_what_is_no_type_is_refused(types: Any, cure: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^name\(\): types=.*; .*{cure}"):
        compile_types("name()", types)


@given(st.text(max_size=60))
def test_whatever_stands_there_is_read(field: str) -> None:
    assert compile_types("name()", COMPRESSIBLE_TYPES)(field) in (True, False)
