"""Where the regions of a picture begin and end."""

import numba as nb


@nb.njit(nogil=True, cache=True, inline="always")
def region_start(region: int, regions: int, length: int) -> int:
    """First pixel of cell `region` when `length` pixels are cut into `regions` cells.

    ``round(linspace(0, length, regions + 1))[region]``: halves round to even, and
    the end of a cell is the start of the next. With fewer pixels than cells some
    cells are empty.
    """
    return round(region * (length / regions))
