"""The target frame model: which of a scene's targets does the user mean right now."""
