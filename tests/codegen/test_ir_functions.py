"""Functions: their arguments and results."""

from __future__ import annotations

from tests.codegen.documents import (
    BOSS,
    LIBRARY,
    TICKET,
    TICKETS,
    code_of,
    entry,
    functions_of,
    models_of,
    operation,
    operations_of,
    problems_with,
    real,
    schema,
    small,
)

SCHEMAS = "#/components/schemas"


def test_required_arguments_come_first() -> None:
    """Required arguments come first, in any order of the document."""
    raw = real()
    schema(raw, "MessageCreate")["required"].append("metadata")

    signature = functions_of(raw)["create_ticket_message"].parameters

    assert signature.startswith("client: SupportsExecute, /, ticket_id: str, *, content: str, metadata: JSONObject, sender: ")
    assert signature.endswith(", idempotency_key: str | None = None, options: RequestOptions | None = None")


def test_list_in_the_query_takes_one_or_several() -> None:
    """One value need not be wrapped in a list."""
    one = "TicketExpandLike"

    assert f"expand: {one} | list[{one}] | tuple[{one}, ...] | Unset = UNSET" in functions_of(real())["list_tickets"].parameters


def test_required_query_parameter_has_no_default() -> None:
    """It must be given."""
    raw = real()
    operation(raw, TICKETS, "get")["parameters"].append(
        entry(
            "From when on.",
            **{"name": "since", "in": "query", "required": True, "schema": {"type": "string", "format": "date-time"}},
        )
    )

    assert "/, *, since: datetime, page: int | Unset = UNSET" in functions_of(raw)["list_tickets"].parameters


def test_long_call_has_its_query_or_body_in_a_variable() -> None:
    """So that most calls fit on a line, and a debugger shows what is sent."""
    functions = functions_of(real())

    query, call = functions["list_tickets"].statement.split("\n")
    assert query.startswith("query = {'page': page, ")
    assert "    return client.__executor__.paginate(operations.LIST_TICKETS, Ticket, query=query, options=options)" == call
    body, call = functions["create_ticket"].statement.split("\n")
    assert body.startswith("body = TicketCreate(title=title, ")
    assert "Ticket, body=body, idempotency_key=idempotency_key, options=options)" in call


def test_short_call_has_no_variable() -> None:
    """It fits on one line."""
    call = "return client.__executor__.paginate(operations.LIST_VIEWS, View, query={'entityType': entity_type}, options=options)"

    assert call == functions_of(small("views"))["list_views"].statement


def test_argument_called_body_or_query_is_passed_on() -> None:
    """No variable has the name of an argument."""
    raw = real()
    schema(raw, "TicketUpdate")["properties"] |= {
        "body": entry("Text.", type="string"),
        "query": entry("Text.", type="string"),
    }

    assert "body=body, query=query)" in functions_of(raw)["update_ticket"].statement


def test_free_result_is_a_dict() -> None:
    """A free object is a dict, and the operation has no result schema."""
    raw = real()
    data = operation(raw, TICKET, "get")["responses"]["200"]["content"]["application/json"]["schema"]["allOf"][1]["properties"]
    data["data"] = {"$ref": f"{SCHEMAS}/FreeObject"}

    view = functions_of(raw)["get_ticket"]

    assert "dict[str, JSON]" == view.returns
    assert (
        "return await client.__executor__.execute(operations.GET_TICKET, dict[str, JSON], ticket_id, options=options)"
        == view.statement
    )
    assert "result=None" in operations_of(raw)["get_ticket"].arguments


def test_list_of_free_objects_is_a_list_of_json() -> None:
    """The items have no class."""
    view = functions_of(real())["list_activity"]

    assert "Paginator[dict[str, JSON]]" == view.returns
    assert "return client.__executor__.paginate(operations.LIST_ACTIVITY, dict[str, JSON], options=options)" == view.statement


def test_free_objects_make_no_class() -> None:
    """They are dicts."""
    named = {"SlaMetrics", "CsatSettings", "CsatStats", "CsatSurvey", "ActivityEntry", "Domain", "EmailSettings", "AiKey"}

    assert set() == named & set(models_of(real()))


def test_docstring_says_that_the_fields_of_a_free_response_are_not_documented() -> None:
    """The result is plain JSON."""
    assert "The fields of the response are not documented." in " ".join(functions_of(real())["list_activity"].doc.split())


def test_docstring_of_a_constant_has_its_value() -> None:
    """Where the name does not show it."""
    enums = {enum.name: enum for module in code_of(small("ai")).model_modules for enum in module.enums}

    docs = {member.constant: member.doc for member in (*enums["AiAction"].members, *enums["TicketStatus"].members)}
    assert ('"""`auto-tag`. Finds tags for a ticket."""', '"""Finished."""') == (docs["AUTO_TAG"], docs["CLOSED"])


def test_open_schema_without_fields_is_a_model() -> None:
    """An open object has a class, unlike a free one."""
    found = models_of(real())["Preferences"]

    assert ("{}", ()) == (found.wire_names, found.fields)


def test_docstring_says_what_a_repeated_key_prevents() -> None:
    """From a summary in the imperative; after another summary, it says what a key is for."""
    raw = real()
    operation(raw, TICKET, "patch")["summary"] = "Updates a ticket"
    functions = functions_of(raw)

    assert "A call with the same key does not create the ticket again. Default: a new key." in functions["create_ticket"].doc
    assert "The same value for every try of one intent. Default: a new key." in functions["update_ticket"].doc


def test_example_is_on_one_line_if_it_fits() -> None:
    """Else its arguments are on one line, or else each on a line."""
    functions = functions_of(small("automations", "community.comments"))

    assert ' = await client.tickets.create(title="Bug report: login page", priority="high", ' in functions["create_ticket"].doc
    arguments = '            "5f0f7f3c-8f0e-4d7a-9a35-3b9b0f7a2c52", body="Planned for the next release."\n        )\n'
    assert f"client.community.comments.create(\n{arguments}" in functions["create_community_comment"].doc
    arguments = '            name="Tag billing tickets",\n            trigger_event="ticket.created",\n'
    assert f"client.automations.create(\n{arguments}" in functions["create_automation"].doc


def test_body_without_known_fields_has_no_arguments() -> None:
    """The docstring shows how to send its fields."""
    view = functions_of(real())["update_preferences"]

    assert (
        "client: SupportsExecute, /, *, idempotency_key: str | None = None, options: RequestOptions | None = None"
        == view.parameters
    )
    assert "body = PreferencesUpdate()" in view.statement
    assert "options=RequestOptions(extra_body={…})" in view.doc


def test_closed_body_does_not_mention_unknown_fields() -> None:
    """All its fields are arguments."""
    assert "extra_body" not in functions_of(real())["update_ticket"].doc


def test_data_that_may_be_null_may_be_none() -> None:
    """The result may be None."""
    raw = real()
    view = functions_of(raw)["get_game_boss"]

    assert "Boss | None" == view.returns
    assert "return await client.__executor__.execute(operations.GET_GAME_BOSS, Boss, options=options)" == view.statement
    assert "nullable=True" in operations_of(raw)["get_game_boss"].arguments
    assert "None: there is none." in " ".join(view.doc.split())


def test_data_that_may_be_null_may_be_free() -> None:
    """The result is a dict or None."""
    raw = real()
    place = operation(raw, BOSS, "get")["responses"]["200"]["content"]["application/json"]["schema"]["allOf"][1]["properties"]
    place["data"] = {"oneOf": [{"$ref": f"{SCHEMAS}/SlaMetrics"}, {"type": "null"}]}
    for name in ("Boss", "BossStatus"):
        del raw["components"]["schemas"][name]

    assert "dict[str, JSON] | None" == functions_of(raw)["get_game_boss"].returns


def test_response_that_may_be_empty_is_marked() -> None:
    """In the constant and in the docstring."""
    raw = real()

    assert "may_be_empty=True" in operations_of(raw)["record_library_view"].arguments
    assert "may_be_empty" not in operations_of(raw)["get_library_article"].arguments
    assert "Without fields when the server sends no body." in " ".join(functions_of(raw)["record_library_view"].doc.split())


def test_positional_query_parameter_follows_the_ids() -> None:
    """All other arguments are keyword-only."""
    raw = real()
    view = functions_of(raw)["search_library"]

    assert view.parameters.startswith("client: SupportsExecute, /, q: str, *, limit: int | Unset = UNSET")
    assert "query = {'q': q, 'limit': limit}" in view.statement
    assert "positional=True" in operations_of(raw)["search_library"].arguments


def test_operation_of_the_library_is_not_on_the_client() -> None:
    """It has its own scope and its own class."""
    raw = real()

    assert "scope='library', segments=('/articles/', '')" in operations_of(raw)["get_library_article"].arguments
    assert "library" in [module.name for module in code_of(raw).api_modules]
    assert "library" not in [module.root.attribute for module in code_of(raw).client_namespaces]


def test_namespace_of_library_and_client_is_refused() -> None:
    """A namespace belongs to the library or to the client."""
    raw = real()
    operation(raw, f"{LIBRARY}/articles/{{slug}}", "get").update({"tags": ["articles"], "x-cstar-namespace": "articles"})

    assert "the namespace `articles` has operations of the library and others." in [one.message for one in problems_with(raw)]
