"""Round numbers for the ticks of axes."""

import math


def ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Return round numbers in [low, high] with their labels, as many as possible up to `most`.

    They are multiples of 1, 2 or 5 times a power of ten.
    """
    if not high > low:
        return [(low, label(low, 1))]
    step = nice_step((high - low) / (most + 1))
    while len(found := _multiples(low, high, step)) > most:
        step = nice_step(1.5 * step)
    return [(number, label(number, step)) for number in found]


def _multiples(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step + 0.0 for index in range(first, last + 1)]


def nice_step(at_least: float) -> float:
    """Return the least number of the form 1, 2 or 5 times a power of ten that is not below `at_least`."""
    power = 10.0 ** math.floor(math.log10(at_least))
    for multiple in (1, 2, 5, 10):
        if multiple * power >= at_least * (1 - 1e-9):
            return multiple * power
    return 10 * power


def label(value: float, step: float) -> str:
    """Return `value` with as many digits as distinguish it from neighbours `step` away, and a true minus."""
    last = math.floor(math.log10(step) + 1e-9)  # place of the last digit that differs
    if abs(value) < step / 2:
        return "0"
    first = math.floor(math.log10(abs(value)))
    if first < 5 and last > -5:
        return f"{value:.{max(0, -last)}f}".replace("-", "−")
    mantissa, exponent = f"{value:.{max(0, first - last)}e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")
