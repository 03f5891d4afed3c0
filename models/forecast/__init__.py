"""The forecast model: where head and hands will be, up to 250 ms from now."""
