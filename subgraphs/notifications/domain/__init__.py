"""Rules about messages: which event is told how, in which words, on which channels, and when a failed one is tried
again. No I/O.
"""
