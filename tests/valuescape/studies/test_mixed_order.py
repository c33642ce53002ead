"""Measurements in mixed order: equal numbers for all subjects, and figures kept on an interrupt."""

from dataclasses import dataclass, field

from valuescape.studies.mixed_order import in_mixed_order


@dataclass
class Subject:
    name: str
    at: list = field(default_factory=list)


def measured(measure, *, repeats=3, asked=lambda: False, seed=0):
    """Return the subjects, the names told, and all that `in_mixed_order` yielded."""
    subjects, told = [Subject(name) for name in "abcde"], []
    interrupts = type("Asked", (), {"asked": property(lambda _: asked())})()
    steps = in_mixed_order(subjects, repeats, measure, interrupts, told.append, seed)
    return subjects, told, [list(each) for each in steps]


def test_every_repeat_measures_all_in_an_order_of_its_own():
    order = []
    subjects, told, steps = measured(order.append)
    assert len(steps) == len(told) == 15
    assert all(step == subjects for step in steps)
    repeats = [[each.name for each in order[at : at + 5]] for at in (0, 5, 10)]
    assert all(sorted(each) == list("abcde") for each in repeats)
    assert repeats[0] != repeats[1] != repeats[2]
    assert told[5] == f"{repeats[1][0]} (2 of 3)"


def test_the_seed_decides_the_orders():
    told = [measured(lambda _: None, seed=seed)[1] for seed in (0, 0, 1)]
    assert told[0] == told[1] != told[2]


def test_an_interrupt_ends_it_before_the_next_measurement():
    done = []
    _, told, steps = measured(done.append, asked=lambda: len(done) == 7)
    assert len(done) == len(told) == len(steps) == 7


def test_a_measurement_that_is_cut_short_keeps_its_first_figures():
    """The subjects are yielded once more, with the figures from before the interrupt."""
    done = []

    def measure(subject):
        subject.at.append(len(done))
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(subject)

    subjects, _, steps = measured(measure)
    assert len(steps) == 3
    assert sorted(at for each in subjects for at in each.at) == [0, 1, 2]
