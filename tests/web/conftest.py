"""Pictures to review, with names that are no good in HTML."""

from pathlib import Path

import pytest

from pictures import write_kinds
from reviewing import NASTY

pytest.importorskip("starlette", reason="needs the extra web")
pytest.importorskip("uvicorn", reason="needs the extra web")


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Photos and examples below a folder; thumbnails are kept there too."""
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))
    write_kinds(tmp_path / "examples", 4)
    truth = write_kinds(tmp_path / "photos", 8, first=50, flat=True)
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xffnothing")
    first = min(truth)
    (tmp_path / "photos" / NASTY).write_bytes(Path(first).read_bytes())
    return tmp_path
