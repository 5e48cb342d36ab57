"""What to try: Hypothesis strategies for orders and their lives, order ids, signature flaws and races."""
