"""A chat service on FastAPI, as a team would run it; README.md says how."""
