"""What the commands and the pytest plugin do, one module a use: run, self-check, replay, write a new profile."""
