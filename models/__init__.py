"""Genlock's networks, their training and their evaluation. Knows nothing of sockets."""
