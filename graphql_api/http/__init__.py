"""How the schema is served: GraphQL over HTTP, server-sent events and WebSocket, and what an operator asks."""
