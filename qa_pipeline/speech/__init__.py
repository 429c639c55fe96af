"""What was said: speech activity, tones, windows for the recogniser, backends, turns with a time for every character."""
