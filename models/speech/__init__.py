"""From a microphone's samples to words: voice activity, recognition, repair, and whose voice it is."""
