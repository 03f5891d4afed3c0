"""Which of an app's actions an utterance means, if any: a head on sentence embeddings, fitted to the app's phrases."""
