"""The GraphQL types. A resolver decodes its arguments, asks `db`, and wraps what comes back."""
