"""What must not be read in a log: credentials in queries, headers and addresses of pages.

Rules kept here: names are compared by their words, without regard to case and to what stands between them, so that
`api_key`, `X-Api-Key`, `apiKey` and `user[api.key]` are one; a name is secret if its last words are, a long one if it
but ends so (`csrftoken`), also in the plural, and with `value`, `text`, `str` or `string` behind; what is
percent-encoded is read as well. What cannot be taken apart is masked as a whole. Of names that are short it is
remembered whether they are secret, of so many; of values nothing is.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from ...option_checks import check_list, check_text

__all__ = ("MASK", "SECRET_HEADERS", "SECRET_PARAMETERS", "SecretNames", "mask_header", "mask_query", "mask_text")

MASK = "***"
_ANYWHERE = (
    *("access_key", "api_key", "assertion", "auth", "authentication", "authorization", "cookie", "credential"),
    *("credentials", "csrf", "jwt", "otp", "passcode", "passphrase", "passwd", "password", "private_key", "pwd"),
    *("secret", "secret_key", "sessid", "session", "session_id", "sid", "signature", "token", "xsrf"),
)
SECRET_HEADERS = frozenset(
    (*_ANYWHERE, "auth_key", "dpop", "functions_key", "sec_websocket_protocol", "set_cookie", "subscription_key")
)
SECRET_PARAMETERS = frozenset(
    (
        *_ANYWHERE,
        *("bearer", "code", "code_verifier", "hmac", "key", "nonce", "oauth_verifier", "pass", "password_again"),
        *("password_confirm", "password_confirmation", "password_repeat", "pin", "saml_request", "saml_response"),
        *("sig", "state", "ticket"),
    )
)

# what stands before credentials (the registry of HTTP authentication schemes, and what clouds have made up)
_SCHEMES = frozenset(
    (
        *("apikey", "aws4-hmac-sha256", "basic", "bearer", "concealed", "digest", "dpop", "gnap", "hawk", "hoba"),
        *("mutual", "negotiate", "ntlm", "oauth", "privatetoken", "scram-sha-1", "scram-sha-256", "token", "vapid"),
    )
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_EQUALS = re.compile(r"[=:]")
_BREAK = re.compile(r"([&#]|(?<![=:\s])\s+(?![=:\s]))")
_USER = re.compile(r"//[^/?#\s]*@")
_CREDENTIALS = re.compile(r"\b(basic|bearer)\s+\S+", re.IGNORECASE)
_MAY_HIDE = re.compile(r"[=:@%]|basic|bearer", re.IGNORECASE)  # without any of these, a text has nothing to mask
_LONG = 5  # letters, from which on a name is known by its end
_ROUNDS = 5  # of percent-encoding, which are taken off
_BEHIND = re.compile(r"(?:value|text|str|string)s?$|s$")  # what stands behind the name of a secret, or is its plural
_MOST_BEHIND = 4
_MOST = 512  # names that are remembered: requests have much the same, and clients may make up any
_LONGEST = 64  # characters of one of them


class SecretNames:
    """Names of what is secret; `name in names` compares their last words.

    Args:
        battery: its name, as in errors.
        option: its name.
        names: as they are written.

    Raises:
        ConfigurationError: that is no list of names.
    """

    def __init__(self, battery: str, option: str, names: object) -> None:
        listed = check_list(battery, option, names, example="token")
        folded = {"".join(_read_words(check_text(battery, option, one))) for one in listed} - {""}
        self._short = frozenset(name for name in folded if len(name) < _LONG)
        self._long = tuple(sorted(folded - self._short))
        self._remembered = functools.lru_cache(maxsize=_MOST)(self._compare)

    def __contains__(self, name: str) -> bool:
        return self._remembered(name) if len(name) <= _LONGEST else self._compare(name)

    def _compare(self, name: str) -> bool:
        return any(self._end(words) for words in _list_readings(_read_words(_decode(name) or name)))

    def _end(self, words: list[str]) -> bool:
        tails = ("".join(words[-count:]) for count in range(1, _LONG))  # of letters, at the shortest
        return "".join(words).endswith(self._long) or any(tail in self._short for tail in tails)


def mask_query(query: str, secrets: SecretNames) -> str:
    """Return a raw query, as it was sent, without the values of secret parameters."""
    return "&".join([_mask_pair(pair, secrets) for pair in query.split("&")])


def mask_text(text: str, secrets: SecretNames) -> str:
    """Return a text, such as the address of a page, without the values of what bears a secret name."""
    if not _MAY_HIDE.search(text):
        return text
    text = _CREDENTIALS.sub(rf"\1 {MASK}", _USER.sub(f"//{MASK}@", text))
    kept = ""
    for piece in _BREAK.split(text):
        masked = _mask_pair(piece, secrets)
        kept += masked
        if masked != piece and piece.count('"') % 2:  # where the quoted text ends is anybody's guess
            return kept
    return kept


def mask_header(name: str, value: str, secrets: SecretNames, parameters: SecretNames) -> str:
    """Return the value of a header; of a secret one its scheme alone, if it has a known one, as in `Bearer ***`.

    Args:
        name: of the header.
        value: as it was sent.
        secrets: names of secret headers.
        parameters: names of what is secret inside of the others.
    """
    if name not in secrets:
        return mask_text(value, parameters)
    scheme, blank, _ = value.partition(" ")
    is_scheme = blank and name.lower().endswith("authorization") and scheme.lower() in _SCHEMES
    return f"{scheme} {MASK}" if is_scheme else MASK


def _mask_pair(pair: str, secrets: SecretNames) -> str:
    begun = 0
    for name in _EQUALS.split(pair)[:-1]:
        begun += len(name) + 1
        if name in secrets:
            return pair[:begun] + MASK
    if "%" not in pair or not _hides_secret(pair, secrets):
        return pair
    name, equals, _ = pair.partition("=")
    return f"{name}={MASK}" if equals and "%3D" not in name.upper() else MASK


def _hides_secret(pair: str, secrets: SecretNames) -> bool:
    """Whether there is one in what is percent-encoded, such as the address of the next page."""
    decoded = _decode(pair)
    names = (name for part in _BREAK.split(decoded or "") for name in _EQUALS.split(part)[:-1])
    return decoded is None or any(name in secrets for name in names)


def _decode(text: str) -> str | None:
    """Take off all percent-encoding; `None` if there is no end to it."""
    for _ in range(_ROUNDS):
        decoded = unquote_plus(text)
        if decoded == text:
            return text
        text = decoded
    return None


def _read_words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _list_readings(words: list[str]) -> Iterator[list[str]]:
    """The words of a name, and the same without what stands behind: of `tokenValues` also `token`."""
    yield words
    for _ in range(_MOST_BEHIND):
        *before, last = words or [""]
        shorter = _BEHIND.sub("", last)
        if shorter == last:
            return
        words = [*before, shorter] if shorter else before
        yield words
