"""What was recorded: finding files, decoding them, and the call records that go with them."""
