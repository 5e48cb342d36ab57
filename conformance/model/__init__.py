"""The reference model: orders, the transition tables, predictions, possible worlds, and funds as a function of orders."""
