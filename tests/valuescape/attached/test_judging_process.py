"""The process that judges checkpoints, when its viewer is killed."""

import os
import signal
import subprocess
import sys

import pytest
from processes import descendants, wait_for_end

SCRIPT = """
import os, time

from valuescape.attached.judging import Judge
from valuescape.presets import config_path
from valuescape.sim.config.files import load_config


class Slow:
    def __init__(self):
        self.made_by = os.getpid()

    def __getattr__(self, name):
        import os, time  # the judging process gets this class without the script's names

        if name.startswith("__") or self.__dict__.get("made_by") in (None, os.getpid()):
            raise AttributeError(name)
        print("judging", flush=True)
        time.sleep(300)


Judge(load_config(config_path("swingup"))).ask(1, Slow)
time.sleep(300)
"""


@pytest.mark.chaos
@pytest.mark.timeout(60)
def test_it_ends_with_its_viewer_in_the_middle_of_a_judgement():
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True) as viewer:
        try:
            assert viewer.stdout.readline() == "judging\n"
            children = descendants(viewer.pid)
        finally:
            os.kill(viewer.pid, signal.SIGKILL)
        assert children
        wait_for_end(children, 5)
