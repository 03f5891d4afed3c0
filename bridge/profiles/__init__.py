"""Personal state: what outlives a session."""
