"""Switches: the file that is looked for."""

from pathlib import Path

import pytest

from aiohttp_route_middleware.support.traffic.switches import FileSwitch


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_file_is_looked_for_once_a_second(tmp_path: Path) -> None:
    path, clock = tmp_path / "on", Clock()
    switch = FileSwitch(str(path), clock)
    assert not switch(None)
    path.touch()
    clock.now += 0.9
    assert not switch(None)
    clock.now += 0.1
    assert switch(None)
    path.unlink()
    assert switch(None)
    clock.now += 1
    assert not switch(None)


def test_a_folder_that_has_gone_is_off(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not FileSwitch(str(tmp_path / "file" / "on"))(None)


def test_a_file_that_cannot_be_looked_for_is_an_error(tmp_path: Path) -> None:
    """Root may look everywhere, so that it is a name that no file can have."""
    with pytest.raises(OSError):  # noqa: PT011  # of the system, in its language
        FileSwitch(str(tmp_path / ("x" * 5000)))(None)
