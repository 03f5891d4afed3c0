"""What is said, and what it means: sentence embeddings, references to targets, arguments."""
