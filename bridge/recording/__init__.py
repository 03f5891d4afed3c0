"""Recordings: one file that holds what a headset sent, with times, so that anything can be replayed."""
