"""Autobahn's fuzzing client on Python 3: the cases of its suite, on the library that they were written for.

The suite is written in Python 2, where text is octets. Its cases are read from where pip has put them and changed
while they are imported: all their text is Latin-1, one character for each octet, and becomes bytes where it reaches
the protocol. What a case sends, expects and judges is its own.

Runs by itself, in an environment of its own, so it imports nothing from here:
`python autobahn_client.py CASES NAME=URL ...` runs all cases against each server and prints what came of them as JSON.
"""

from __future__ import annotations

import binascii
import builtins
import importlib.abc
import importlib.util
import json
import re
import sys
import types
from pathlib import Path
from typing import Any

from autobahn.twisted.websocket import (  # type: ignore[import-not-found]  # not in the environment of the tests
    WebSocketClientFactory,
    WebSocketClientProtocol,
)
from autobahn.websocket.utf8validator import Utf8Validator  # type: ignore[import-not-found]  # nor this
from twisted.internet import reactor  # type: ignore[import-not-found]  # nor this

_LEFT_OUT = r"9|12|13"  # groups of cases: limits and performance, compression
_CHANGES = (
    (rf"^(from case(?:{_LEFT_OUT})_|Cases.*Case(?:{_LEFT_OUT})_|CaseSub.*Case(?:{_LEFT_OUT})_)", r"pass  # \1"),
    (r"^( *)print (.*)$", r"\1print(\2)"),
    (r"^import binascii$", "import octets as binascii"),
    (r"^from autobahn.websocket.utf8validator import Utf8Validator$", "from octets import Utf8Validator"),
    (r"\(object, Case, \)", "(Case, )"),
    (r" / ", " // "),
)


# ---- the cases, imported


class _Cases(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the modules of the suite by their bare names, as Python 2 does within a package."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname == "cases" or (self._folder / f"{fullname}.py").is_file():
            return importlib.util.spec_from_loader(fullname, self)
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        name = "__init__" if module.__name__ == "cases" else module.__name__
        source = (self._folder / f"{name}.py").read_text(encoding="latin-1")
        for pattern, replacement in _CHANGES:
            source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
        exec(compile(source, f"{name}.py", "exec"), module.__dict__)  # the suite, from PyPI, by its exact version


class _Octets(types.ModuleType):
    """What cases import, for text that is octets."""

    @staticmethod
    def b2a_hex(text: str) -> str:
        return binascii.b2a_hex(_encode(text)).decode("ascii")

    class Utf8Validator(Utf8Validator):  # type: ignore[misc]  # a package without types
        """Validates text that is octets."""

        def validate(self, text: str) -> Any:
            return super().validate(_encode(text))


def import_cases(folder: Path) -> list[Any]:
    """Import the cases that are run."""
    vars(builtins)["xrange"] = range
    sys.modules["octets"] = _Octets("octets")
    sys.meta_path.insert(0, _Cases(folder))
    module = importlib.import_module("cases")
    vars(sys.modules["case"])["Case"].compare = lambda case, one, other: one == other  # pickles tell objects apart
    cases: list[Any] = vars(module)["Cases"]
    return cases


def _encode(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


# ---- the client


class _Protocol(WebSocketClientProtocol):  # type: ignore[misc]  # a package without types
    """One connection, for one case."""

    def connectionMade(self) -> None:
        self.connectionWasOpen = False
        self.txFrameStats: dict[int, int] = {}
        super().connectionMade()

    def onOpen(self) -> None:
        self.connectionWasOpen = True
        self.runCase.onOpen()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.runCase.onMessage(payload.decode("latin-1"), isBinary)

    def onPing(self, payload: bytes) -> None:
        self.runCase.onPing(payload.decode("latin-1"))

    def onPong(self, payload: bytes) -> None:
        self.runCase.onPong(payload.decode("latin-1"))

    def onClose(self, wasClean: bool, code: Any, reason: Any) -> None:
        self.runCase.onClose(wasClean, code, reason)

    def connectionLost(self, reason: Any) -> None:
        super().connectionLost(reason)
        self.runCase.onConnectionLost(self.failedByMe)
        case = self.runCase
        self.factory.tell([case.behavior, case.behaviorClose, self.remoteCloseCode, self.remoteCloseReason])

    def logRxOctets(self, *of_call: Any) -> None:
        """Keep no log."""

    def logTxOctets(self, *of_call: Any) -> None:
        """Keep no log."""

    def logRxFrame(self, *of_call: Any) -> None:
        """Keep no log."""

    def logTxFrame(self, frameHeader: Any, *of_call: Any) -> None:
        self.txFrameStats[frameHeader.opcode] = self.txFrameStats.get(frameHeader.opcode, 0) + 1

    def sendFrame(self, opcode: int, payload: Any = b"", *args: Any, payload_len: Any = None, **options: Any) -> None:
        octets = _encode(payload)
        if payload_len is not None:  # repeated
            octets = (octets * (payload_len // len(octets) + 1))[:payload_len]
        super().sendFrame(opcode, octets, *args, **options)

    def sendMessage(self, payload: Any, *args: Any, **options: Any) -> None:
        super().sendMessage(_encode(payload), *args, **options)

    def sendMessageFrameData(self, payload: Any, sync: bool = False) -> Any:
        return super().sendMessageFrameData(_encode(payload), sync)

    def sendCloseFrame(self, code: Any = None, reasonUtf8: Any = None, isReply: bool = False) -> None:
        super().sendCloseFrame(code, None if reasonUtf8 is None else _encode(reasonUtf8), isReply)

    # what cases ask of the client besides

    def enableWirelog(self, enable: bool) -> None:
        """Keep no log."""

    def continueLater(self, delay: float, function: Any, tag: Any = None) -> None:
        self._call_if_open(delay, function)

    def killAfter(self, delay: float) -> None:
        self._call_if_open(delay, self.failConnection)

    def closeAfter(self, delay: float) -> None:
        self._call_if_open(delay, self.sendClose)

    def _call_if_open(self, delay: float, function: Any) -> None:
        reactor.callLater(delay, lambda: self.state == self.STATE_CLOSED or function())


class _Factory(WebSocketClientFactory):  # type: ignore[misc]  # a package without types
    """Runs the cases against one server, one after the other."""

    def __init__(self, url: str, cases: list[Any]) -> None:
        super().__init__(url)
        self.setProtocolOptions(failByDrop=False)
        self.logFrames = True
        self.found: dict[str, list[Any]] = {}
        self._left = list(cases)

    def connect(self) -> None:
        reactor.connectTCP(self.host, self.port, self)

    def buildProtocol(self, addr: Any) -> _Protocol:
        protocol = _Protocol()
        protocol.factory = self
        protocol.runCase = self._left[0](protocol)
        return protocol

    def tell(self, verdict: list[Any]) -> None:
        name = self._left.pop(0).__name__.removeprefix("Case").replace("_", ".")
        self.found[name] = verdict

    def clientConnectionLost(self, connector: Any, reason: Any) -> None:
        if self._left:
            connector.connect()
        else:
            self.end()

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        print(reason.getErrorMessage(), file=sys.stderr)
        self.end()

    def end(self) -> None:
        _running.remove(self)
        if not _running:
            reactor.stop()


_running: list[_Factory] = []


def main() -> None:
    """Run against all servers at once, and print what came of it."""
    folder, *servers = sys.argv[1:]
    cases = import_cases(Path(folder))
    factories = {name: _Factory(url, cases) for name, _, url in (server.partition("=") for server in servers)}
    _running.extend(factories.values())
    for factory in factories.values():
        factory.connect()
    reactor.run()
    print(json.dumps({name: factory.found for name, factory in factories.items()}))


if __name__ == "__main__":
    main()
