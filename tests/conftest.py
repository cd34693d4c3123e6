"""What every test runs under."""

import atexit
import os
import shutil
import tempfile

from hypothesis import settings

# A shared machine is slow now and then, which is no failure.
settings.register_profile("fixed", deadline=None, derandomize=True)
settings.register_profile("free", deadline=None, print_blob=True)
settings.load_profile("fixed")


def pytest_configure(config):
    """Let chance in if a seed was given: the profile `fixed` would ignore it."""
    if config.getoption("hypothesis_seed") is not None and not config.getoption(
        "hypothesis_profile"
    ):
        settings.load_profile("free")


# The key that signs journals lies in the user's folder of settings: not in the real one here.
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="tamis-tests-")
atexit.register(shutil.rmtree, os.environ["XDG_CONFIG_HOME"], ignore_errors=True)
