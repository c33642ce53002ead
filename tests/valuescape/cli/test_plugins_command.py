"""The command `plugins`: a table, or JSON, of what is found; nothing of it is run."""

import json
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "examples" / "plugins"


def test_the_table_and_the_json_tell_kind_order_place_and_state(cli):
    files = [part for name in ("cockpit", "steepness") for part in ("--plugin", EXAMPLES / f"{name}.py")]
    status, out, errors = cli("plugins", *files)
    assert (status, errors) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    assert [row[1] for row in rows] == ["steepness", "cockpit"], "it comes after what it needs"
    assert rows[1][2:6] == ["panel", "steepness", "loads at the start", "--plugin"]
    status, out, _ = cli("plugins", *files, "--json")
    found = json.loads(out)
    assert [each["kind"] for each in found] == ["map layer", "panel"]
    assert found[0]["source"] == str(EXAMPLES / "steepness.py")
    assert found[0]["line"] > 10


def test_what_cannot_be_found_or_read_is_said_with_status_1(cli, tmp_path):
    (tmp_path / "broken.py").write_text("def (")
    (tmp_path / "mine.toml").write_text('[plugins]\nmodules = ["no_such_module"]\n')
    status, out, errors = cli("plugins", "mine.toml", "--plugin", "broken.py")
    assert status == 1
    assert "no plug-in: no_such_module: no installed package has this module" in errors
    assert "broken.py: is no Python: invalid syntax" in errors
    assert out.count("trouble") == 2


def test_bad_input_is_two_lines_and_status_2(cli):
    status, _, errors = cli("plugins", "--plugin", "none.py")
    assert (status, len(errors.splitlines())) == (2, 2)
    assert "--plugin none.py: there is no such file" in errors
    assert cli("plugins")[:2] == (0, "no plug-ins; docs/plugins.md shows how to write one\n")
