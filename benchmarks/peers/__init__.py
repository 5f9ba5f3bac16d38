"""The same questions, asked of execgraph and of what one would use instead."""
