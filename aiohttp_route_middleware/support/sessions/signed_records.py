"""What is kept of a session in its cookie, signed; on itsdangerous."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ...errors import MissingDependencyError
from .records import Record

try:
    from itsdangerous import BadSignature, Signer
    from itsdangerous.encoding import base64_decode, base64_encode
except ImportError as _error:
    raise MissingDependencyError("itsdangerous", "sessions") from _error

__all__ = ("SignedRecords",)


@dataclass(frozen=True, repr=False)  # no secret is ever shown
class SignedRecords:
    """Records in the cookies themselves.

    Args:
        secrets: the first one signs, all are accepted.
        salt: keeps what was signed for another purpose apart.
    """

    secrets: Sequence[bytes]
    salt: str

    @cached_property
    def _signer(self) -> Signer:
        keys = [*reversed(self.secrets)]  # itsdangerous signs with the last one
        return Signer(keys, salt=self.salt, key_derivation="hmac", digest_method=hashlib.sha256)

    async def find(self, value: str) -> Record | None:
        """Return what is kept in the value of a cookie."""
        try:
            token, _, text = self._signer.unsign(value).partition(b".")
        except BadSignature:
            return None
        return Record(token.decode(), base64_decode(text).decode())

    async def keep(self, record: Record, *, ttl: float, is_new: bool) -> str | None:
        """Sign a record; the cookie ends it."""
        return self._signer.sign(b".".join((record.token.encode(), base64_encode(record.text)))).decode()

    async def drop(self, token: str) -> bool:
        """Nobody can take back, nor know, what is in the hands of others."""
        return True
