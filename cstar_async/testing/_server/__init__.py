"""The loopback server and its request pipeline."""
