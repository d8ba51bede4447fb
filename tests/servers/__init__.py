"""Real servers for tests: each module starts one kind, on 127.0.0.1 and in a given folder."""
