"""The fuzzer of reports of every kind, read as by `compare`."""

import json
import random
from pathlib import Path

from fuzzing import Subject, reader_of_files
from mutations import spoilt_bytes, spoilt_json
from reports import REPORTS

from valuescape.studies.compare import compare, read_report


def make(rng: random.Random) -> bytes:
    report = REPORTS[rng.choice([*REPORTS])]
    if rng.randrange(8) == 0:
        return spoilt_bytes(rng, json.dumps(report).encode())
    return spoilt_json(rng, report)


def subjects(folder: Path) -> list[Subject]:
    sound = {}
    for name, report in REPORTS.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(report))
        sound[type(read_report(path))] = read_report(path)

    def read(path: Path) -> None:
        report = read_report(path)
        for one, other in ((report, sound[type(report)]), (sound[type(report)], report)):
            found = compare(one, other)
            assert all(line.isprintable() for line in (*found.warnings(), *found.reasons))

    return [Subject("reports", make, reader_of_files(folder, "a.json", read))]
