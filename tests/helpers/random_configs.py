"""Valid configurations at random, for Hypothesis."""

from hypothesis import strategies as st

from valuescape.sim.config.model import Config, settings_of

_TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


def configurations():
    """Return a strategy for configurations in which some settings, one of any kind each, differ."""
    settings = list(settings_of().values())
    chosen = st.lists(st.sampled_from(settings), unique_by=lambda each: each.name, max_size=8)
    return chosen.flatmap(_with_values)


def _with_values(settings):
    values = st.tuples(*(_values(each) for each in settings))
    return values.map(lambda drawn: _config({s.name: v for s, v in zip(settings, drawn, strict=True)}))


def _config(values):
    tables = {}
    for name, value in values.items():
        section, _, key = name.partition(".")
        tables.setdefault(section, {})[key] = value
    return Config.model_validate(tables)


def _values(setting):
    """Return a strategy for what a setting may be."""
    if setting.choices:
        return st.sampled_from(setting.choices)
    if isinstance(setting.default, bool):
        return st.booleans()
    low, high = setting.bounds
    if low is None:
        return st.just(setting.default) if isinstance(setting.default, dict | list | tuple) else _TEXTS
    words = st.sampled_from(setting.words or (setting.default,))
    if setting.whole:
        return words | st.integers(int(low), int(high) - 1)
    return words | st.floats(low, high, exclude_min=True)
