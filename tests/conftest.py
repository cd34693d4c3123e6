"""What every test runs under."""

from hypothesis import settings

# A shared machine is slow now and then, which is no failure.
settings.register_profile("tamis", deadline=None)
settings.load_profile("tamis")
