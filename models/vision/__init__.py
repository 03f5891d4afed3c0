"""Sight: what a picture shows, of the thousand things that the network knows and of what was taught by a few."""
