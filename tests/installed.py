"""Small packages as pip would leave them: modules beside a folder of metadata.

Nothing is downloaded or built: importlib.metadata finds any ``*.dist-info`` on the path.
"""

SPARKLE = '''
"""`sparkle`: how bright the brightest pixel is."""

from dataclasses import dataclass
from typing import ClassVar

from tamis.descriptors.base import PixelDescriptor


@dataclass(frozen=True, kw_only=True)
class Sparkle(PixelDescriptor):
    """Brightest value of each channel.

    Times `gain`.

    Parameters
    ----------
    gain : float
        What each is multiplied by.
    label : str
        Anything,
        on two lines.
    """

    name: ClassVar[str] = "sparkle"
    summary: ClassVar[str] = "the brightest pixel"
    source: ClassVar[str] = "Nobody 2001, doi:10.1000/182"

    gain: float = 1.0
    label: str = "a b"

    @property
    def dim(self):
        return 3

    def _fill(self, image, out):
        out[:] = self.gain * image.max(axis=(0, 1))
'''


def install(folder, package, entries, modules=None, version="1.2"):
    """Write a package that announces descriptors.

    `entries` are places (``module:Class``) by name, `modules` texts by module.
    """
    folder.mkdir(exist_ok=True)
    info = folder / f"{package.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    points = "\n".join(f"{name} = {place}" for name, place in entries.items())
    (info / "entry_points.txt").write_text(f"[tamis.descriptors]\n{points}\n")
    for name, text in (modules or {}).items():
        (folder / f"{name}.py").write_text(text)
    return folder
