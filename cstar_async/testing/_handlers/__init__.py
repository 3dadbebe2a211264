"""What each operation of the fake server does."""
