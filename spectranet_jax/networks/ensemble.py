"""LineNets from different seeds, combined by the mean of their probabilities.

They are trained together in one step, on the same observations. If they disagree by less than the
window of a redshift, its error grows by their spread; if by more, its probability falls and the
other choice is the second-best redshift.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from spectranet_jax.networks.layers import Spectra
from spectranet_jax.networks.line_evidence import LineNet, Output, peak
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.zsteps import ZSteps


class LineNetEnsemble(nn.Module):
    """An ensemble of LineNets.

    Attributes:
        grid: the bins of the spectra.
        members: number of networks.
        member: fields of each `LineNet`.
    """

    grid: LogGrid
    members: int
    member: Mapping[str, Any] = field(default_factory=dict)

    @nn.compact
    def __call__(
        self,
        flux: Spectra,
        weight: Spectra,
        train: bool = False,
    ) -> Output:
        """Return each member's output, (members, batch, ...), in training; else their mixture."""
        members = [
            LineNet(self.grid, **self.member, name=f"member_{i}") for i in range(self.members)
        ]
        answers = [member(flux, weight, train) for member in members]
        if train:
            return jax.tree.map(lambda *parts: jnp.stack(parts), *answers)
        # Evidence at the redshift of the mixture: a second pass, of which the compiler merges the
        # rest.
        window = ZSteps.of(self.grid, members[0].reach).window
        at = peak(mixture(answers).z_logits, window)
        return mixture([member(flux, weight, at=at) for member in members])


def mixture(answers: Sequence[Output]) -> Output:
    """Return the mean of the members' probabilities, and of their evidence."""
    kinds = [jax.nn.log_softmax(answer.class_logits) for answer in answers]
    pairs = [(kind[:, 2], answer.bal_logit) for kind, answer in zip(kinds, answers, strict=True)]
    bal = _log_mean([quasar + jax.nn.log_sigmoid(odds) for quasar, odds in pairs])
    not_bal = _log_mean([quasar + jax.nn.log_sigmoid(-odds) for quasar, odds in pairs])
    return Output(
        class_logits=_log_mean(kinds),
        bal_logit=bal - not_bal,
        z_logits=_log_mean([jax.nn.log_softmax(answer.z_logits) for answer in answers]),
        evidence=jnp.mean(jnp.stack([answer.evidence for answer in answers]), axis=0),
    )


def _log_mean(log_p: Sequence[Float[Array, "*shape"]]) -> Float[Array, "*shape"]:
    """Return the logarithm of the mean of probabilities given as logarithms."""
    return jax.nn.logsumexp(jnp.stack(log_p), axis=0) - jnp.log(len(log_p))
