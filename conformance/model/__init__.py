"""The reference model: orders, transition tables, predictions, possible worlds, funds as a function of orders."""
