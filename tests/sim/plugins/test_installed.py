"""Modules of installed packages: found by name alone, never in the current folder, and listed unrun."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from valuescape.sim.config.files import load_config
from valuescape.sim.config.sections import PluginsConfig
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins import PLUGINS, configured, installed
from valuescape.sim.plugins.loading import LOADED, load_module, loads

ROOT = Path(__file__).parents[3]
TEXT = """
from valuescape.api import main_system, system

@main_system()
def {name}(run):
    pass
"""


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Return a function that installs a package of modules, announced or not, into a folder of packages."""
    site_folder = tmp_path / "site-packages"
    site_folder.mkdir()
    known = installed.site.getsitepackages()
    monkeypatch.setattr(installed.site, "getsitepackages", lambda: [*known, str(site_folder)])
    monkeypatch.setattr(sys, "path", [*sys.path, str(site_folder)])
    before = set(sys.modules)

    def forget():
        installed._folders.cache_clear()
        installed.announced.cache_clear()

    def install(package, modules, entries=()):
        folder = site_folder / package
        folder.mkdir()
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(text)
        info = site_folder / f"{package}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        lines = "".join(f"{name} = {value}\n" for name, value in entries)
        (info / "entry_points.txt").write_text(f"[valuescape.plugins]\n{lines}")
        (info / "RECORD").write_text("".join(f"{package}/{name}.py,,\n" for name in modules))
        (info / "top_level.txt").write_text(f"{package}\n")
        forget()

    yield install
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("gusts", "loud"):
            del sys.modules[name]
    forget()


def names():
    return [each.name for each in PLUGINS]


def test_a_module_that_a_configuration_names_is_imported(packages):
    packages("gusts", {"__init__": "", "more": TEXT.format(name="gust")})
    configured.load_configured(load_config(None, ["plugins.modules=['gusts.more']"]).plugins)
    assert names() == ["gust"]
    assert next(iter(PLUGINS)).place == "plugins.modules: gusts.more line 4"
    configured.load_configured(PluginsConfig(modules=("gusts.more",)))
    assert list(LOADED) == ["gusts.more"]
    assert not loads(), "nothing of it is for the workers"


def test_what_a_package_announces_is_loaded_unless_that_is_switched_off(packages):
    packages("gusts", {"__init__": TEXT.format(name="gust")}, [("gusts", "gusts")])
    configured.load_configured(PluginsConfig(installed=False))
    assert names() == []
    configured.load_configured(PluginsConfig())
    assert names() == ["gust"]
    assert next(iter(PLUGINS)).where == "entry point gusts of gusts: gusts"


def test_an_announced_module_that_fails_is_named_and_can_be_left_out(packages):
    packages("gusts", {"__init__": "import valuescape\n1 / 0"}, [("g", "gusts")])
    with pytest.raises(UsageError, match=r"entry point g of gusts: gusts: line 2: ZeroDivisionError") as said:
        configured.load_configured(PluginsConfig())
    assert "--set plugins.installed=false" in str(said.value)
    heard = []
    configured.load_configured(PluginsConfig(on_error="disable"), heard.append)
    assert "it is left out" in heard[0]


def test_what_another_module_imported_before_is_a_declaration_of_the_module(packages):
    packages("gusts", {"__init__": "", "more": TEXT.format(name="gust")})
    __import__("gusts.more")
    assert next(iter(PLUGINS)).source == ""
    load_module("gusts.more")
    assert [(each.name, each.source) for each in PLUGINS] == [("gust", "gusts.more")]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../gusts", "is no name of a module"),
        ("/tmp/gusts.py", "is no name of a module"),
        ("gusts;more", "is no name of a module"),
        ("", "is no name of a module"),
        ("os", "is a module of Python's own library"),
        ("antigravity", "is a module of Python's own library"),
        ("no_such_module", "no installed package has this module"),
        ("gusts.nothing", "no installed package has this module"),
        ("gusts", "does not import valuescape.api"),
        ("gusts.cut", "is no Python: "),
        ("numpy._core._multiarray_tests", "has no source that can be read"),
    ],
)
def test_a_name_that_is_no_plug_in_s_is_refused_unrun(packages, name, said):
    packages("gusts", {"__init__": "raise AssertionError('run')", "cut": "import valuescape\ndef ("})
    with pytest.raises(UsageError, match=said) as refusal:
        configured.load_configured(PluginsConfig(modules=(name,)))
    assert str(refusal.value).startswith("plugins.modules: ")
    assert not LOADED


def test_a_package_of_the_current_folder_that_is_loaded_gives_no_module_of_that_name(
    packages, tmp_path, monkeypatch
):
    packages("gusts", {"__init__": "", "more": TEXT.format(name="gust")})
    beside = tmp_path / "gusts"
    beside.mkdir()
    (beside / "__init__.py").write_text("")
    (beside / "more.py").write_text("raise AssertionError('run')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    __import__("gusts")
    with pytest.raises(UsageError, match=r"gusts\.more: another module gusts is loaded, from "):
        configured.load_configured(PluginsConfig(modules=("gusts.more",)))


LOUD = "open('run', 'w')\n" + TEXT.format(name="loud")


@pytest.mark.parametrize("options", [["-m", "valuescape"], ["-P", "-m", "valuescape"]])
def test_a_file_in_the_current_folder_or_beside_the_configuration_is_no_installed_module(tmp_path, options):
    """`python -m` searches the current folder first; PYTHONPATH names it, too."""
    for name in ("loud.py", "other/beside.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(LOUD)
    (tmp_path / "numpy_extra.py").write_text(LOUD)
    (tmp_path / "other" / "mine.toml").write_text('[plugins]\nmodules = ["beside"]\n')
    for arguments, module in (
        (["other/mine.toml"], "beside"),
        (["demo", "--set", "plugins.modules=['loud']"], "loud"),
    ):
        done = subprocess.run(
            [sys.executable, *options, "run", *arguments, "--ticks", "3", "--checksum"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": f"{ROOT}:{tmp_path}:{tmp_path / 'other'}:."},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 2
        assert f"plugins.modules: {module}: no installed package has this module" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_list_names_kinds_needs_and_places_in_their_order_and_runs_nothing(packages, write):
    ran = "raise AssertionError('run')\n"
    packages("gusts", {"__init__": ran + TEXT.format(name="gust")}, [("g", "gusts")])
    one = write(
        ran
        + """
import valuescape.api as vs

@vs.map_layer(vs.LayerLook("a"), needs=["late", "gust"])
def early(at):
    return at.x

class Mine(vs.ElementwiseWorld):
    name = "mine"
""",
        "one.py",
    )
    other = write(
        ran + "from valuescape.api import panel as section\n@section(name='late')\ndef x(panel, run): ...\n",
        "two.py",
    )
    unseen = write("import valuescape.api\n", "three.py")
    found = configured.listed([one, other, unseen], PluginsConfig(modules=("gone",)))
    assert [(each.kind, each.name, each.needs, each.line) for each in found[:4]] == [
        ("world", "mine", (), 9),
        ("panel", "late", (), 3),
        ("system", "gust", (), 5),
        ("map layer", "early", ("late", "gust"), 5),
    ]
    assert [(each.source, each.name, each.trouble) for each in found[4:]] == [
        (str(unseen), "?", ""),
        ("gone", "", "no installed package has this module"),
    ]
    assert found[2].found_by == "entry point g of gusts"
    assert names() == []


def test_a_list_refuses_what_a_run_would(write):
    double = "from valuescape.api import panel\n@panel()\ndef same(panel, run): ...\n"
    one, two = write(double, "one.py"), write(double, "two.py")
    with pytest.raises(
        UsageError, match=r"two.py line 2: the panel 'same' is declared in .*one.py line 2 too"
    ):
        configured.listed([one, two], PluginsConfig(installed=False))
    circle = "from valuescape.api import panel\n@panel(needs='{1}')\ndef {0}(panel, run): ...\n"
    paths = [write(circle.format(*each), f"{each[0]}.py") for each in (("a", "b"), ("b", "a"))]
    with pytest.raises(UsageError, match=r"circle: '[ab]' \(.*[ab]\.py\) → '[ab]' \(.*[ab]\.py\)"):
        configured.listed(paths, PluginsConfig(installed=False))
    with pytest.raises(UsageError, match=r"'late' needs 'nothing', which no plug-in is called"):
        configured.listed(
            [write(circle.format("late", "nothing"), "late.py")], PluginsConfig(installed=False)
        )
