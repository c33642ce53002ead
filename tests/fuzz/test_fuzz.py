"""A share of the fuzzers' cases; `make fuzz` has all of them."""

import pytest
from all_subjects import CASES, subjects
from fuzzing import Subject, fuzz

from valuescape.sim.errors import UsageError

SHARE = 40


@pytest.fixture(scope="module")
def fuzzers(tmp_path_factory):
    return subjects(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("name", CASES)
def test_every_input_is_read_or_refused_in_a_sentence(fuzzers, name):
    assert fuzzers.keys() == CASES.keys()
    outcome = fuzz(fuzzers[name], range(CASES[name] // SHARE))
    assert outcome.failures == []
    assert outcome.accepted + outcome.refused == CASES[name] // SHARE
    assert outcome.refused > 0


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("nobody expected it"), "Traceback"),
        (UsageError(" "), "an empty message"),
    ],
)
def test_a_fuzzer_notices_what_is_no_sentence(error, said):
    def read(_):
        raise error

    ((_, content, complaint),) = fuzz(Subject("x", lambda rng: rng.randbytes(3), read), range(1)).failures
    assert said in complaint
    assert len(content) == 3


def test_a_fuzzer_notices_a_hang(monkeypatch):
    def read(_):
        while True:
            pass

    monkeypatch.setattr("fuzzing.LIMIT_S", 0.05)
    ((*_, complaint),) = fuzz(Subject("x", lambda _: b"", read), range(1)).failures
    assert complaint == "took more than 0.05 s"


def test_cases_are_the_same_in_every_run(fuzzers):
    from fuzzing import case

    for name in ("toml", "set", "reports"):
        assert case(fuzzers[name], 7) == case(fuzzers[name], 7)
        assert len({case(fuzzers[name], index) for index in range(20)}) > 15
