"""The commands of `execgraph` that need a module of their own, and what they share."""
