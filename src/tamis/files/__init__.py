"""Reading and writing files besides decoding: what may be opened, and what replaced."""
