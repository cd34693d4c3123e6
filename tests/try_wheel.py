"""Build the wheel, install it into a new environment, and sort pictures with it.

    python tests/try_wheel.py

The new environment sees the packages of this one, and tamis from the wheel alone.
"""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).parents[1]


def call(*command: object, inside: Path, **env: str) -> str:
    """Run a command, give what it prints; end with its words if it fails."""
    done = subprocess.run(
        [str(word) for word in command], cwd=inside, env={**os.environ, **env},
        capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> Path:
    """Build the wheel; every file of the package is in it."""
    call(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--wheel-dir", folder, PROJECT, inside=folder)  # fmt: skip
    (wheel,) = folder.glob("tamis-*.whl")
    source = PROJECT / "src"
    files = (file for file in (source / "tamis").rglob("*") if file.is_file())
    wanted = {
        file.relative_to(source).as_posix() for file in files if "__pycache__" not in file.parts
    }
    lacking = wanted - set(zipfile.ZipFile(wheel).namelist())
    if lacking:
        sys.exit(f"{wheel.name} lacks {', '.join(sorted(lacking))}")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel into a new environment; give its folder of commands."""
    environment = folder / "environment"
    call(sys.executable, "-m", "venv", environment, inside=folder)
    bin = environment / ("Scripts" if os.name == "nt" else "bin")
    call(bin / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--no-index", wheel, inside=folder)  # fmt: skip
    here = sysconfig.get_path("purelib")
    site = call(bin / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))",
                inside=folder).strip()  # fmt: skip
    # Read after the folder of the environment itself, so that tamis is that of the wheel.
    Path(site, "others.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    return bin


def sort(bin: Path, folder: Path) -> None:
    """Sort two pictures of two classes."""
    found = call(bin / "python", "-c", "import tamis; print(tamis.__file__)", inside=folder)
    if not Path(found.strip()).is_relative_to(folder):
        sys.exit(f"tamis was imported from {found.strip()}, not from the wheel")
    for place, shade in (("dark", 30), ("light", 220)):
        for number in range(3):
            file = folder / "examples" / place / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (48, 32), (shade + number,) * 3).save(file)
        (folder / "photos").mkdir(exist_ok=True)
        Image.new("RGB", (48, 32), (shade + 3,) * 3).save(folder / "photos" / f"{place}.png")
    told = call(bin / "tamis", "sort", "--train", "examples", "--input", "photos", "--out",
                "sorted", "--by", "moments", "--json", "-", inside=folder)  # fmt: skip
    json.loads(told)
    for name in ("dark/dark.png", "light/light.png", "report.html"):
        if not (folder / "sorted" / name).is_file():
            sys.exit(f"sorted/{name} was not written")
    call(bin / "tamis", "undo", "sorted", inside=folder)


def main() -> None:
    """Build, install, sort."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        wheel = build(folder)
        sort(install(wheel, folder), folder)
        print(f"{wheel.name}: built, installed, two pictures sorted")  # noqa: T201


if __name__ == "__main__":
    main()
