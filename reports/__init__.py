"""What people read: evidence, verdict files, proofs, pictures, Allure results. Never calls the target, never judges."""
