"""The tables of many blobs at once, and their distances in many tiles at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.simulation.anatomy.shapes import (
    FAR,
    LINEAR,
    NOISE,
    NOISE_LIMIT,
    ONE,
    PIECE,
    ROWS,
    SQUARES,
    Balls,
    Blob,
    Floats,
    Tiles,
)

_TILE = 8
_CHUNK = 1 << 16
_CUTS = 4
_LAYERS = 6
_BLOB, _BALLS, _OTHER = range(3)

Numbers = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Blobs:
    """The tables of many blobs, one row each.

    A blob without tapers and bends whose power is 2 needs two quadratic forms only, the squares of its norm
    and of the norm's slope, straight from the rows. All others go through their own coordinates."""

    forms: Floats  # (B, 3, ROWS): the two forms and the noise in mm
    matrix: Floats  # (B, 4, LINEAR): own coordinates and the noise in mm
    sums: Floats  # (B, 2, 3): ones, and one over the squared half axes
    inverse: Floats  # (B, 3): one over the half axes
    reach: Floats  # (B, 3): the box in own coordinates
    cubic: Flags
    warped: Flags
    tapers: Floats  # (B, 3, 3)
    bends: Floats
    cut: Flags
    cuts: Floats  # (B, _CUTS, LINEAR)
    steep: Floats  # (B,) the slope of the cuts
    noise: Floats  # (B,) the most that noise changes, in mm
    least: Floats  # (B,) the shortest half axis

    def distance(
        self,
        blob: Numbers,
        tile: Numbers,
        tiles: Tiles,
        widest: Floats | float = 0.0,
        deepest: Floats | float = -FAR,
    ) -> Floats:
        """Distances (n, size) of blobs in tiles; exact only where layers between the two limits need it.

        The norm grows by at most one over the shortest axis a mm, and the distance is at least the norm's
        excess times the shortest axis: that tells tiles wholly inside. Boxes tell tiles wholly outside."""
        result = np.full((len(blob), tiles.labels.shape[1]), np.float32(FAR))
        matrix = self.matrix[:, :3, :4].take(blob, axis=0)
        middle = tiles.middles[:, None, :4].take(tile, axis=0)
        own = np.abs((matrix * middle).sum(2))
        half = (np.abs(matrix[:, :, :3]) * tiles.half.T[:, None].take(tile, axis=0)).sum(2)
        nearest, furthest = np.maximum(own - half, 0), own + half
        radius, noise = tiles.radius.take(tile), self.noise.take(blob)
        slack = noise + widest
        warped, least = self.warped.take(blob), self.least.take(blob)
        keep = (
            nearest < self.reach.take(blob, axis=0) + slack[:, None] * self.inverse.take(blob, axis=0)
        ).all(1)
        keep &= warped | ((self._norm(nearest, blob) - 1) * least < slack)
        inside = (self._norm(furthest, blob) - 1) * least + noise < deepest
        inside &= ~warped
        cut = self.cut.take(blob).nonzero()[0]
        if len(cut):
            edge = (self.cuts[:, :, :4].take(blob[cut], axis=0) * middle[cut]).sum(2).max(1)
            steep = self.steep.take(blob[cut])
            inside[cut] &= edge + steep * radius[cut] < np.broadcast_to(deepest, inside.shape)[cut]
            keep[cut] &= edge - steep * radius[cut] < np.broadcast_to(widest, inside.shape)[cut]
        result[inside] = -FAR
        rim = keep & ~inside
        plain = ~(self.warped | self.cubic).take(blob)
        for chosen, method in ((rim & plain, self._quadric), (rim & ~plain, self._general)):
            some = chosen.nonzero()[0]
            if len(some):
                which = blob[some]
                rows = tiles.rows.take(tile[some], axis=0)
                far = method(which, rows)
                cut = self.cut.take(which).nonzero()[0]
                if len(cut):
                    edge = (self.cuts.take(which[cut], axis=0) @ rows[cut, :LINEAR]).max(1)
                    far[cut] = np.maximum(far[cut], edge)
                result[some] = far
        return result

    def _norm(self, own: Floats, blob: Numbers) -> Floats:
        """The norm (n,) of own coordinates (n, 3), none negative."""
        square = own * own
        cubes = np.cbrt((square * own).sum(1))
        return np.asarray(np.where(self.cubic.take(blob), cubes, np.sqrt(square.sum(1))), np.float32)

    def _quadric(self, blob: Numbers, rows: Floats) -> Floats:
        forms = self.forms.take(blob, axis=0)
        norm = (forms[:, :1] @ rows)[:, 0]
        slope = (forms[:, 1:2] @ rows)[:, 0]
        np.maximum(norm, 1e-9, out=norm)
        np.maximum(slope, 1e-12, out=slope)
        far: Floats = norm - np.sqrt(norm)
        far /= np.sqrt(slope, out=slope)
        far += (forms[:, 2:, :LINEAR] @ rows[:, :LINEAR])[:, 0]
        return far

    def _general(self, blob: Numbers, rows: Floats) -> Floats:
        matrix = self.matrix.take(blob, axis=0)
        own = matrix[:, :3] @ rows[:, :LINEAR]
        warped = self.warped.take(blob).nonzero()[0]
        if len(warped):
            moved, which = own[warped], blob[warped]
            moved *= 1 + self.tapers.take(which, axis=0) @ moved
            moved += self.bends.take(which, axis=0) @ (moved * moved)
            own[warped] = moved
        own *= own
        own += 1e-9
        sums = self.sums.take(blob, axis=0)
        far = np.empty((len(blob), rows.shape[2]), np.float32)
        cubic = self.cubic.take(blob)
        some = (~cubic).nonzero()[0]
        if len(some):
            both = sums[some] @ own[some]
            norm = np.sqrt(both[:, 0])
            far[some] = (both[:, 0] - norm) / np.sqrt(both[:, 1])
        some = cubic.nonzero()[0]
        if len(some):
            square, weights = own[some], sums[some]
            cubes = weights[:, :1] @ (square * np.sqrt(square))
            norm = np.exp(np.log(cubes[:, 0]) / 3)
            square *= square
            slope = (weights[:, 1:] @ square)[:, 0]
            far[some] = (norm - 1) * norm * norm / np.sqrt(slope)
        far += (matrix[:, 3:] @ rows[:, :LINEAR])[:, 0]
        return far


def tabulate(blobs: Sequence[Blob]) -> Blobs:
    """The tables of ``blobs``."""
    n = len(blobs)
    matrix = np.array([blob.matrix for blob in blobs], np.float32).reshape(n, 4, LINEAR)
    inverse = np.array([blob.inverse for blob in blobs], np.float32).reshape(n, 3)
    tapers, bends = np.zeros((n, 3, 3), np.float32), np.zeros((n, 3, 3), np.float32)
    cuts = np.zeros((n, _CUTS, LINEAR), np.float32)
    cuts[:, :, ONE] = -FAR
    for i, blob in enumerate(blobs):
        for a, b, k in blob.tapers:
            tapers[i, a, b] = k
        for a, b, k in blob.bends:
            bends[i, a, b] = k
        if blob.cuts is not None:
            cuts[i, : len(blob.cuts)] = blob.cuts
    own = matrix[:, :3, :4].astype(np.float64)
    weights = np.stack([np.ones((n, 3)), inverse.astype(np.float64) ** 2], 1)
    # own^T own, weighted, gives the quadratic forms over (x, y, z, 1).
    square = np.einsum("nkc,nci,ncj->nkij", weights, own, own)
    forms = np.zeros((n, 3, ROWS))
    for i in range(3):
        forms[:, :2, 6 + i] = square[:, :, i, i]
        forms[:, :2, i] = 2 * square[:, :, i, ONE]
    forms[:, :2, ONE] = square[:, :, ONE, ONE]
    for row, (i, j) in zip(range(9, 12), ((0, 1), (0, 2), (1, 2)), strict=True):
        forms[:, :2, row] = 2 * square[:, :, i, j]
    forms[:, 2, :LINEAR] = matrix[:, 3]
    return Blobs(
        np.asarray(forms, np.float32),
        matrix,
        np.asarray(weights, np.float32),
        inverse,
        np.array([blob.reach for blob in blobs], np.float32).reshape(n, 3),
        np.array([blob.power == 3 for blob in blobs], np.bool_),
        np.array([bool(blob.tapers or blob.bends) for blob in blobs], np.bool_),
        tapers,
        bends,
        np.array([blob.cuts is not None for blob in blobs], np.bool_),
        cuts,
        np.asarray(np.sqrt((cuts[:, :, :3] ** 2).sum(2)).max(1, initial=1.0), np.float32),
        matrix[:, 3].sum(1) * NOISE_LIMIT,
        np.asarray(1 / inverse.max(1, initial=1e-6), np.float32),
    )


@dataclass(frozen=True, eq=False)
class Spheres:
    """The balls of many shapes in pieces of ``PIECE`` that lie close together.

    ``matrix`` (P, PIECE, ROWS) gives the distance from every ball, ``lows`` and ``highs`` (P, 3) the boxes of
    the pieces, ``owner`` (P,) the number of the shape. ``cut`` (P,) tells which have an
    ``edge`` (P, 1, LINEAR).
    """

    matrix: Floats
    lows: Floats
    highs: Floats
    owner: Numbers
    cut: Flags
    edge: Floats

    def distance(self, piece: Numbers, tile: Numbers, tiles: Tiles) -> Floats:
        """Distances (n, size) of pieces in tiles."""
        rows = tiles.rows.take(tile, axis=0)
        product = self.matrix.take(piece, axis=0) @ rows
        half = product.shape[1] // 2
        while half:
            product = np.minimum(product[:, :half], product[:, half:])
            half //= 2
        far = product[:, 0]
        cut = self.cut.take(piece).nonzero()[0]
        if len(cut):
            far[cut] = np.maximum(far[cut], (self.edge.take(piece[cut], axis=0) @ rows[cut, :LINEAR])[:, 0])
        return far


def string(shapes: Sequence[Balls], widest: Floats) -> Spheres:
    """The balls of ``shapes``, whose boxes also hold what lies up to ``widest`` (mm) outside of them."""
    branches = [branch for shape in shapes for branch in shape.branches]
    if not branches:
        none = np.zeros((0, 3), np.float32)
        empty = np.zeros((0, PIECE, ROWS), np.float32)
        return Spheres(empty, none, none, np.zeros(0, np.intp), np.zeros(0, np.bool_), empty[:, :1, :LINEAR])
    of = np.repeat(np.arange(len(shapes)), [len(shape.branches) for shape in shapes])
    curve, branch = _splines(branches)
    waves = np.array([shape.waves for shape in shapes])[of[branch]]
    step = np.sqrt((np.diff(curve[:, :3], axis=0, prepend=curve[:1, :3]) ** 2).sum(1))
    first = np.concatenate([[True], branch[1:] != branch[:-1]])
    way = np.cumsum(step)
    way -= way[first][branch]
    phase = np.abs(np.sin(math.pi * way / np.maximum(waves[:, 0], 1e-3)))
    radius = curve[:, 3] * (1 - waves[:, 1] + waves[:, 1] * phase)
    shape = of[branch]
    axes = radius[:, None] * np.array([s.squash for s in shapes])[shape]
    # Full pieces: the last ball of a shape stands several times.
    count = np.bincount(shape, minlength=len(shapes))
    pieces = -(-count // PIECE)
    owner = np.repeat(np.arange(len(shapes)), pieces)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    within = np.minimum(number[:, None] * PIECE + np.arange(PIECE), count[owner, None] - 1)
    ball = (np.cumsum(count) - count)[owner, None] + within
    centers, axes = curve[ball, :3], axes[ball]
    rough = np.array([s.rough for s in shapes])[owner]
    least = axes.min(2, keepdims=True)
    weights = least / 2 / axes**2
    matrix = np.zeros((len(owner), PIECE, ROWS), np.float32)
    matrix[..., :3] = -2 * weights * centers
    matrix[..., ONE] = (weights * centers**2).sum(2) - least[..., 0] / 2
    matrix[..., NOISE] = rough[:, None]
    matrix[..., SQUARES] = weights
    # Off the surface the distance is short by the ratio of the axes.
    slack = (NOISE_LIMIT * rough.sum(1) + np.maximum(widest, 0)[owner])[:, None, None]
    reach = axes * (1 + slack / least) + 0.3
    edge = np.zeros((len(owner), 1, LINEAR), np.float32)
    cut = np.array([s.cut is not None for s in shapes], np.bool_)[owner]
    for i in cut.nonzero()[0]:
        edge[i] = shapes[owner[i]].cut
    return Spheres(
        matrix,
        np.asarray((centers - reach).min(1), np.float32),
        np.asarray((centers + reach).max(1), np.float32),
        owner,
        cut,
        edge,
    )


def _splines(
    branches: Sequence[NDArray[np.float64]], step: float = 0.5
) -> tuple[NDArray[np.float64], Numbers]:
    """Points (n, 4) on Catmull-Rom curves through all knots, ``step`` radii apart, and their branches."""
    size = np.array([len(b) for b in branches])
    knots = np.concatenate(branches)
    of = np.repeat(np.arange(len(branches)), size)
    start = (of[1:] == of[:-1]).nonzero()[0]
    first = np.concatenate([[True], of[1:] != of[:-1]])[start]
    last = np.concatenate([of[1:] != of[:-1], [True]])[start + 1]
    b, c = knots[start], knots[start + 1]
    a = np.where(first[:, None], 2 * b - c, knots[start - 1])
    d = np.where(last[:, None], 2 * c - b, knots[np.minimum(start + 2, len(knots) - 1)])
    # Thick tubes have layers deep inside, where gaps between the balls would show most.
    thin = np.clip(np.minimum(b[:, 3], c[:, 3]), 0.8, 8.0)
    whole = np.maximum(np.ceil(np.sqrt(((c - b)[:, :3] ** 2).sum(1)) / (step * thin)), 2).astype(np.intp)
    count = whole + last
    part = np.repeat(np.arange(len(start)), count)
    number = np.arange(len(part)) - np.repeat(np.cumsum(count) - count, count)
    t = (number / whole[part])[:, None]
    a, b, c, d = a[part], b[part], c[part], d[part]
    curve = 0.5 * (2 * b + t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * b - a - 3 * c + d))))
    curve[:, 3] = np.maximum(curve[:, 3], 0.25)
    return curve, of[start][part]
