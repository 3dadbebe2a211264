"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test may fail because the machine is busy.
settings.register_profile("no deadline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no deadline")
