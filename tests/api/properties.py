"""How property tests run: the same examples every time, or others by BUILDKEEP_PROPERTIES=explore."""

from __future__ import annotations

import os
import random

from hypothesis import HealthCheck, settings

PROFILE = os.environ.get("BUILDKEEP_PROPERTIES", "ci")
settings.register_profile("ci", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile("explore", deadline=None, print_blob=True)
SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much)


def examples(count: int) -> settings:
    """Settings for so many examples, ten times as many where others are explored."""
    profile = settings.get_profile(PROFILE)
    return settings(profile, max_examples=count * (10 if PROFILE == "explore" else 1), suppress_health_check=SLOW)


def seed() -> int:
    """The seed of tests that draw by themselves; a failure shows it."""
    return 0 if PROFILE == "ci" else random.SystemRandom().randrange(2**32)
