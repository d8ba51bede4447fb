"""Benchmarks of LangGraph checkpointers, side by side: ``python -m benchmarks``."""
