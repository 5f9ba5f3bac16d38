"""The examples send only what the API understands."""

import documents
import pytest
from graphql import GraphQLSchema, parse, validate

SENT = {
    name: value
    for name, value in vars(documents).items()
    if name.isupper() and name != "REFUSAL"  # a fragment, part of the others
}


@pytest.mark.parametrize("name", SENT)
def test_document_is_valid(name: str, schema: GraphQLSchema) -> None:
    document = SENT[name]
    if "%s" in document:
        document %= "019342f4-0000-7000-8000-000000000000"
    assert validate(schema, parse(document)) == []
