"""What embedded colour profiles cost: the same photos without one, with sRGB, with another.

    python benchmarks/profiles.py FOLDER [--by color] [--limit 500] [--rounds 5]

All ways alternate in one run. The other profile is that of sRGB with its red and green
exchanged, so that every colour changes.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from PIL import ImageCms

import machine
from tamis.descriptors import descriptor
from tamis.features import extract
from tamis.table import ImageTable


def with_profile(jpeg: bytes, profile: bytes) -> bytes:
    """Put a profile into a JPEG."""
    body = b"ICC_PROFILE\0\1\1" + profile
    return jpeg[:2] + b"\xff\xe2" + (len(body) + 2).to_bytes(2) + body + jpeg[2:]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--by", default="color")
    parser.add_argument("--limit", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(machine.describe())
    paths = [path for path in ImageTable.from_folder(given.folder).paths if path.endswith("jpg")]
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = srgb.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")
    with tempfile.TemporaryDirectory() as folder:
        tables = {}
        for name, profile in (("none", b""), ("sRGB", srgb), ("another", other)):
            made = []
            for i, path in enumerate(paths[: given.limit]):
                made.append(f"{folder}/{name}{i}.jpg")
                data = Path(path).read_bytes()
                Path(made[-1]).write_bytes(with_profile(data, profile) if profile else data)
            tables[name] = ImageTable(tuple(made), (None,) * len(made), (None,) * len(made))
        seconds = {name: [] for name in tables}
        for turn in range(given.rounds + 1):
            for name, table in tables.items():
                start = time.perf_counter()
                extract(table, descriptor(given.by), jobs=1)
                if turn:
                    seconds[name].append(time.perf_counter() - start)
    middle = {name: statistics.median(found) for name, found in seconds.items()}
    for name, taken in middle.items():
        print(
            f"{name}: {1000 * taken / len(tables[name]):.3f} ms per photo, "
            f"{taken / middle['none']:.3f} of none"
        )


if __name__ == "__main__":
    main()
