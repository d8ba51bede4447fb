"""The command `demo`: recorded conversations through a real graph, and what is kept of them.

`command` runs the parts in order, `stage` is the servers and the saver they play on, and
each part is a module with a function that takes the stage.
"""
