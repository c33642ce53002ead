"""A trail colouring: the TD(λ) error, by which an episode went better from here on than the critic expected.

    valuescape run demo --plugin examples/plugins/td_lambda.py --set trails.color_by=td_lambda

The λ-return less V(s) is the sum of this step's TD error and the later ones of the episode, each multiplied
by γλ once for each step of distance (Sutton and Barto, 2nd ed., 12.1). With λ = 0 it is the TD error itself,
with λ = 1 the return that followed, less the value.
"""

from valuescape.api import SignalScale, trail_coloring

LAMBDA = 0.8


@trail_coloring(
    SignalScale(f"TD({LAMBDA:g}) error", signed=True),
    critic="discount",
    of_step=True,
    discount_later=lambda gamma: LAMBDA * gamma,
    meaning="red went better than the critic expected, blue worse",
)
def td_lambda(tick):
    """Return the TD error of each agent's step; those of later steps are added where it is shown."""
    return tick.td_error
