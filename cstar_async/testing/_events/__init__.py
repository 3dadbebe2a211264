"""Events of the fake: built from changes, delivered to webhooks, and sent to event streams."""
