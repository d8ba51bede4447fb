"""Archiving what is due: the archiver, and the batches in which it works."""

from langgraph_dualstore.archiver.archiver import Archiver, Drained

__all__ = ["Archiver", "Drained"]
