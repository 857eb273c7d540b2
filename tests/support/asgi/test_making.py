"""An ASGI middleware that is given wrong options: the error names those that it takes, and never a value."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware

from aiohttp_route_middleware.adapters.from_asgi import from_asgi
from aiohttp_route_middleware.errors import ConfigurationError

from .middlewares import PassOn


class Careful(PassOn):
    """Looks into its options."""

    def __init__(self, app: Any, *, level: int = 1, **others: Any) -> None:
        if others or not isinstance(level, int):
            raise TypeError("level=secret")
        if level > 9:
            raise ValueError("level=secret")
        super().__init__(app)


class Annotated(PassOn):
    """Bears a name that only type checkers know."""

    def __init__(self, app: Any, level: NowhereToBeFound = 1) -> None:  # type: ignore[name-defined]  # noqa: F821  # on purpose
        super().__init__(app)


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        pytest.param(
            GZipMiddleware,
            {"minimum_sise": "secret"},
            "but not minimum_sise; write 'minimum_size'",
            id="misspelt",
        ),
        pytest.param(
            GZipMiddleware,
            {"x": "secret"},
            "but not x; write one of 'compresslevel', '",
            id="unknown",
        ),
        pytest.param(
            SessionMiddleware,
            {"max_age": 5},
            "of which secret_key must be given; pass secret_key",
            id="missing",
        ),
        pytest.param(PassOn, {"a": "secret", "b": 5}, "PassOn takes no options; leave out a, b", id="takes none"),
        pytest.param(
            functools.partial(GZipMiddleware, minimum_size=5),
            {"size": "secret"},
            "takes minimum_size,",
            id="a partial",
        ),
        pytest.param(Annotated, {"leve": "secret"}, "Annotated takes level, but not leve; write 'level'", id="names"),
        pytest.param(
            Careful, {"level": "secret"}, "Careful raised TypeError when it was made; pass the", id="a type of its own"
        ),
        pytest.param(Careful, {"levle": "secret"}, "Careful raised TypeError when it was made", id="any option"),
        pytest.param(Careful, {"level": 10}, "Careful raised ValueError when it was made", id="a wrong value"),
        pytest.param(lambda: None, {}, "raised TypeError when it was made", id="takes nothing"),
        pytest.param(lambda *, app: None, {}, "takes no application; pass the class", id="takes no application"),
        pytest.param(type, {"x": "secret"}, "type raised TypeError when it was made", id="no signature"),
    ],
)
def test_options_that_a_middleware_does_not_take_are_refused_with_those_that_it_takes(
    make: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_asgi(make, **options)
    assert str(caught.value).startswith("from_asgi(): ")
    assert message in str(caught.value)
    assert "secret" not in str(caught.value).replace("secret_key", "")
    assert caught.value.__cause__ is not None
