"""What may take longer than a frame: utterances, in workers off the frame path."""
