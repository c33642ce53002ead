"""Numbers that a person types on the page."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[3] / "valuescape" / "browser" / "static"

TYPED = {
    "0,125": 0.125,
    "1,5": 1.5,
    "−3,25 m": -3.25,
    "12,345": 12345,
    "1,234,567.5": 1234567.5,
    "1e3": 1000,
    "no": None,
}


def test_a_comma_groups_digits_or_is_a_decimal_comma(tmp_path):
    """It groups only where a number so written could be: 0,125 is an eighth."""
    if shutil.which("node") is None:
        pytest.skip("needs node")
    (tmp_path / "numbers.mjs").write_text((STATIC / "numbers.js").read_text("utf-8"), "utf-8")
    cases = f"JSON.stringify({json.dumps([*TYPED])}.map(read))"
    script = f"import {{ read }} from './numbers.mjs'; console.log({cases})"
    (tmp_path / "cases.mjs").write_text(script, "utf-8")
    done = subprocess.run(["node", "cases.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [*TYPED.values()]
