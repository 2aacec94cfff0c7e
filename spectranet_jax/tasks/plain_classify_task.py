"""Four-class classification from flux divided by its median: what does normalization gain?"""

from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float

from spectranet_jax.spectra.normalize import median_divided
from spectranet_jax.tasks.classify_task import ClassifyTask


@dataclass(frozen=True)
class PlainClassifyTask(ClassifyTask):
    """Four-class classification without weights: the alternative to the report's normalization."""

    name: ClassVar[str] = "classify-plain"
    noiseless_survey: ClassVar[bool | None] = None

    def inputs(
        self, flux: Float[Any, "batch bins"], ivar: Float[Any, "batch bins"]
    ) -> tuple[Float[Any, "batch bins"]]:
        """Return flux over its median."""
        return (median_divided(flux, ivar),)
