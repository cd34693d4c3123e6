"""Reading and writing files besides decoding: what may be opened, and how much of it."""
