"""What reports and recordings say of the machine and of versions."""

import platform

import numpy as np

from valuescape.environment import machine, versions
from valuescape.recordings.recording import exact_versions


def test_versions_are_of_what_is_installed():
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert found["valuescape"] != "none"


def test_a_package_that_is_missing_has_no_version(monkeypatch):
    monkeypatch.setattr("valuescape.environment._PACKAGES", ("numpy", "no-such-package"))
    assert versions()["no-such-package"] == "none"


def test_recordings_and_reports_name_the_same_versions():
    exact, reported = exact_versions(), versions()
    assert exact.pop("machine") == platform.machine()
    assert exact.items() <= reported.items()


def test_the_machine_has_a_processor_and_cores():
    assert machine()["processor"]
    assert machine()["cores"] >= 1
