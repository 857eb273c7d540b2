"""The benches run; their figures are not looked at here, for a test must not depend on the machine's mood."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("suite", ["core", "index", "batteries"])
def test_a_quick_run_prints_every_table_and_writes_nothing(suite: str) -> None:
    results = ROOT / "bench" / "results" / f"{suite}.md"
    before = results.read_text()
    command = [sys.executable, "-m", "bench", suite, "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    titles = [line for line in before.splitlines() if line.startswith("## ")]
    assert titles
    assert [title for title in titles if title not in done.stdout] == []
    assert results.read_text() == before
