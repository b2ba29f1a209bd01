"""What holds for all tests."""

from hypothesis import settings

settings.register_profile("any machine", settings(), deadline=None)  # slowness is no bug; all else as it would be
settings.load_profile("any machine")
