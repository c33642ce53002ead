"""The algorithms that can be stated, and the kind of critic that each of them learns."""

from valuescape.sim.policy.network import CriticKind

KINDS = {
    **dict.fromkeys(("sac", "td3", "ddpg"), CriticKind.ACTION_VALUE),
    "tqc": CriticKind.MEAN_ACTION_VALUE,
    **dict.fromkeys(("ppo", "a2c", "trpo", "maskable ppo"), CriticKind.STATE_VALUE),
    **dict.fromkeys(("dqn", "qr-dqn"), CriticKind.DISCRETE_ACTION_VALUE),
}

OF_QUANTILES = ("tqc", "qr-dqn")
"""The algorithms whose critics learn quantiles of the return."""

LIKELY = {
    CriticKind.STATE_VALUE: "ppo",
    CriticKind.ACTION_VALUE: "sac",
    CriticKind.MEAN_ACTION_VALUE: "tqc",
    CriticKind.DISCRETE_ACTION_VALUE: "dqn",
}
"""An algorithm for each kind of critic, for examples."""

_SPELLINGS = {
    "qrdqn": "qr-dqn",
    "qr_dqn": "qr-dqn",
    "maskableppo": "maskable ppo",
    "maskable_ppo": "maskable ppo",
    "maskable-ppo": "maskable ppo",
}


def algorithm_named(text: str) -> str:
    """Return an algorithm's name as it is spelt here: "ppo" of "PPO", "qr-dqn" of "QRDQN"."""
    name = text.strip().lower()
    return _SPELLINGS.get(name, name)


def agree(stated: str, kind: CriticKind, *, quantiles: bool) -> bool:
    """Return whether critics of a file can be those of the algorithm that is stated.

    kind: of the critics in the file. quantiles: whether they learn quantiles.
    """
    own = KINDS[stated]
    alike = own is kind or (own.takes_actions and kind.takes_actions)
    return alike and (quantiles or stated not in OF_QUANTILES)
