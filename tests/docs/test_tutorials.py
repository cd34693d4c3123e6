"""Every tutorial is done as it is written: its shell and Python blocks, in order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = sorted((Path(__file__).parents[2] / "docs/tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", [p for p in TUTORIALS if p.stem != "index"], ids=lambda p: p.stem)
def test_a_tutorial_runs(page, tmp_path):
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert blocks
    if "lance" in page.read_text() or page.stem in ("photographer", "data-scientist"):
        pytest.importorskip("lance", reason="needs the extra store")
        pytest.importorskip("pandas", reason="needs the extra frames")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    command = bin_folder / "tamis"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tamis "$@"\n')
    command.chmod(0o755)
    place = tmp_path / "work"
    place.mkdir()
    environment = os.environ | {"PATH": f"{bin_folder}:{os.environ['PATH']}"}
    # Python blocks go on with the names of those before, so all are one program, and a shell
    # block is a call in it.
    lines = ["import subprocess as _subprocess\n"]
    for kind, code in blocks:
        call = f"_subprocess.run({code!r}, shell=True, check=True)\n"
        lines.append(code if kind == "python" else call)
    done = subprocess.run(
        [sys.executable, "-c", "".join(lines)],
        cwd=place, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
