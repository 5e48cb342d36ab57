"""What people read of a run: evidence, verdict files, proofs, pictures and pages."""
