"""What is installed: one package, that no folder and no other distribution can take the place of."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("sim", "gpu", "render", "configs")
RUN = (
    *("run", "demo", "--headless", "--ticks", "3", "--set", "workers.count=1", "--set", "agents.count=70"),
    *("--set", "render.width=160", "--set", "render.height=120", "--set", "features.simd=false"),
)


def called(*command, cwd):
    """Run a command in a process of its own, without what this process has on its path."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(each) for each in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    called(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (found,) = folder.glob("*.whl")
    return found


class Environment:
    """A virtual environment of its own, which finds our dependencies where they are, and not this tree."""

    def __init__(self, folder):
        venv.create(folder)
        self.python = folder / "bin" / "python"
        self.packages = next(folder.glob("lib/python*/site-packages"))
        # Of the folder that a .pth file names the modules are found; its own .pth files are not read.
        (self.packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def install(self, wheel):
        self.pip("install", "--no-deps", "--no-index", wheel)

    def pip(self, *arguments):
        called(sys.executable, "-m", "pip", "-q", "--python", self.python, *arguments, cwd=self.packages)

    def valuescape(self, *arguments, cwd):
        return called(self.python, "-m", "valuescape", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment with our wheel; each test leaves it so."""
    environment = Environment(tmp_path_factory.mktemp("installed") / "environment")
    environment.install(wheel)
    return environment


def test_the_wheel_has_one_package_with_all_that_the_folders_hold(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"valuescape"}
    files = {
        f"valuescape/{path.relative_to(ROOT)}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files <= names
    assert "valuescape/py.typed" in names
    assert {f"valuescape/notebook/static/view.{ending}" for ending in ("js", "css")} <= names


def test_a_folder_of_the_user_s_with_the_same_names_is_not_ours(installed, tmp_path):
    """With `-m` the current folder comes first on the path, in worker processes too."""
    folder = tmp_path / "project"
    for room in ("sim", "configs"):
        (folder / room).mkdir(parents=True)
        (folder / room / "__init__.py").write_text("raise RuntimeError('this is mine')\n")
    for room in ("gpu", "render"):
        (folder / f"{room}.py").write_text("raise RuntimeError('this is mine')\n")
    assert "FPS" in installed.valuescape(*RUN, cwd=folder)
    key = "from valuescape.sim.codegen.compiler import source_key; print(source_key())"
    assert len(called(installed.python, "-c", key, cwd=folder).strip()) == 64, (
        "names the machine code's sources"
    )


def test_no_module_is_taken_from_the_current_folder(installed, tmp_path):
    """Nor in worker processes, which `multiprocess` starts by `python -c`."""
    folder = tmp_path / "project"
    for name in ("multiprocess", "numpy", "valuescape"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise RuntimeError('this is of the current folder')\n")
    for method in ("spawn", "forkserver"):
        command = installed.python.parent / "valuescape", *RUN, "--set", f"workers.start_method={method}"
        assert "FPS" in called(*command, cwd=folder)


def test_another_distribution_that_owns_a_sim_leaves_ours_whole(installed, tmp_path):
    other = tmp_path / "othersim-1.0-py3-none-any.whl"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("sim/__init__.py", "raise RuntimeError('this is another')\n")
        archive.writestr("sim/errors.py", "")
        about = "Metadata-Version: 2.1\nName: othersim\nVersion: 1.0\n"
        archive.writestr("othersim-1.0.dist-info/METADATA", about)
        archive.writestr("othersim-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("othersim-1.0.dist-info/RECORD", "")
    installed.install(other)
    assert (installed.packages / "sim" / "errors.py").exists()
    assert "FPS" in installed.valuescape(*RUN, cwd=tmp_path)
    installed.pip("uninstall", "-y", "othersim")
    assert "FPS" in installed.valuescape(*RUN, cwd=tmp_path)


def test_an_editable_install_has_one_name_and_follows_the_folders(tmp_path):
    folder = tmp_path / "editable"
    called(sys.executable, "-m", "hatchling", "build", "-t", "wheel:editable", "-d", folder, cwd=ROOT)
    environment = Environment(tmp_path / "environment")
    environment.install(next(folder.glob("*.whl")))
    script = (
        "import importlib.util as u, valuescape.sim.errors as e;"
        f"print(e.__file__, *(name for name in {ROOMS} if u.find_spec(name)))"
    )
    assert called(environment.python, "-c", script, cwd=tmp_path).split() == [
        str(ROOT / "valuescape" / "sim" / "errors.py")
    ]


def test_nothing_here_is_found_under_its_short_name():
    """From this process neither: two copies of a module would each have their own classes."""
    short = [name for name in sys.modules if name.partition(".")[0] in ROOMS]
    ours = [name for name in short if str(ROOT) in str(getattr(sys.modules[name], "__file__", ""))]
    assert ours == []
    spec = importlib.util.find_spec("valuescape.sim")
    assert spec
    assert spec.origin == str(ROOT / "valuescape" / "sim" / "__init__.py")
