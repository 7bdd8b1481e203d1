"""Which hashes differ in few bits, without comparing each with each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_BITS = 10
NEAREST = 16  # that are kept of a query
_BANDS = 8
_WINDOW, _WINDOW_TURNED = 64, 16  # hashes to either side, where many agree in a band, and with a bit of it turned
_AT_A_TIME = 1024


def near(queries: NDArray[np.uint64], hashes: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each query the hashes that differ from it in at most `MOST_BITS` bits, the nearest few.

    The 64 bits are cut into four bands of 16. Of two hashes that differ in 7 bits or fewer, one band differs in one bit
    or none; so each band is looked up as it is and with each of its bits turned, in hashes sorted by that band
    (multi-index hashing, Norouzi 2012, arXiv:1307.2982). Of hashes that differ in 8 to 10 bits, 96 to 78 of 100 have
    such a band; the bits are cut in two ways, by columns of the picture and by rows, and one is enough. A band is two
    columns or rows, one from the middle: the outer ones say little of a thing on a plain ground. Where very
    many agree in a band, as those of pictures with much white do, only those are looked at that come next in the order
    of the other bits.

    Args:
        queries: uint64 (queries,).
        hashes: uint64 (hashes,).

    Returns:
        Index of the query and of the hash, intp (pairs,) each, by query and then by distance.
    """
    bands = [_with_band_first(hashes, band) for band in range(_BANDS)]
    orders = [np.argsort(keys) for keys in bands]
    bands = [keys[order] for keys, order in zip(bands, orders, strict=True)]
    found = []
    for start in range(0, len(queries), _AT_A_TIME):
        asked = queries[start : start + _AT_A_TIME]
        some = [_in_band(_with_band_first(asked, band), keys) for band, keys in enumerate(bands)]
        of_query = np.concatenate([query for query, _, _ in some])
        of_hash = np.concatenate([order[place] for order, (_, place, _) in zip(orders, some, strict=True)])
        query, hit = _nearest(of_query, of_hash, np.concatenate([distance for _, _, distance in some]))
        found.append((query + start, hit))
    return np.concatenate([query for query, _ in found]), np.concatenate([hit for _, hit in found])


def _in_band(
    asked: NDArray[np.uint64], keys: NDArray[np.uint64]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.uint8]]:
    """The close ones among those that agree in a band, but for a bit.

    Args:
        asked: uint64 (queries,), the band's bits in front.
        keys: uint64 (hashes,), likewise, sorted.

    Returns:
        Index of the query and of the key, and the bits in which they differ, (pairs,) each.
    """
    turned = np.concatenate([np.zeros(1, np.uint64), np.uint64(1) << np.arange(48, 64, dtype=np.uint64)])
    lookups = (asked[:, None] ^ turned).reshape(-1)
    width = np.where(np.arange(len(lookups)) % len(turned) == 0, _WINDOW, _WINDOW_TURNED)
    band = lookups & ~np.uint64(2**48 - 1)
    low, high = np.searchsorted(keys, band), np.searchsorted(keys, band | np.uint64(2**48 - 1), side="right")
    place = np.searchsorted(keys, lookups)
    low, high = np.maximum(low, place - width), np.minimum(high, place + width)
    count = high - low
    query = np.repeat(np.arange(len(lookups)) // len(turned), count)
    at = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count - low, count)
    distance = np.bitwise_count(asked[query] ^ keys[at])
    close = distance <= MOST_BITS
    return query[close], at[close], distance[close]


def _with_band_first(hashes: NDArray[np.uint64], band: int) -> NDArray[np.uint64]:
    """The same bits in another order, those of the band in front."""
    chosen = [bit for bit in range(64) if (bit % 8 if band < 4 else bit // 8) % 4 == band % 4]
    places = chosen + [bit for bit in range(64) if bit not in chosen]
    keys = np.zeros(len(hashes), np.uint64)
    for rank, bit in enumerate(places):
        keys |= ((hashes >> np.uint64(63 - bit)) & np.uint64(1)) << np.uint64(63 - rank)
    return keys


def _nearest(
    queries: NDArray[np.intp], hashes: NDArray[np.intp], distances: NDArray[np.uint8]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    order = np.lexsort((hashes, distances, queries))
    queries, hashes = queries[order], hashes[order]
    first = np.ones(len(queries), bool)
    first[1:] = (queries[1:] != queries[:-1]) | (hashes[1:] != hashes[:-1])  # found by several bands
    queries, hashes = queries[first], hashes[first]
    rank = np.arange(len(queries)) - np.searchsorted(queries, queries)
    return queries[rank < NEAREST], hashes[rank < NEAREST]
