"""Running commands in tests: most in this process, which saves a second of imports each."""

import contextlib
import io
import json
import os
import subprocess
import sys
from unittest import mock

from tamis.cli import main

# What answers in tests that are not about the default, which runs two networks per picture.
QUICK = ("--by", "color", "--classifier", "knn")


def tamis(*words: object, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Run a command as a user types it; the exit code and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    command = ["tamis", *map(os.fspath, map(str, words))]
    code: object = 0
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", command),
        mock.patch.dict(os.environ, COLUMNS="100"),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    done = subprocess.CompletedProcess(command, int(str(code)), out.getvalue(), err.getvalue())
    if check and done.returncode:
        raise AssertionError(f"exit {done.returncode}: {done.stderr}")
    return done


def answer(*words: object) -> dict:
    """Run a command and read its JSON."""
    return json.loads(tamis(*words, "--json", "-").stdout)
