"""Distances between two sets of feature vectors: how far results, taken together, are from the originals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinct.evaluation.statistics import Interval

Features = NDArray[np.float32]
Matrix = NDArray[np.float64]

BLOCK = 1000
"""Photographs that one kernel matrix holds; of larger sets the mean over blocks is taken."""
LEAST = 4
"""Photographs below which neither distance means anything."""


def kid_block(originals: Features, results: Features) -> tuple[float, float]:
    """Return the kernel distance of two sets of at most :data:`BLOCK`, and the variance of this estimate.

    It is the unbiased estimate of the squared maximum mean discrepancy under the kernel (x.y / d + 1)^3; it doesn't
    depend on how many photographs there are, and may come out a little below 0. The variance is the jackknife's,
    leaving out one photograph with its result at a time.

    Args:
        originals: (n, d).
        results: (n, d), in the same order.

    Source: Binkowski, Sutherland, Arbel, Gretton, "Demystifying MMD GANs" (ICLR 2018), equation 4 and section 4.
    """
    x, y = originals.astype(np.float64), results.astype(np.float64)
    count, width = x.shape
    within = _off_diagonal((x @ x.T / width + 1) ** 3) + _off_diagonal((y @ y.T / width + 1) ** 3)
    across = (x @ y.T / width + 1) ** 3
    rows, columns, diagonal = across.sum(axis=1), across.sum(axis=0), np.diag(across)

    def estimate(inside: Matrix | float, between: Matrix | float, n: int) -> Matrix:
        return np.asarray(inside / (n * (n - 1)) - 2 * between / n**2)

    whole = float(estimate(float(within.sum()), float(across.sum()), count))
    left = estimate(within.sum() - 2 * within, across.sum() - rows - columns + diagonal, count - 1)
    return whole, float((count - 1) / count * np.square(left - left.mean()).sum())


def combine_kid(blocks: Sequence[tuple[float, float, int]]) -> tuple[float, Interval]:
    """Return the mean of the estimates of blocks of photographs, weighed by their sizes, and its 95 % interval.

    Args:
        blocks: estimate, variance and photographs of each.
    """
    values, variances, sizes = np.array(blocks, np.float64).T
    shares = sizes / sizes.sum()
    mean = float(shares @ values)
    error = float(np.sqrt(np.square(shares) @ variances))
    return mean, (mean - 1.96 * error, mean + 1.96 * error)


def _off_diagonal(kernel: Matrix) -> Matrix:
    """Return the sum of each row without the diagonal."""
    sums: Matrix = kernel.sum(axis=1) - np.diag(kernel)
    return sums


class Spread:
    """Mean and covariance of feature vectors, gathered block by block in bounded memory.

    Args:
        width: of a vector.
    """

    def __init__(self, width: int) -> None:
        self.count = 0
        self._sum = np.zeros(width)
        # Up to ``width`` vectors are kept themselves, which is less work later; from then on their products.
        self._vectors: list[Matrix] = []
        self._products: Matrix | None = None

    def add(self, features: Features) -> None:
        """Take in vectors, (n, d)."""
        block = features.astype(np.float64)
        self.count += len(block)
        self._sum += block.sum(axis=0)
        if self._products is None:
            self._vectors.append(block)
            if self.count > len(self._sum):
                every = np.concatenate(self._vectors)
                self._vectors.clear()
                self._products = every.T @ every
        else:
            self._products += block.T @ block

    @property
    def mean(self) -> Matrix:
        """(d,)."""
        return self._sum / self.count

    def factor(self) -> Matrix:
        """Return a matrix F, (n or d, d), with F^T F the covariance of the sample."""
        if self._products is None:
            centered: Matrix = (np.concatenate(self._vectors) - self.mean) / np.sqrt(self.count - 1)
            return centered
        covariance = (self._products - self.count * np.outer(self.mean, self.mean)) / (self.count - 1)
        values, vectors = np.linalg.eigh(covariance)
        root: Matrix = np.sqrt(np.maximum(values, 0))[:, np.newaxis] * vectors.T
        return root


def frechet_distance(first: Spread, second: Spread) -> float:
    """Return the Frechet distance of the Gaussians with these means and covariances.

    Its bias falls with the number of photographs: compare only figures over the same ones, and no FID under 5,000.

    Source: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule" (2017), equation 6.
    """
    one, two = first.factor(), second.factor()
    # The trace of sqrt(A B), with A = F^T F and B = G^T G, is the sum of the singular values of F G^T.
    common = np.linalg.svd(one @ two.T, compute_uv=False).sum()
    apart = np.square(first.mean - second.mean).sum()
    return float(max(0.0, apart + np.square(one).sum() + np.square(two).sum() - 2 * common))
