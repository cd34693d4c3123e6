"""What a pair of values adds to the distance of two vectors.

A kind of term is a tuple whose *length* says which: numba knows it when it
compiles, so each kernel holds one kind, in vector registers, and is still cached
on disk, which it would not be if it took functions as arguments.
"""

import math
from typing import Any, Final

import numba as nb
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Kind = tuple[int, ...]

ABSOLUTE: Final = (0,)
SQUARE: Final = (0, 0)
CHI: Final = (0, 0, 0)
CANBERRA: Final = (0, 0, 0, 0)
JENSEN: Final = (0, 0, 0, 0, 0)

_LN2: Final = math.log(2)
_LN2_32: Final = np.float32(_LN2)
_SERIES: Final = tuple(1 / (k * (2 * k - 1)) for k in range(13, 0, -1))

# Sums in any order, and no checks for division by zero: what a vector unit needs.
# The terms take part, because they are compiled into the loops that call them.
FAST: Final[dict[str, Any]] = {
    "nogil": True,
    "fastmath": {"reassoc", "contract"},
    "error_model": "numpy",
}


@nb.njit(**FAST)
def _log(x: np.float32) -> np.float32:
    """Natural logarithm within 2**-20 for x in (0, 1]; finite for 0.

    The polynomial of Cephes' ``logf`` (S. L. Moshier), without its branches:
    a call of the C library would keep the loop out of vector registers.
    """
    root = np.int32(0x3F3504F3)  # sqrt(1/2): the mantissa becomes [sqrt(1/2), sqrt(2))
    bits = np.int32(np.float32(x).view(np.int32) - root)
    exponent = np.int32(bits >> np.int32(23))
    mantissa = np.int32((bits & np.int32(0x007FFFFF)) + root)
    z = np.int32(mantissa).view(np.float32) - np.float32(1)
    y = np.float32(7.0376836292e-2)
    y = y * z - np.float32(1.1514610310e-1)
    y = y * z + np.float32(1.1676998740e-1)
    y = y * z - np.float32(1.2420140846e-1)
    y = y * z + np.float32(1.4249322787e-1)
    y = y * z - np.float32(1.6668057665e-1)
    y = y * z + np.float32(2.0000714765e-1)
    y = y * z - np.float32(2.4999993993e-1)
    y = y * z + np.float32(3.3333331174e-1)
    y = z * z * (y * z - np.float32(0.5)) + z
    return y + np.float32(exponent) * _LN2_32


@nb.njit(**FAST)
def term(kind: Kind, a: np.float32, b: np.float32) -> np.float32:
    """Estimate the term of two float32 values in float32."""
    if len(kind) == 1:
        return abs(a - b)
    if len(kind) == 2:
        return (a - b) * (a - b)
    if len(kind) == 3:
        total = a + b
        total += np.float32(total == 0)
        return (a - b) * ((a - b) / total)  # in this order: small squares would vanish
    if len(kind) == 4:
        total = abs(a) + abs(b)
        total += np.float32(total == 0)
        return abs(a - b) / total
    total = a + b
    part = a / (total + np.float32(total == 0))
    rest = b / (total + np.float32(total == 0))
    return a * (_log(part) + _LN2_32) + b * (_log(rest) + _LN2_32)


@nb.njit(**FAST)
def gain(kind: Kind, a: np.float32, b: np.float32) -> np.float32:
    """Estimate ``term(a, b) - term(a, 0) - term(0, b)``; `b` is not 0.

    It is 0 where `a` is 0, so that only the bins which both vectors use count.
    """
    if len(kind) == 1:
        return abs(a - b) - abs(a) - abs(b)
    if len(kind) == 2:
        return np.float32(-2) * (a * b)
    if len(kind) == 3:
        return np.float32(-4) * (a * (b / (a + b)))
    if len(kind) == 4:
        return abs(a - b) / (abs(a) + abs(b)) - np.float32(a != 0) - np.float32(1)
    return a * _log(a / (a + b)) + b * _log(b / (a + b))


@nb.njit(nogil=True, error_model="numpy")
def exact(kind: Kind, x: float, y: float) -> float:
    """Compute the term of two float64 values in float64; 0 if they are equal."""
    if len(kind) == 1:
        return abs(x - y)
    if len(kind) == 2:
        return (x - y) * (x - y)
    if len(kind) == 3:
        return (x - y) * (x - y) / (x + y + np.float64(x + y == 0))
    if len(kind) == 4:
        return abs(x - y) / (abs(x) + abs(y) + np.float64(abs(x) + abs(y) == 0))
    if x == y:
        return 0.0
    if x == 0 or y == 0:
        return (x + y) * _LN2
    # With x, y = m (1 + u), m (1 - u): x ln(x / m) + y ln(y / m), by its series where
    # the logarithms would cancel.
    u = (x - y) / (x + y)
    if abs(u) > 0.25:
        part, rest = 2 * x / (x + y), 2 * y / (x + y)  # 1 - u could be 0
        bent = part * math.log(part) + rest * math.log(rest)
    else:
        bent = 0.0
        for factor in _SERIES:
            bent = (bent + factor) * (u * u)
    return (x + y) / 2 * bent
