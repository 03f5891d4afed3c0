"""Text classification with embeddings of one's own: LSTM, CNN or Transformer, for whoever has labelled texts."""
