"""The gesture model: what was just gestured with the head, a hand or a controller, built in or taught by the user."""
