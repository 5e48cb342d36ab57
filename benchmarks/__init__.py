"""What the suite costs: predictions, requests, lanes, searches, start, memory. ``python -m benchmarks`` prints it."""
