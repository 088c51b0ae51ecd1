"""Chance that follows from names: the same parts always give the same numbers, on every machine."""

from __future__ import annotations

import hashlib
import random


def chance(*parts: object) -> random.Random:
    """A generator of random numbers that depends on nothing but `parts`."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest, "big"))


def number(*parts: object) -> int:
    """A 31-bit number that depends on nothing but `parts`."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (2**31)
