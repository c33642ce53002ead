"""The order of plug-ins, and the errors for names and needs that do not fit."""

import itertools
import random

import pytest

from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.declarations import Kind
from valuescape.sim.plugins.registry import Registry


def nothing():
    """What these plug-ins do."""


def known(**needs):
    """Return a registry of plug-ins; needs: by name, in the order of loading."""
    registry = Registry()
    for name, wanted in needs.items():
        with registry.declared_by(f"/{name}.py", f"--plugin {name}.py"):
            registry.declare(Kind.SYSTEM, name, nothing, wanted)
    return registry


def names(registry):
    return [each.name for each in registry.ordered()]


def test_without_needs_the_order_is_that_of_loading():
    assert names(known(c=(), a=(), b=())) == ["c", "a", "b"]


def test_each_comes_after_all_it_needs_and_else_keeps_its_place():
    """Against a reference: of all orders that obey the needs, the one whose places are least."""
    chance = random.Random(1)
    for _ in range(40):
        loaded = chance.sample("abcdef", 6)
        rank = chance.sample("abcdef", 6)
        needs = {
            name: [each for each in rank[: rank.index(name)] if chance.random() < 0.3] for name in loaded
        }
        fitting = (
            order
            for order in itertools.permutations(range(6))
            if all(
                order.index(loaded.index(need)) < at
                for at, index in enumerate(order)
                for need in needs[loaded[index]]
            )
        )
        assert names(known(**needs)) == [loaded[index] for index in min(fitting)]


def test_a_circle_names_all_its_files_in_the_order_of_their_needs():
    with pytest.raises(UsageError) as refusal:
        known(a=("b",), b=("c",), c=("a",), d=()).ordered()
    said = str(refusal.value).splitlines()[0]
    ring = said.partition("circle: ")[2].split(" → ")
    assert sorted(ring[:-1]) == [f"'{name}' (--plugin {name}.py)" for name in "abc"]
    assert ring[0] == ring[-1]


def test_a_need_that_there_is_not_names_the_file_and_the_nearest_name():
    registry = known(gust=(), wind=("gusts",))
    with pytest.raises(UsageError) as refusal:
        registry.ordered()
    assert "--plugin wind.py line" in str(refusal.value)
    assert "'wind' needs 'gusts', which no plug-in is called" in str(refusal.value)
    assert "did you mean 'gust'?, of --plugin gust.py" in str(refusal.value)


def test_a_doubled_name_names_both_files_and_another_kind_may_have_it():
    registry = known(wind=())

    def load_other():
        with registry.declared_by("/other.py", "--plugin other.py"):
            registry.declare(Kind.PANEL, "more", nothing)
            registry.declare(Kind.SYSTEM, "wind", nothing)

    with pytest.raises(UsageError, match=r"other.py line \d+: the system 'wind' is declared in .*wind.py"):
        load_other()
    assert names(registry) == ["wind"], "the rest of a refused file is withdrawn"
    registry.declare(Kind.LAYER, "wind", nothing)
    assert len(registry.ordered()) == 2


@pytest.mark.parametrize("name", ["", "Wind", "a b", "../x", 3, "a" * 65])
def test_a_name_that_cannot_stand_in_a_setting_is_refused(name):
    with pytest.raises(UsageError, match="expected a text of small letters"):
        Registry().declare(Kind.SYSTEM, name, nothing)


def test_a_notebook_may_declare_the_same_function_again():
    registry = Registry()
    registry.declare(Kind.SYSTEM, "wind", nothing)
    registry.declare(Kind.SYSTEM, "wind", nothing, options=2)
    assert [each.options for each in registry] == [2]


def test_hooks_hear_of_what_comes_and_goes():
    heard = []
    registry = known(a=())
    registry.hook(Kind.SYSTEM, lambda each: heard.append(f"+{each.name}"), lambda each: heard.append("-"))
    with registry.declared_by("/b.py", "b.py"):
        registry.declare(Kind.SYSTEM, "b", nothing)
    registry.withdraw("/b.py")
    assert heard == ["+b", "-"]
    assert names(registry) == ["a"]
