"""Hue, saturation and value of a pixel, for the descriptors that count by them."""

import numba as nb


@nb.njit(nogil=True, cache=True, inline="always")
def hsv(red: float, green: float, blue: float) -> tuple[float, float, float]:
    """Hue in [0, 6), saturation in [0, 1] and value of a colour.

    The hexcone of A. R. Smith, "Color gamut transform pairs", 1978
    (https://doi.org/10.1145/965139.807361): red 0, green 2, blue 4; the value is
    the largest channel, in its own unit. Greys have hue 0.
    """
    value = max(red, green, blue)
    chroma = value - min(red, green, blue)
    if chroma == 0.0:
        return 0.0, 0.0, value
    if value == red:
        hue = (green - blue) / chroma
        if hue < 0.0:
            hue += 6.0
    elif value == green:
        hue = 2.0 + (blue - red) / chroma
    else:
        hue = 4.0 + (red - green) / chroma
    return hue, chroma / value, value


@nb.njit(nogil=True, cache=True, inline="always")
def hsv_bin(red: int, green: int, blue: int, hues: int, saturations: int, values: int) -> int:
    """Bin of a colour of 0..255 per channel: hue first, then saturation, then value.

    Each of the three is cut into equal intervals.
    """
    hue, saturation, value = hsv(float(red), float(green), float(blue))
    hue_bin = int(hue * (hues / 6.0))
    saturation_bin = min(int(saturation * saturations), saturations - 1)
    value_bin = int(value) * values // 256
    return (hue_bin * saturations + saturation_bin) * values + value_bin
