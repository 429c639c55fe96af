"""Call quality for Chinese phone calls: `model` the nouns, `errors` what can go wrong, `dataset` what is kept."""
