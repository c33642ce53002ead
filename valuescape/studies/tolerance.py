"""Whether figures of a report are worse than those of another by more than a share of what they were."""

import math
from collections.abc import Iterable, Iterator

SEEN_MS = 0.5
"""What a time must be longer by at least: a share of nearly nothing is noise."""

_RATES = ("fps_mean", "ticks_per_s")
_RATES_END = (": FPS", ": ticks/s", " carried")


def in_ms(name: str) -> bool:
    """Whether the figure of that name is a time of a frame or of a section of it, in ms."""
    return "_ms_" in name or "(ms)" in name


def worse_by_share(rows: Iterable[tuple[str, float, float]], tolerance: float) -> Iterator[str]:
    """Say which times are longer, and which rates and loads less, by more than `tolerance` of what they were.

    rows: name, before, after. Figures that are neither decide nothing.
    """
    for name, then, now in rows:
        if name.endswith(" carried") and math.isnan(now):  # nothing is
            now = 0.0
        more, less = now > then * (1 + tolerance), now < then * (1 - tolerance)
        longer = more and ("(us)" in name or (in_ms(name) and now - then > SEEN_MS))
        fewer = less and (name in _RATES or name.endswith(_RATES_END))
        if longer or fewer:
            share = f"{abs(now - then) / then:.0%} {'more' if longer else 'less'}" if then else "more"
            yield f"{name} is {now:,.4g}, before {then:,.4g}: {share}"
