"""Figures of a report that are worse than another's by more than a share."""

import math
from collections.abc import Iterable, Iterator

SEEN_MS = 0.5
"""Least growth of a time, in ms, that counts: a share of nearly nothing is noise."""

_RATES = ("fps_mean", "ticks_per_s")
_RATES_END = (": FPS", ": ticks/s", " carried")


def in_ms(name: str) -> bool:
    """Return whether the figure of that name is a time in ms, of a frame or of a section."""
    return "_ms_" in name or "(ms)" in name


def worse_by_share(rows: Iterable[tuple[str, float, float]], tolerance: float) -> Iterator[str]:
    """Yield the times that are longer, and the rates and loads that are less, by more than `tolerance`.

    rows: name, before, after. tolerance: a share of the value before. Other figures are ignored.
    """
    for name, then, now in rows:
        if name.endswith(" carried") and math.isnan(now):  # no load is carried
            now = 0.0
        more, less = now > then * (1 + tolerance), now < then * (1 - tolerance)
        longer = more and ("(us)" in name or (in_ms(name) and now - then > SEEN_MS))
        fewer = less and (name in _RATES or name.endswith(_RATES_END))
        if longer or fewer:
            share = f"{abs(now - then) / then:.0%} {'more' if longer else 'less'}" if then else "more"
            yield f"{name} is {now:,.4g}, before {then:,.4g}: {share}"
