"""execgraph's API: a Strawberry schema on `db`, served over HTTP, WebSocket and server-sent events."""
