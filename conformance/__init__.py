"""What must hold when an order is cancelled: the catalogue, the reference model, the runner and the conformance tests.

Importing this package imports nothing else; ask for its modules by name.
"""
