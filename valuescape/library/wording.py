"""Errors and remarks in the words of Python: keywords in the place of options and settings of commands."""

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.given import OPTIONS, NotSaidError

_STATED = "|".join(sorted(OPTIONS))

_WORDS = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"--set policy\.head=(\w+)", r'head="\1"'),
        (r"--set policy\.squash=no", "squash=False"),
        (r"--set policy\.squash=yes", "squash=True"),
        (r"--set policy\.choices=([\d,]+)", r"choices=(\1,)"),
        (r"--set policy\.action_bounds=(\S+?)\.\.(\S+)", r"action_low=\1, action_high=\2"),
        (r"--set world\.name=([\w:./-]+)", r'world="\1"'),
        (r"--set policy\.(\w+)=", r"\1="),
        (r"--env-file FILE\.py, --world-file FILE\.py", "valuescape.load_world_file, or a class"),
        (r"--env-file FILE\.py or --world-file FILE\.py", "a class, or valuescape.load_world_file"),
        (
            r"name its file: --env-file\b|--env-file FILE\.py|(?<=, or )--env-file(?! with)",
            "pass the class itself",
        ),
        (r"--world-file\b", "module"),
        (r"--world (\w+:\w+)", r'world="\1"'),
        (r"add --world [\w.:]+", "pass the class or function itself"),
        (r"--env-kwargs NAME=VALUE gives arguments", "a function that makes it gives arguments"),
        (r"--env-file with a file that registers it", "a function that makes it"),
        (r"state them: --(env-kwargs|max-episode-steps) .*", "pass world=lambda: gymnasium.make(…)"),
        (r"--map FILE\.toml", 'names="FILE.toml"'),
        (r"--map\b", "names"),
        (r"--obs-normalization FILE(\.\w+)?", r'obs_normalization="FILE\1"'),
        (r"--(activation|algorithm) (\w+)", r'\1="\2"'),
        (r"--gamma (\d+(?:\.\d+)?)", r"gamma=\1"),
        (r"--reward-scale (\d+(?:\.\d+)?)", r"reward_scale=\1"),
        (r"--reward-scale\b", "reward_scale"),
        (r"--max-episode-steps \d+ \(world\.max_episode_steps\)", "max_episode_steps of gymnasium.make"),
        (r"\bheatmap\.(axes|slice)\b", r"\1"),
        (r"\bworld\.name\b", "world"),
        (r"\bpolicy\.action_bounds\b", "action_low and action_high"),
        (rf"\bpolicy\.({_STATED})\b", r"\1"),
    )
)


def in_python(text: str) -> str:
    """Return a sentence with the keywords of `load` and of maps where it names options and settings."""
    for pattern, said in _WORDS:
        text = pattern.sub(said, text)
    return text


@contextmanager
def in_keywords() -> Iterator[None]:
    """Have UsageErrors that are raised within name keywords of Python, not options and settings."""
    try:
        yield
    except NotSaidError as error:
        _, fields, _, own = error.asked
        stated = ", ".join(dict.fromkeys(in_python(own.get(field, OPTIONS[field])) for field in fields))
        raise UsageError(in_python(error.args[0]), f"state it: load(…, {stated})") from None
    except UsageError as error:
        message, hint = in_python(error.args[0]), in_python(error.hint)
        if (message, hint) == (error.args[0], error.hint):
            raise
        said = copy.copy(error)
        said.args, said.hint = (message,), hint
        raise said from None
