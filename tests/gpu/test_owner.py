"""Objects of an owner are released once, last first."""

import pytest

from valuescape.gpu.owner import Owner


class Made:
    def __init__(self, name, released):
        self.name, self._released = name, released

    def release(self):
        self._released.append(self.name)


class Three(Owner):
    """Makes three objects, and fails before the one called `fails`."""

    def __init__(self, released, fails=None):
        super().__init__()
        self.made = {}
        with self._making():
            for name in "abc":
                if name == fails:
                    raise RuntimeError(name)
                self.made[name] = self._own(Made(name, released))

    def free(self, name):
        self._free(self.made[name])


def test_everything_is_released_once_last_first():
    released = []
    owner = Three(released)
    owner.release()
    owner.release()
    assert released == ["c", "b", "a"]


def test_what_was_freed_before_is_not_released_again():
    released = []
    owner = Three(released)
    owner.free("b")
    assert released == ["b"]
    owner.release()
    assert released == ["b", "c", "a"]


def test_a_failure_while_making_releases_what_was_made():
    released = []
    with pytest.raises(RuntimeError, match="c"):
        Three(released, fails="c")
    assert released == ["b", "a"]
