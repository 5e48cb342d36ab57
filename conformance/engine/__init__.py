"""Explore a target with many plans: draw, run on lanes, repeat what failed, make it small, and record it."""
