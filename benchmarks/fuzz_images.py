"""Read pictures that were damaged at random, and count what must not happen.

    python benchmarks/fuzz_images.py --count 100000 [--seed 0] [--keep FOLDER]

A small picture is written in every format, and damaged: bits flipped, bytes replaced,
cut, spliced with another file, numbers of its header set to extremes. Each file goes
through the same worker processes that every command uses. The table counts, by kind of
file: those read, refused, refused because the decoder died, those that took more than 5
seconds, and pictures of one colour that came without a word although the whole one has
many. Below it: the most memory of a worker, and what reached standard error.
"""

import argparse
import collections
import io
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import machine

sys.path.append(str(Path(__file__).parent.parent / "tests"))
import odd_files
from tamis.errors import ImageReadError
from tamis.images import Decoders, Reading
from tamis.images import decoders as module

HANG_SECONDS = 5
BATCH = 250
LEAST_PIXELS = 64  # a picture of fewer may be of one colour


def seeds() -> dict[str, bytes]:
    """Write the whole pictures."""
    y, x = np.mgrid[:96, :128]
    waves = [128 + 90 * np.sin(x / (7 + 3 * c) + c) * np.cos(y / (9 - 2 * c)) for c in range(3)]
    noise = np.random.default_rng(0).normal(0, 6, (96, 128, 3))
    photo = (np.stack(waves, axis=-1) + noise).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(photo)
    ink, lines, colours = picture.convert("CMYK"), picture.convert("1"), picture.quantize(64)
    clear = Image.fromarray(np.dstack([photo, (x * 2).astype(np.uint8)]))

    def saved(what: Image.Image, kind: str, **options: object) -> bytes:
        out = io.BytesIO()
        what.save(out, kind, **options)
        return out.getvalue()

    found = {
        "jpeg": saved(picture, "JPEG", exif=odd_files.exif(6)),
        "jpeg progressive": saved(picture, "JPEG", progressive=True),
        "jpeg cmyk": saved(ink, "JPEG"),
        "jpeg restarts": saved(picture, "JPEG", restart_marker_rows=1),
        "png": saved(picture, "PNG"),
        "png alpha": saved(clear, "PNG"),
        "png palette": saved(colours, "PNG", transparency=3),
        "png 16 bits": odd_files.png16(photo, 2),
        "gif": saved(colours, "GIF"),
        "bmp": saved(picture, "BMP"),
        "bmp alpha": saved(clear, "BMP"),
        "webp": saved(picture, "WEBP"),
        "webp lossless": saved(clear, "WEBP", lossless=True),
        "avif": saved(picture, "AVIF"),
        "avif alpha": saved(clear, "AVIF"),
        "heic": odd_files.HEIC,
        "jp2": saved(picture, "JPEG2000"),
        "ppm": saved(picture, "PPM"),
        "ico": saved(clear, "ICO", sizes=[(64, 64)]),
        "ico bmp": saved(clear, "ICO", sizes=[(64, 64)], bitmap_format="bmp"),
        "tga": saved(picture, "TGA", compression="tga_rle"),
    }
    for how in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd"):
        found[f"tiff {how}"] = saved(picture, "TIFF", compression=how)
    for how in ("group3", "group4"):
        found[f"tiff {how}"] = saved(lines, "TIFF", compression=how)
    return found


def damaged(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Damage a file in one to three ways."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(out)))
        header = int(rng.integers(min(len(out), 512)))
        match rng.integers(8):
            case 0:
                for _ in range(rng.integers(1, 9)):
                    out[int(rng.integers(len(out)))] ^= 1 << int(rng.integers(8))
            case 1:
                out[header] = int(rng.integers(256))
            case 2:
                out = out[: max(1, at)]
            case 3:
                end = min(len(out), at + int(rng.integers(1, 512)))
                out[at:end] = rng.bytes(end - at)
            case 4:
                end = min(len(out), at + int(rng.integers(1, 2048)))
                out[at:end] = bytes(end - at)
            case 5:
                start = int(rng.integers(len(other)))
                out[at:at] = other[start : start + int(rng.integers(1, 512))]
            case 6:
                del out[at : at + int(rng.integers(1, 64))]
            case 7:
                extreme = (b"\xff\xff", b"\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\x80\0\0\0")
                value = extreme[int(rng.integers(len(extreme)))]
                out[header : header + len(value)] = value
        if not out:
            out = bytearray(b"\0")
    return bytes(out)


def peak_memory() -> int:
    """Bytes of the largest worker that has just worked, at its highest; 0 if not known."""
    most = 0
    for worker in module._idle:
        try:
            status = Path(f"/proc/{worker._process.pid}/status").read_text()
        except OSError:
            continue
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        most = max(most, int(line.split()[1]) * 1024)
    return most


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", help="Folder for the files that did what they must not.")
    given = parser.parse_args()
    print(machine.describe())
    whole = seeds()
    names = list(whole)
    rng = np.random.default_rng(given.seed)
    counts: dict[str, collections.Counter[str]] = {n: collections.Counter() for n in names}
    folder = tempfile.mkdtemp(prefix="tamis-fuzz-")
    noise = tempfile.TemporaryFile()  # noqa: SIM115
    screen = os.dup(2)
    os.dup2(noise.fileno(), 2)
    memory, start = 0, time.perf_counter()
    decoders = Decoders(Reading())
    try:
        for first in range(0, given.count, BATCH):
            kinds = [
                names[int(rng.integers(len(names)))] for _ in range(min(BATCH, given.count - first))
            ]
            paths = []
            for i, kind in enumerate(kinds):
                paths.append(os.path.join(folder, f"{i:03}"))
                other = whole[names[int(rng.integers(len(names)))]]
                Path(paths[-1]).write_bytes(damaged(whole[kind], other, rng))
            last = time.perf_counter()
            for path, kind, answer in zip(
                paths, kinds, decoders.read(paths, [128], digest=True), strict=True
            ):
                now = time.perf_counter()
                verdicts = judged(answer, now - last)
                last = now
                counts[kind].update(verdicts)
                if given.keep and verdicts & {"decoder died", "over 5 s", "one colour"}:
                    os.makedirs(given.keep, exist_ok=True)
                    name = f"{'-'.join(sorted(verdicts))} {kind} {first + int(Path(path).name)}"
                    shutil.copy(path, os.path.join(given.keep, name.replace(" ", "_")))
            memory = max(memory, peak_memory())
    finally:
        decoders.close()
        os.dup2(screen, 2)
        shutil.rmtree(folder)
    noise.seek(0)
    show(counts, memory, noise.read(), time.perf_counter() - start)


def judged(answer: object, seconds: float) -> set[str]:
    """Say what became of a file."""
    verdicts = {"over 5 s"} if seconds > HANG_SECONDS else set()
    if isinstance(answer, ImageReadError):
        verdicts.add("refused")
        if "crashes its decoder" in answer.reason:
            verdicts.add("decoder died")
        if "takes more than" in answer.reason:
            verdicts.add("given up")
        if "memory" in answer.reason:
            verdicts.add("for memory")
    else:
        verdicts.add("read")
        pixels = answer.at(128)
        if answer.height * answer.width >= LEAST_PIXELS and (pixels == pixels[0, 0]).all():
            verdicts.add("one colour")
    return verdicts


def show(
    counts: dict[str, collections.Counter[str]], memory: int, noise: bytes, seconds: float
) -> None:
    """Print the table."""
    columns = ("read", "refused", "for memory", "decoder died", "over 5 s", "one colour")
    print("| kind | files |", " | ".join(columns), "|\n|" + "---|" * (2 + len(columns)))
    total: collections.Counter[str] = collections.Counter()
    for kind, found in counts.items():
        total.update(found)
        print(f"| {kind} | {found['read'] + found['refused']} |", end="")
        print(*(f" {found[column]} |" for column in columns), sep="")
    print(f"| all | {total['read'] + total['refused']} |", end="")
    print(*(f" {total[column]} |" for column in columns), sep="")
    print(
        f"{seconds:.0f} s; largest worker {memory / 1e6:.0f} MB; {len(noise)} bytes on standard "
        "error"
    )
    sys.stdout.write(noise[:2000].decode("utf-8", "replace"))


if __name__ == "__main__":
    main()
