"""Refuses, by name, Stable-Baselines3 models whose networks differ from those that are built here."""

import base64
import binascii

from valuescape.sim.policy.formats.pickle_data import ForbiddenPickleError, Name, read_pickle
from valuescape.sim.policy.formats.sb3_zip import SUPPORTED, Sb3File

_POLICIES = {
    "stable_baselines3.common.policies.ActorCriticPolicy",
    "stable_baselines3.common.policies.MultiInputActorCriticPolicy",
    "stable_baselines3.ppo.policies.PPOPolicy",  # before release 0.7
    "stable_baselines3.sac.policies.MultiInputPolicy",
    "stable_baselines3.td3.policies.MultiInputPolicy",
    "stable_baselines3.dqn.policies.MultiInputPolicy",
    "sb3_contrib.common.maskable.policies.MaskableMultiInputActorCriticPolicy",
    "sb3_contrib.qrdqn.policies.MultiInputPolicy",
    "sb3_contrib.tqc.policies.MultiInputPolicy",
    "stable_baselines3.sac.policies.SACPolicy",
    "stable_baselines3.td3.policies.TD3Policy",
    "stable_baselines3.dqn.policies.DQNPolicy",
    "sb3_contrib.common.maskable.policies.MaskableActorCriticPolicy",
    "sb3_contrib.qrdqn.policies.QRDQNPolicy",
    "sb3_contrib.tqc.policies.TQCPolicy",
}
_OTHER_ALGORITHMS = {
    "sb3_contrib.ars.": "ARS, which has no critic",
    "sb3_contrib.crossq.": "CrossQ",
    "sb3_contrib.common.recurrent.": "RecurrentPPO",
    "sb3_contrib.ppo_recurrent.": "RecurrentPPO",
    "sbx.": "SBX",
}
_FLATTEN = "<class 'stable_baselines3.common.torch_layers.FlattenExtractor'>"
_COMBINED = "<class 'stable_baselines3.common.torch_layers.CombinedExtractor'>"
"""The extractor of Dict observations: without images it puts the flattened parts side by side."""
_HARMLESS_OPTIONS = {
    # Visible in the tensors' shapes, or without effect on deterministic actions and values
    *("net_arch", "n_critics", "n_quantiles", "share_features_extractor", "features_extractor_kwargs"),
    *("optimizer_class", "optimizer_kwargs", "adam_epsilon", "ortho_init", "device", "lr_schedule"),
    *("log_std_init", "full_std", "sde_net_arch", "use_expln", "use_sde"),
    # Read where networks are built
    *("activation_fn", "squash_output", "clip_mean", "normalize_images", "features_extractor_class"),
    # Not options, but the form that the zip keeps them in
    *(":type:", ":serialized:"),
}
_MAX_NAME_BYTES = 2**16


def policy_name(file: Sb3File) -> str:
    """Return the dotted name of the policy's class, as far as the file says; its pickle is read as data."""
    entry = file.data.get("policy_class")
    if not isinstance(entry, dict):
        return repr(entry)[:60]
    module = str(entry.get("__module__", "unknown"))
    try:
        content = base64.b64decode(str(entry.get(":serialized:", "")), validate=True)
        name = read_pickle(content, lambda _: True) if len(content) <= _MAX_NAME_BYTES else None
    except (binascii.Error, ValueError, ForbiddenPickleError):
        name = None  # a class of the user's own, pickled with its code
    return f"{name.module}.{name.name}" if isinstance(name, Name) else f"{module} (pickled with its code)"


def require_known(file: Sb3File) -> None:
    """Raise UsageError if a setting in the file means a network that is not built here."""
    _require_known_policy(file)
    _require_known_options(file)


def _require_known_policy(file: Sb3File) -> None:
    name = policy_name(file)
    if name in _POLICIES:
        return
    for prefix, algorithm in _OTHER_ALGORITHMS.items():
        if name.startswith(prefix):
            raise file.error(
                f"is a model of {algorithm}: its networks are not read",
                "of SB3-Contrib, QR-DQN, TQC, TRPO and MaskablePPO are read",
            )
    raise file.error(
        f"data: policy_class is {name[:80]}, which is none of Stable-Baselines3's MlpPolicy classes",
        "a policy of your own may compute anything with its tensors; train with MlpPolicy, or export its "
        "critic to TorchScript (policy.torchscript_critic)",
    )


def _require_known_options(file: Sb3File) -> None:
    options = file.data.get("policy_kwargs") or {}
    if not isinstance(options, dict):
        raise file.error(f"data: policy_kwargs is {str(options)[:60]!r}, expected an object")
    unknown = [key for key in options if key not in _HARMLESS_OPTIONS]
    if unknown:
        raise file.error(
            f"data: policy_kwargs.{unknown[0][:60]} is no option of MlpPolicy that is known here",
            "it may change what the network computes",
        )
    extractor = options.get("features_extractor_class")
    if extractor not in (None, _FLATTEN, _COMBINED):
        raise file.error(
            f"data: policy_kwargs.features_extractor_class is {str(extractor)[:80]}, expected "
            "FlattenExtractor",
            "an extractor of your own changes what the network sees; " + SUPPORTED,
        )
    space = file.data.get("observation_space")
    if isinstance(space, dict) and space.get("dtype") == "uint8":
        raise file.error("data: observation_space has dtype uint8: images are not read")
