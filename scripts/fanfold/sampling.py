"""Samples of a space of parameters: points in the unit cube, and what they mean.

The points are those of scipy.stats.qmc (Owen-scrambled Sobol, scrambled Halton, Latin hypercube)
or independent random numbers. They are made in blocks, when one of them is asked for.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist
from typing import Any

from scripts.fanfold.runs_schema import Distribution, Sample

#: Points that are made at once. A power of two, as the Sobol sequence likes it.
BLOCK = 1024
_LEAST = 2.0**-53


@dataclass(frozen=True)
class SampleAxis:
    """The points of a sample."""

    sample: Sample
    _blocks: dict[int, list[list[float]]] = field(default_factory=dict, repr=False, compare=False)
    """Block -> its points: n x number of parameters, each from 0 to 1."""
    where: str = "runs.sample"
    last_in_names: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.sample.parameters)

    def __len__(self) -> int:
        return self.sample.n

    def label(self, position: int) -> str:
        return f"p{position + 1}"

    def choice(self, position: int) -> Mapping[str, Any]:
        point = self._point(position)
        pairs = zip(self.sample.parameters.items(), point, strict=True)
        return {name: value_at(share, distribution) for (name, distribution), share in pairs}

    def _point(self, position: int) -> Sequence[float]:
        block, place = divmod(position, BLOCK)
        if block not in self._blocks:
            self._blocks.update(points_with_block(self.sample, block))
        return self._blocks[block][place]

    def __reduce__(self) -> tuple[type, tuple[Sample]]:
        """Pickle no points: they are made again."""
        return (type(self), (self.sample,))

    def identity(self, first: int, last: int) -> Any:
        return [self._definition, first, last]

    @cached_property
    def _definition(self) -> Any:
        # Only a Latin hypercube has other points when there are more of them.
        without = {"n"} if self.sample.method != "lhs" else set()
        # In which order parameters stand decides about their values.
        return [self.names, self.sample.model_dump(mode="json", exclude=without)]

    def examples(self, name: str) -> Sequence[Any]:
        distribution = self.sample.parameters[name]
        return distribution.choice or [value_at(0.5, distribution)]

    def long_label(self) -> str:
        return self.label(len(self) - 1)

    def written_labels(self) -> Sequence[str]:
        return ()

    @property
    def notes(self) -> list[str]:
        """What the user may want to know."""
        n = self.sample.n
        if self.sample.method == "sobol" and n & (n - 1):
            nearest = 2 ** round(math.log2(n))
            return [
                f"runs.sample.n: {n} is not a power of two, so the Sobol points are not balanced; "
                f"{nearest} would be"
            ]
        return []


def value_at(share: float, distribution: Distribution) -> Any:
    """Return the value below which lies `share` (0 to 1) of a distribution: its quantile."""
    share = min(max(share, _LEAST), 1 - _LEAST)
    if distribution.uniform:
        lowest, highest = distribution.uniform
        return min(max(_between(lowest, highest, share), lowest), highest)
    if distribution.loguniform:
        lowest, highest = distribution.loguniform
        value = math.exp(_between(math.log(lowest), math.log(highest), share))
        return min(max(value, lowest), highest)
    if distribution.normal:
        return NormalDist(*distribution.normal).inv_cdf(share)
    if distribution.integers:
        first, last = distribution.integers
        numerator, denominator = share.as_integer_ratio()  # exact, however many there are
        return first + (last - first + 1) * numerator // denominator
    values = distribution.choice or ()
    return values[int(share * len(values))]


def _between(lowest: float, highest: float, share: float) -> float:
    return lowest * (1 - share) + highest * share  # their difference may be too large for a float


def points_with_block(sample: Sample, block: int) -> dict[int, list[list[float]]]:
    """Return the points of a block, and of those made with it: numbers from 0 to 1."""
    import numpy as np  # noqa: PLC0415 (slow to import, and seldom needed)
    from scipy.stats import qmc  # noqa: PLC0415

    first = block * BLOCK
    size = min(BLOCK, sample.n - first)
    dimensions = len(sample.parameters)
    if sample.method == "random":
        bits = np.random.PCG64(sample.seed).advance(first * dimensions)
        return {block: np.random.Generator(bits).random((size, dimensions)).tolist()}
    if sample.method == "lhs":
        engine = qmc.LatinHypercube(dimensions, rng=np.random.default_rng(sample.seed))
        points = engine.random(sample.n).tolist()
        return {at // BLOCK: points[at : at + BLOCK] for at in range(0, sample.n, BLOCK)}
    kind = qmc.Sobol if sample.method == "sobol" else qmc.Halton
    engine = kind(dimensions, rng=np.random.default_rng(sample.seed))
    if first:
        engine.fast_forward(first)
    # A whole block even at the end: fewer would make Sobol warn, and are the same points.
    return {block: engine.random(BLOCK)[:size].tolist()}
