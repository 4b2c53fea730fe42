"""Settings of all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# A busy machine is no failure, and the same commit passes or fails the same way everywhere;
# HYPOTHESIS_PROFILE=random draws new examples.
settings.register_profile("house", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))
