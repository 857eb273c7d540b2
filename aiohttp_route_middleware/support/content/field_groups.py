"""Groups of header fields that tell of the same thing; who needs more of them says so himself."""

from __future__ import annotations

from aiohttp import hdrs
from multidict import istr

__all__ = ("CONTENT", "DIGESTS", "FRAMING")

FRAMING = (hdrs.CONTENT_LENGTH, hdrs.TRAILER, hdrs.TRANSFER_ENCODING)
"""Where a body ends, and what comes after it (RFC 9112, section 6; RFC 9110, sections 6.6.2 and 8.6)."""

DIGESTS = (istr("Content-Digest"), hdrs.CONTENT_MD5, hdrs.DIGEST, istr("Repr-Digest"))
"""Of the bytes of a body (RFC 9530, and what was before it)."""

CONTENT = (*DIGESTS, hdrs.CONTENT_DISPOSITION, hdrs.CONTENT_LANGUAGE, hdrs.CONTENT_RANGE)
"""What a body is about, whatever its type (RFC 9110, sections 8.5 and 14.4; RFC 6266)."""
