"""What every test runs under."""

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
