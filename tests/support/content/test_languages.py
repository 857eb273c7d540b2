"""Which language comes nearest: lookup and filtering of RFC 4647, with the weights of RFC 9110."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.content.languages import find_language, look_up, matches, read_languages


@pytest.mark.parametrize(
    ("asked", "available", "found"),
    [
        pytest.param("de", ["en", "de"], "de", id="the tag"),
        pytest.param("DE", ["en", "de"], "de", id="in another case"),
        pytest.param("de-ch", ["en", "de-CH"], "de-CH", id="as it is written in the list"),
        pytest.param("de-CH", ["en", "de"], "de", id="without its end"),
        pytest.param("zh-Hant-CN-x-private1-private2", ["zh-Hant"], "zh-Hant", id="RFC 4647, section 3.4"),
        pytest.param(
            "zh-Hant-CN-x-private1-private2", ["zh-Hant-CN-x-private1"], "zh-Hant-CN-x-private1", id="private"
        ),
        pytest.param(
            "zh-Hant-CN-x-private1", ["zh-Hant-CN-x", "zh"], "zh", id="a single letter goes with what follows"
        ),
        pytest.param("de-CH", ["de-CH-1996", "de"], "de", id="lookup comes first"),
        pytest.param("de", ["en", "de-AT", "de-CH"], "de-AT", id="filtering: the first that begins with it"),
        pytest.param("de-CH", ["de-CH-1996"], "de-CH-1996", id="RFC 4647, section 3.3.1: de-de matches de-DE-1996"),
        pytest.param("de-DE", ["de-Deva"], None, id="RFC 4647, section 3.3.1: de-de does not match de-Deva"),
        pytest.param("de-DE", ["de-Latn-DE"], None, id="RFC 4647, section 3.3.1: nor de-Latn-DE"),
        pytest.param("de-CH", ["de-AT"], None, id="another country"),
        pytest.param("d", ["de"], None, id="a part of a subtag"),
        pytest.param("fr", ["en", "de"], None, id="nothing"),
        pytest.param("*", ["en"], None, id="a star"),
        pytest.param("de-*", ["de"], None, id="an extended range"),
        pytest.param("", ["en"], None, id="an empty text"),
        pytest.param("de_CH", ["de"], None, id="no tag"),
        pytest.param("de-" + "a-" * 100 + "b", ["de"], None, id="too long"),
    ],
)
def test_a_range_finds_a_language(asked: str, available: list[str], found: str | None) -> None:
    assert look_up(asked, available) == found


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        pytest.param([], "en", id="no field"),
        pytest.param([""], "en", id="an empty one"),
        pytest.param(["da, en-gb;q=0.8, en;q=0.7"], "en", id="RFC 9110, section 12.5.4"),
        pytest.param(["de"], "de", id="one"),
        pytest.param(["fr;q=0.5, de;q=0.8"], "de", id="the highest weight"),
        pytest.param(["fr, de"], "fr", id="the first of equal weights"),
        pytest.param(["fr;q=0.5", "de"], "de", id="several fields"),
        pytest.param(["de-CH, fr;q=0.9, de;q=0.8"], "de", id="a range is looked up to its end before the next"),
        pytest.param(["pt, fr;q=0.1"], "pt-BR", id="filtering comes before the next range"),
        pytest.param(["xx, fr;q=0.1"], "fr", id="what there is not is passed over"),
        pytest.param(["*"], "en", id="a star alone"),
        pytest.param(["xx, *"], "en", id="a star at the end"),
        pytest.param(["*, de;q=0.5"], "de", id="a star says nothing"),
        pytest.param(["de;q=0"], "en", id="a weight of 0"),
        pytest.param(["de-CH, de;q=0, fr;q=0.1"], "fr", id="what is excluded is not found by its end"),
        pytest.param(["pt-PT, pt;q=0, fr;q=0.1"], "fr", id="nor what begins with it"),
        pytest.param(["pt-BR, pt;q=0"], "pt-BR", id="but what is asked for by name"),
        pytest.param(["en;q=0, *"], "fr", id="anything but the default"),
        pytest.param(["en;q=0"], "en", id="the default, if there is nothing else"),
        pytest.param(["*;q=0"], "en", id="nothing at all"),
        pytest.param(["*;q=0, de;q=0.1"], "de", id="one and nothing else"),
        pytest.param(["de;q=x, fr;q=0.1"], "fr", id="a weight that cannot be read"),
    ],
)
def test_a_client_gets_the_language_it_likes_best(fields: list[str], found: str) -> None:
    assert find_language(fields, ["fr", "en", "de", "pt-BR"], "en") == found


def test_the_default_need_not_be_the_first() -> None:
    assert read_languages("name()", ["en", "de"], None) == (("en", "de"), "en")
    assert read_languages("name()", ("en", "de"), "de") == (("en", "de"), "de")


@given(st.lists(st.text(max_size=60), max_size=3))
def test_whatever_is_sent_one_of_them_is_found(fields: list[str]) -> None:
    assert find_language(fields, ["fr", "en"], "en") in ("fr", "en")


@given(st.from_regex(r"[a-z]{1,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True), st.sampled_from(["-x", "-deva-1996", ""]))
def test_a_range_matches_what_begins_with_it(asked: str, rest: str) -> None:
    assert matches(asked, asked.upper() + rest)
    assert not matches(asked, f"{asked}x{rest}")
    assert look_up(asked, [asked + rest]) == asked + rest


@pytest.mark.parametrize(
    ("available", "default", "told"),
    [
        ("en", None, r"available='en'; list the languages"),
        ([], None, r"available=\[\]; list the languages"),
        ({"en"}, None, "list the languages"),
        (["en", "de_CH"], None, "available='de_CH'; write a language tag, with hyphens"),
        (["*"], None, r"available='\*'; write a language tag"),
        ([""], None, "available=''; write a language tag"),
        ([None], None, "available=None; write a language tag"),
        (["x" + "-a" * 60], None, "write a language tag"),
        (["en", "EN"], None, "list each language once"),
        (["en", "de"], "fr", "default='fr'; write"),
        (["en", "de-CH"], "de", "default='de'; write"),
    ],
    ids=repr,
)
def test_what_is_no_language_is_refused(available: Any, default: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^name\(\): .*{told}"):
        read_languages("name()", available, default)
