"""Actors whose node's own process ends."""

import signal
import subprocess
import sys

from processes import running, wait_until

ACTOR = """
import time
from valuescape.sim.cluster.orphans import end_with_raylet
end_with_raylet()
print("here", flush=True)
time.sleep(60)
"""
RAYLET = f"""
import subprocess, sys, time
actor = subprocess.Popen([sys.executable, "-c", {ACTOR!r}], stdout=subprocess.PIPE)
actor.stdout.readline()
print(actor.pid, flush=True)
time.sleep(60)
"""


def test_an_actor_ends_with_the_process_that_started_it_though_nobody_has_noted_its_end():
    command = [sys.executable, "-c", RAYLET]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as raylet:
        actor = int(raylet.stdout.readline())
        assert running(actor)
        raylet.send_signal(signal.SIGKILL)  # a zombie until the block's end
        wait_until(lambda: not running(actor), 10.0, "the actor ends")
