"""The conformance tests: a file a family of requirements, a focused property a requirement, and one free exploration.

Each test hands plans to the explorer; the verdicts come from everything that was observed, whichever test saw it.
"""
