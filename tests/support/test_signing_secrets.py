"""Secrets to sign with are long enough, one or several, and never shown."""

from typing import Any

import pytest

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.signing_secrets import read_secrets

TEXT, BYTES = "é" * 16, b"b" * 32
READ = [
    ("a text, in UTF-8", TEXT, (TEXT.encode(),)),
    ("bytes", BYTES, (BYTES,)),
    ("a text of the environment that is no UTF-8", "\udcff" * 32, (b"\xff" * 32,)),
    ("a list", [BYTES, TEXT], (BYTES, TEXT.encode())),
    ("a tuple", (TEXT,), (TEXT.encode(),)),
]
REFUSED = [
    ("none", None, "there is no secret"),
    ("an empty list", [], "there is no secret"),
    ("a set, whose first is any", {BYTES}, "there is no secret"),
    ("a number", [42], "a secret is int"),
    ("an empty text", "", "a secret has 0 bytes, not 32"),
    ("31 bytes", b"hunter2" + b"x" * 24, "a secret has 31 bytes, not 32"),
    ("what is no character", "hunter2" * 5 + "\ud800", "a secret has characters that cannot be encoded"),
    ("one of two", [BYTES, "hunter2"], "a secret has 7 bytes, not 32"),
]


@pytest.mark.parametrize(("secret", "read"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_secrets_are_read_as_bytes_the_first_to_sign_with(secret: Any, read: tuple[bytes, ...]) -> None:
    assert read_secrets("battery()", secret) == read


@pytest.mark.parametrize(("secret", "problem"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_no_secret_is_refused_without_being_shown(secret: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_secrets("battery()", secret)
    assert str(refusal.value).startswith(f"battery(): {problem}")
    assert "hunter2" not in str(refusal.value)
    assert (refusal.value.__cause__, refusal.value.__context__) == (None, None)  # an error of a codec holds the text
