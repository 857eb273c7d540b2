"""What responses are kept under; how a change finds them again is in `tests/middlewares/test_response_cache.py`."""

from aiohttp_route_middleware.support.caching.names import name_resource


def test_a_resource_is_scheme_host_target_and_part() -> None:
    names = [
        name_resource("http", "a", "/"),
        name_resource("https", "a", "/"),
        name_resource("http", "b", "/"),
        name_resource("http", "a:8080", "/"),
        name_resource("http", "a", "/?"),
        name_resource("http", "a", "/%2e"),
        name_resource("http", "a", "/", "x"),
        name_resource("http", "", "a/"),
    ]
    assert len(set(names)) == len(names)
    assert name_resource("http", "A:80", "/") == names[0]
    assert name_resource("https", "A:443", "/") == names[1]
    assert name_resource("ws", "a:", "/") == name_resource("ws", "a", "/")
