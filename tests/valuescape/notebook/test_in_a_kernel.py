"""Views in a real kernel: cells that are interrupted and run again, and the end of the kernel."""

import base64
import io
import os
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

manager = pytest.importorskip("jupyter_client.manager")

pytestmark = [pytest.mark.gpu, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
OPEN = (
    "import valuescape\n"
    "settings = {'agents.count': 40, 'workers.count': 1, 'trails.length': 16}\n"
    "view = valuescape.show('demo', settings, width=240, height=160)\n"
    "view"
)
WORKERS = "view.call(lambda session: session.engine.worker_pids)"
WIDGET = "application/vnd.jupyter.widget-view+json"


class Cells:
    """A kernel, and what its cells put out."""

    def __init__(self, folder):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder / "ipython")}
        self.manager, self.client = manager.start_new_kernel(
            kernel_name="python3", cwd=str(folder), env=environment, startup_timeout=60
        )
        self.process = psutil.Process(self.manager.provisioner.pid)

    def begin(self, code, cell=None):
        content = {"code": code, "silent": False, "store_history": True}
        content |= {"user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell})
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def result(self, number):
        """Return the outputs of a cell once it is done: by type, the last of each."""
        found = {}
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != number:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return found
            found[kind] = content.get("data") or content.get("text") or content.get("ename")

    def run(self, code, cell=None):
        return self.result(self.begin(code, cell))

    def value(self, code):
        found = self.run(code)
        assert "execute_result" in found, found
        return eval(found["execute_result"]["text/plain"])

    def close(self):
        self.client.stop_channels()
        if self.process.is_running():
            self.manager.shutdown_kernel(now=True)


@pytest.fixture
def cells(tmp_path):
    cells = Cells(tmp_path)
    yield cells
    cells.close()


def gone(pids, seconds=15):
    end = time.monotonic() + seconds
    while any(psutil.pid_exists(each) for each in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_a_view_outlives_interrupts_and_ends_with_its_cell_and_with_the_kernel(cells):
    shown = cells.run(OPEN, "first")
    assert set(shown) & {"stream", "error"} == set(), "nothing is printed"
    data = shown["execute_result"]
    assert WIDGET in data
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))))
    assert picture.shape == (160, 240, 3)

    workers = cells.value(WORKERS)
    endless = cells.begin("print('begun', flush=True)\nwhile True: pass")
    time.sleep(0.5)
    cells.manager.interrupt_kernel()
    assert cells.result(endless)["error"] == "KeyboardInterrupt"
    tick = cells.value("view.call(lambda session: session.engine.newest_tick)")
    assert cells.value("import time; time.sleep(0.5); view.closed") is False
    assert cells.value("view.call(lambda session: session.engine.newest_tick)") > tick
    assert cells.value(WORKERS) == workers

    again = cells.run(OPEN, "first")
    assert WIDGET in again["execute_result"]
    assert gone(workers)
    workers = cells.value(WORKERS)
    assert len(workers) == 1
    cells.manager.shutdown_kernel()
    assert gone([cells.process.pid, *workers])


@pytest.mark.chaos
def test_a_kernel_that_is_killed_leaves_no_worker(cells):
    cells.run(OPEN)
    workers = cells.value(WORKERS)
    os.kill(cells.process.pid, signal.SIGKILL)
    assert gone(workers)
