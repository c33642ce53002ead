"""Reads every case of every fuzzer (`make fuzz`); ends with status 1 if one fails."""

import argparse
import faulthandler
import sys
import tempfile
import time
from pathlib import Path

from all_subjects import CASES, subjects
from fuzzing import Outcome, fuzz

STEP = 250
STUCK_S = 120
KEPT = Path("runs/fuzz")


def main() -> int:
    args = parser().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = subjects(Path(folder))
        names = args.only or CASES
        outcomes = {name: run(found[name], args.cases or CASES[name], args.first) for name in names}
    failures = sum(len(each.failures) for each in outcomes.values())
    cases = sum(each.accepted + each.refused + len(each.failures) for each in outcomes.values())
    print(f"{cases:,} cases, {failures} of them not read or refused as they should be")
    return 1 if failures else 0


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    found.add_argument("only", nargs="*", choices=[*CASES, []], help="fuzzers; all if none is named")
    found.add_argument("--cases", type=int, help="cases of each fuzzer; its full number if not given")
    found.add_argument("--first", type=int, default=0, help="the first case's number")
    return found


def run(subject, cases: int, first: int) -> Outcome:
    """Read the cases of a fuzzer, print a summary, and keep the inputs that failed."""
    began, total = time.monotonic(), Outcome()
    for start in range(first, first + cases, STEP):
        faulthandler.dump_traceback_later(STUCK_S, exit=True)  # a reader that sleeps takes no processor time
        found = fuzz(subject, range(start, min(start + STEP, first + cases)))
        total.accepted += found.accepted
        total.refused += found.refused
        total.slowest_s = max(total.slowest_s, found.slowest_s)
        total.failures += found.failures
    faulthandler.cancel_dump_traceback_later()
    print(
        f"{subject.name:13}{cases:6,} cases: {total.accepted:5,} read, {total.refused:5,} refused, "
        f"{len(total.failures)} wrong; slowest {1000 * total.slowest_s:.0f} ms, "
        f"{time.monotonic() - began:.0f} s",
        flush=True,
    )
    for index, content, complaint in total.failures:
        KEPT.mkdir(parents=True, exist_ok=True)
        path = KEPT / f"{subject.name}-{index}"
        path.write_bytes(content)
        print(f"  {path}: {complaint.strip().splitlines()[-1][:300]}")
    return total


if __name__ == "__main__":
    sys.exit(main())
