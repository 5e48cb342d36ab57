"""A run's history: every fact that was judged, written while the run goes on, and judged again without a target."""
