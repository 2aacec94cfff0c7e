"""Training and prediction of one batch, as pure functions to be compiled.

Everything is float32, requested explicitly: otherwise a GPU would round products to TF32. Another
`precision` (`jax_default_matmul_precision`) serves to measure its gain and cost.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.tasks import Task
from spectranet_jax.training.augment import Augment, as_stored
from spectranet_jax.training.examples import Batch

AUGMENT = 1
"""Folded into a step's key, so that augmentation and dropout draw independently."""

Variables = dict[str, Any]


@runtime_checkable
class Network(Protocol):
    """The interface of a Flax module; its inputs are those of a task."""

    def init(self, rngs: Any, *inputs: Any) -> Any:
        """Return fresh parameters and statistics."""

    def apply(self, variables: Any, *inputs: Any, **options: Any) -> Any:
        """Return the output, and with `mutable` the statistics that were changed."""


PREDICTED_AT_ONCE = {"cpu": 256 << 10, "gpu": 16 << 20, "tpu": 16 << 20}
"""Backend -> bytes of spectra per compiled call of prediction, at most. On a CPU, few enough that
its cache holds the layers' results, and the same on every CPU, so that catalogs do not depend on
it; on an accelerator, enough to keep it busy.
"""


def prediction_batch(grid: LogGrid) -> int:
    """Return the number of spectra per compiled call of prediction, a power of two."""
    fitting = PREDICTED_AT_ONCE[jax.default_backend()] // grid.bytes_per_spectrum
    return 1 << max(fitting, 1).bit_length() - 1


class State(NamedTuple):
    """All that training changes, and all that a checkpoint holds.

    Attributes:
        step: () int32, steps taken; the clock of data order and randomness.
        params: trainable parameters.
        batch_stats: running means and variances of BatchNorm.
        opt_state: of the optax chain.
    """

    step: jax.Array
    params: Any
    batch_stats: Any
    opt_state: Any

    @property
    def variables(self) -> Variables:
        """Parameters and statistics to apply the network with."""
        return {"params": self.params, "batch_stats": self.batch_stats}


TrainStep = Callable[[State, Batch, jax.Array], tuple[State, jax.Array]]
"""(state, batch, key of the run) -> next state, mean loss of the batch: NaN where the gradient is
not finite."""


def init_variables(network: Network, task: Task, key: jax.Array) -> Variables:
    """Return fresh parameters and statistics."""
    spectra = jnp.zeros((1, task.grid.size), jnp.float32)
    variables = network.init(key, *task.inputs(spectra, spectra))
    return {"params": variables["params"], "batch_stats": variables.get("batch_stats", {})}


def init_state(
    network: Network,
    task: Task,
    optimizer: optax.GradientTransformation,
    key: jax.Array,
    start: Variables | None = None,
) -> State:
    """Return the state before the first step: fresh, or with the variables of `start`."""
    variables = start or init_variables(network, task, key)
    opt_state = optimizer.init(variables["params"])
    return State(jnp.zeros((), jnp.int32), variables["params"], variables["batch_stats"], opt_state)


def make_train_step(
    network: Network,
    task: Task,
    optimizer: optax.GradientTransformation,
    augment: Augment = as_stored,
    precision: str = "float32",
    fine_tuning: bool = False,
) -> TrainStep:
    """Return the function of one training step, to be compiled.

    Its key is the run's; each step folds its own number into it.

    Args:
        network: a Flax module.
        task: prepares its inputs and defines its loss.
        optimizer: an optax chain.
        augment: the change of the batch before the network sees it.
        precision: of the factors in products and convolutions.
        fine_tuning: keep convolutions fixed, and apply the network as in prediction: without
            dropout, and with the stored BatchNorm statistics, because statistics of a few spectra
            would be far off.
    """

    def train_step(state: State, batch: Batch, key: jax.Array) -> tuple[State, Float[Array, ""]]:
        key = jax.random.fold_in(key, state.step)
        with jax.default_matmul_precision("float32"):
            flux, ivar = augment(jax.random.fold_in(key, AUGMENT), batch["flux"], batch["ivar"])

        def mean_loss(params: Any) -> tuple[jax.Array, Any]:
            params = with_convolutions_kept(params) if fine_tuning else params
            output, mutated = network.apply(
                {"params": params, "batch_stats": state.batch_stats},
                *task.inputs(flux, ivar),
                train=not fine_tuning,
                rngs={"dropout": key},
                mutable=["batch_stats"],
            )
            return task.loss(output, batch).mean(), mutated.get("batch_stats", {})

        with jax.default_matmul_precision(precision):
            loss_and_gradient = jax.value_and_grad(mean_loss, has_aux=True)
            (loss, batch_stats), gradient = loss_and_gradient(state.params)
        updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        finite = jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient)]).all()
        loss = jnp.where(finite, loss, jnp.nan)
        return State(state.step + 1, params, batch_stats, opt_state), loss

    return train_step


def with_convolutions_kept(params: Any) -> Any:
    """Return the parameters, with a gradient of 0 for those of convolutions."""

    def keep(path: tuple[Any, ...], leaf: jax.Array) -> jax.Array:
        of_convolution = "conv" in jax.tree_util.keystr(path).lower()
        return jax.lax.stop_gradient(leaf) if of_convolution else leaf

    return jax.tree_util.tree_map_with_path(keep, params)


def make_predict_step(
    network: Network, task: Task, precision: str = "float32"
) -> Callable[[Variables, jax.Array, jax.Array], Any]:
    """Return (variables, flux, ivar) -> the network's output; flux and ivar are (batch, bins)."""

    def predict_step(
        variables: Variables, flux: Float[Array, "batch bins"], ivar: Float[Array, "batch bins"]
    ) -> Any:
        with jax.default_matmul_precision(precision):
            return network.apply(variables, *task.inputs(flux, ivar), train=False)

    return predict_step


def make_validation_step(
    network: Network, task: Task
) -> Callable[[Variables, Batch], tuple[Any, jax.Array]]:
    """Return (variables, batch) -> the network's output, and each spectrum's loss, (batch,)."""
    predict_step = make_predict_step(network, task)

    def validation_step(variables: Variables, batch: Batch) -> tuple[Any, Float[Array, " batch"]]:
        output = predict_step(variables, batch["flux"], batch["ivar"])
        return output, task.loss(output, batch)

    return validation_step
