"""Evaluates a plan at any points, fast: all shapes of a picture at once instead of one after the other.

The points are cut into tiles. Every pair of a shape (or a piece of it) and a tile that its box touches is
found first; the distances of all pairs are a few batched matrix products; then the tiles are painted, the
first shape of every tile together, then the second of every tile, and so on, so that the order of painting
is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from SeriesClassifierLib.simulation.anatomy.shapes import (
    FAR,
    NOISE,
    ONE,
    ROWS,
    Balls,
    Bending,
    Blob,
    Bytes,
    Floats,
    Painter,
    Plan,
    Solid,
    Strewn,
    SurfaceNoise,
    Tiles,
)
from SeriesClassifierLib.simulation.anatomy.tables import Blobs, Spheres, string, tabulate

_TILE = 8
_CHUNK = 1 << 16
_CUTS = 4
_LAYERS = 6
_BLOB, _BALLS, _OTHER = range(3)

Numbers = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Painting:
    """A finished plan in its bent space.

    A box is a blob, a piece of balls, or a box of another painter. ``owner`` says whose it is, ``row``
    where its shape stands in the table of its kind. ``stage`` counts, for every painter, the painters of
    their own kind up to it: those wait for all before them."""

    painters: tuple[Solid | Painter, ...]
    lows: Floats
    highs: Floats
    owner: Numbers
    row: Numbers
    kind: NDArray[np.uint8]
    stage: Numbers
    blobs: Blobs
    spheres: Spheres
    below: Floats
    names: Bytes
    count: Numbers
    masks: Flags
    mask: Numbers
    widest: Floats
    deepest: Floats
    strewn: tuple[Strewn, ...]
    lookup: Bytes
    bending: Bending
    noise: SurfaceNoise
    turn: Floats
    shift: Floats

    def labels(self, points: Floats) -> Bytes:
        """Tissue indices, shape (...), at ``points`` (..., 3) of float32, in mm of the scanner."""
        flat = points.reshape(-1, 3).T
        order = _tiles(points.shape[:-1])
        out = np.zeros(flat.shape[1], np.uint8)
        for start in range(0, len(order), _CHUNK):
            part = order[start : start + _CHUNK]
            tiles = self._cut(self.turn @ flat.take(part, axis=1) + self.shift)
            self._paint(tiles)
            out[part] = tiles.labels.reshape(-1)
        return self.lookup.take(out).reshape(points.shape[:-1])

    def _cut(self, points: Floats) -> Tiles:
        size = _TILE * _TILE
        moved = self.bending.at(points)
        count = moved.shape[1] // size
        rows = np.empty((count, ROWS, size), np.float32)
        table = rows.transpose(1, 0, 2)
        x, y, z = grid = moved.reshape(3, count, size)
        table[:3] = grid
        table[ONE] = 1
        table[NOISE] = self.noise.at(moved).reshape(2, count, size)
        for row, (one, two) in zip(table[6:], ((x, x), (y, y), (z, z), (x, y), (x, z), (y, z)), strict=True):
            np.multiply(one, two, out=row)
        low, high = grid.min(2), grid.max(2)
        middles = np.zeros((count, ROWS), np.float32)
        middles[:, :3] = ((low + high) / 2).T
        middles[:, ONE] = 1
        half = np.asarray((high - low) / 2, np.float32)
        radius = np.asarray(np.sqrt((half * half).sum(0)) + 0.01, np.float32)
        return Tiles(grid, rows, np.zeros((count, size), np.uint8), middles, half, radius)

    def _paint(self, tiles: Tiles) -> None:
        middle = tiles.middles[:, :3].T
        low, high = middle - tiles.half, middle + tiles.half
        chosen = ((self.lows < high.max(1)) & (self.highs > low.min(1))).all(1).nonzero()[0]
        lows, highs = (
            self.lows.take(chosen, axis=0).T[:, :, None],
            self.highs.take(chosen, axis=0).T[:, :, None],
        )
        touched = lows[0] < high[0]
        touched &= highs[0] > low[0]
        for axis in (1, 2):
            touched &= lows[axis] < high[axis]
            touched &= highs[axis] > low[axis]
        flat = touched.reshape(-1).nonzero()[0]  # several times as fast as in two dimensions
        number, tile = np.divmod(flat, touched.shape[1])
        box = chosen[number]
        owner, kind = self.owner[box], self.kind[box]
        others = (kind == _OTHER).nonzero()[0]
        far, whose, where = self._distances(box, kind, owner, tile, tiles)
        stage = self.stage.take(whose)
        begin = 0
        for other in np.unique(owner[others]):
            painter = self.painters[other]
            end = int(np.searchsorted(stage, self.stage[other]))
            self._layers(tiles, far[begin:end], whose[begin:end], where[begin:end])
            begin = end
            if not isinstance(painter, Solid):
                painter.paint(tiles, np.unique(tile[owner == other]))
        self._layers(tiles, far[begin:], whose[begin:], where[begin:])
        for strewn in self.strewn:
            strewn.paint(tiles)

    def _distances(
        self, box: Numbers, kind: NDArray[np.uint8], owner: Numbers, tile: Numbers, tiles: Tiles
    ) -> tuple[Floats, Numbers, Numbers]:
        """The distances of every pair of painter and tile, in the order of painting."""
        some = (kind == _BLOB).nonzero()[0]
        whose, where = owner[some], tile[some]
        widest, deepest = self.widest.take(whose), self.deepest.take(whose)
        far = self.blobs.distance(self.row.take(box[some]), where, tiles, widest, deepest)
        some = (kind == _BALLS).nonzero()[0]
        if len(some):
            far = np.concatenate([far, self.spheres.distance(self.row.take(box[some]), tile[some], tiles)])
            whose, where = np.concatenate([whose, owner[some]]), np.concatenate([where, tile[some]])
        # What does not reach a tile need not be painted. Pieces of one tube in one tile become one.
        near = far.min(1) < self.widest.take(whose)
        alive = near.nonzero()[0]
        alive = alive[np.argsort(whose[alive] * tiles.labels.shape[0] + where[alive], kind="stable")]
        far, whose, where = far.take(alive, axis=0), whose[alive], where[alive]
        first = np.ones(len(alive), np.bool_)
        first[1:] = (whose[1:] != whose[:-1]) | (where[1:] != where[:-1])
        begin = first.nonzero()[0]
        if len(begin) == len(alive):
            return far, whose, where
        size = np.diff(begin, append=len(alive))
        least = far.take(begin, axis=0)
        for further in range(1, int(size.max())):
            some = (size > further).nonzero()[0]
            least[some] = np.minimum(least.take(some, axis=0), far.take(begin[some] + further, axis=0))
        return least, whose[begin], where[begin]

    def _layers(self, tiles: Tiles, far: Floats, owner: Numbers, tile: Numbers) -> None:
        """Paint pairs that are sorted by painter: in turn the first, second, ... of every tile."""
        if not len(owner):
            return
        order = np.argsort(tile, kind="stable")
        along = tile[order]
        first = np.ones(len(order), np.bool_)
        first[1:] = along[1:] != along[:-1]
        begin = first.nonzero()[0]
        turn = np.arange(len(order)) - begin[np.cumsum(first) - 1]
        order = order[np.argsort(turn, kind="stable")]
        ends = np.cumsum(np.bincount(turn))
        far, owner, tile = far.take(order, axis=0), owner[order], tile[order]
        offset, below, names, count = (
            self.mask[owner, None] * 256,
            self.below[owner],
            self.names[owner],
            self.count[owner],
        )
        for a, b in zip([0, *ends[:-1]], ends, strict=True):
            where, away = tile[a:b], far[a:b]
            labels = tiles.labels.take(where, axis=0)
            free = self.masks.take(offset[a:b] + labels)
            for layer in range(int(count[a:b].max())):
                # Bits instead of np.where, which is several times as slow on bytes.
                bits = away < below[a:b, layer, None]
                bits &= free
                change = labels ^ names[a:b, layer, None]
                change &= -bits.view(np.uint8)
                labels ^= change
            tiles.labels[where] = labels


@lru_cache(maxsize=16)
def _tiles(shape: tuple[int, ...]) -> Numbers:
    """The order that puts points of neighboring tiles together; points at the rim are named twice to fill
    up.
    """
    total = math.prod(shape)
    index = np.arange(total, dtype=np.intp)
    if not total:
        return index
    if len(shape) < 2:
        return np.pad(index, (0, -total % (_TILE * _TILE)), mode="edge")
    planes = index.reshape(-1, *shape[-2:])
    pads = [(0, 0), (0, -shape[-2] % _TILE), (0, -shape[-1] % _TILE)]
    planes = np.pad(planes, pads, mode="edge")
    n, h, w = planes.shape
    return planes.reshape(n, h // _TILE, _TILE, w // _TILE, _TILE).transpose(0, 1, 3, 2, 4).reshape(-1)


def finish(plan: Plan, bending: Bending, noise: SurfaceNoise, turn: Floats, shift: Floats) -> Painting:
    """The painting of a plan; ``turn`` (3, 3) and ``shift`` (3, 1) lead from the scanner to the plan."""
    painters = plan.painters
    below = np.full((len(painters), _LAYERS), -2 * FAR, np.float32)
    names = np.zeros((len(painters), _LAYERS), np.uint8)
    deepest = np.zeros(len(painters), np.float32)
    count = np.ones(len(painters), np.intp)
    mask = np.zeros(len(painters), np.intp)
    masks = {0: np.ones(256, np.bool_)}
    places = {0: 0}
    blobs: list[Blob] = []
    tubes: list[Balls] = []
    whose: tuple[list[int], list[int], list[int]] = ([], [], [])
    lows, highs = [], []
    for i, painter in enumerate(painters):
        if not isinstance(painter, Solid):
            whose[_OTHER].extend([i] * len(painter.lows))
            lows.append(painter.lows)
            highs.append(painter.highs)
            continue
        for j, (limit, name) in enumerate(painter.layers):
            below[i, j], names[i, j] = limit, name
        count[i], deepest[i] = len(painter.layers), painter.layers[-1][0]
        if painter.only is not None:
            # The plan keeps one mask for the same names.
            mask[i] = places.setdefault(id(painter.only), len(places))
            masks[int(mask[i])] = painter.only
        if isinstance(painter.shape, Blob):
            whose[_BLOB].append(i)
            blobs.append(painter.shape)
        else:
            whose[_BALLS].append(i)
            tubes.append(painter.shape)
    widest = below[:, 0].copy()
    spheres = string(tubes, widest[whose[_BALLS]])
    grown = np.maximum(widest[whose[_BLOB]], 0)[:, None]
    pieces = np.array(whose[_BALLS], np.intp)[spheres.owner]
    sizes = (len(blobs), len(pieces), len(whose[_OTHER]))
    return Painting(
        tuple(painters),
        np.concatenate([np.stack([b.low for b in blobs]) - grown, spheres.lows, *lows]),
        np.concatenate([np.stack([b.high for b in blobs]) + grown, spheres.highs, *highs]),
        np.concatenate([np.array(whose[_BLOB], np.intp), pieces, np.array(whose[_OTHER], np.intp)]),
        np.concatenate([np.arange(n) for n in sizes]),
        np.repeat(np.array([_BLOB, _BALLS, _OTHER], np.uint8), sizes),
        np.cumsum([not isinstance(painter, Solid) for painter in painters]),
        tabulate(blobs),
        spheres,
        below,
        names,
        count,
        np.stack([masks[i] for i in range(len(masks))]),
        mask,
        widest,
        deepest,
        tuple(plan.strewn),
        plan.lookup.copy(),
        bending,
        noise,
        turn,
        shift,
    )
