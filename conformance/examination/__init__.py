"""A target examined before it is judged: does its profile say what it does? Live, gentle, and nothing left behind."""
