"""What dashboards ask: each question as a GraphQL document, and as the SQL one would write by hand for it."""
