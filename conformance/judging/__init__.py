"""The judge: pure functions from (case, what was seen) to (case, rulings). Nothing else decides pass or fail."""
