"""What an operator sees of a running server: logs, metrics and, where configured, traces.

Nothing here may cost a request more than microseconds, nor fail it.
"""
