"""Speech: from a microphone's samples to words, when they were said, and by whom."""
