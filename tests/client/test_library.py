"""`CStarLibrary` over the wire: what it sends, what it reads, and when it sends again."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cstar_async import (
    APIError,
    ConfigurationError,
    ConnectionFailedError,
    CStarClient,
    CStarError,
    CStarLibrary,
    DecodeError,
    InvalidArgumentError,
    NotFoundError,
    RateLimiter,
    RequestOptions,
    ServerError,
)
from cstar_async.api.auth import whoami
from cstar_async.api.library import get_library_article
from cstar_async.api.tickets import get_ticket
from cstar_async.models import LibraryAck, LibraryArticle, LibrarySearchResult

from .conftest import Server, SkippingClock, cut, failed, ok, raw

ARTICLE = {"title": "Reset", "slug": "reset", "publishedAt": "2026-03-01T00:00:00Z", "badge": "new"}

MakeLibrary = Callable[..., CStarLibrary]


@pytest.fixture
async def make_library(server: Server, clock: SkippingClock) -> AsyncIterator[MakeLibrary]:
    """Makes libraries of the server, which are closed in the end."""
    made: list[CStarLibrary] = []

    def make(**options: Any) -> CStarLibrary:
        library = CStarLibrary(**{"team": "acme", "base_url": server.url, "_clock": clock, **options})
        made.append(library)
        return library

    yield make
    for library in made:
        await library.aclose()


@pytest.fixture
def library(make_library: MakeLibrary, server: Server) -> CStarLibrary:
    """A library of the scripted server, which acknowledges everything."""
    server.default = ok({})
    return make_library()


# What is sent


async def test_articles_are_asked_for_under_the_library(server: Server, library: CStarLibrary) -> None:
    """The path has the slug of the team, the query the wire names."""
    server.script(ok([]))
    await library.articles(limit=5, category_slug="billing")
    assert server.requests[0].target == "/api/library/acme/articles?limit=5&categorySlug=billing"


async def test_words_are_searched_by_position(server: Server, library: CStarLibrary) -> None:
    """What to look for needs no name, and is encoded."""
    server.script(ok([]))
    await library.search("reset & go", limit=1)
    assert server.requests[0].target == "/api/library/acme/search?q=reset%20%26%20go&limit=1"


async def test_no_key_is_sent(server: Server, library: CStarLibrary) -> None:
    """The library is public, so no key is sent; the API version is sent as by the client."""
    await library.record_view("reset")
    headers = server.requests[0].headers
    assert "authorization" not in headers
    assert "idempotency-key" not in headers
    assert headers["cstar-version"] == "2026-03-01"


async def test_team_is_not_looked_for(server: Server, library: CStarLibrary) -> None:
    """The first request is already the call itself."""
    await library.record_view("reset")
    assert [request.path for request in server.requests] == ["/api/library/acme/articles/reset/view"]


async def test_prefix_of_the_base_url_is_kept(server: Server, make_library: MakeLibrary) -> None:
    """A gateway may serve the API under a path of its own."""
    server.default = ok({})
    await make_library(base_url=f"{server.url}/gateway").record_view("reset")
    assert server.requests[0].path == "/gateway/api/library/acme/articles/reset/view"


async def test_team_and_slug_stay_in_their_segments(server: Server, make_library: MakeLibrary) -> None:
    """Whatever they are, they cannot lead elsewhere."""
    server.default = ok({})
    await make_library(team="a/b").record_view("c?d#e/f")
    assert server.requests[0].target == "/api/library/a%2Fb/articles/c%3Fd%23e%2Ff/view"


@pytest.mark.parametrize("slug", ["", ".", ".."])
async def test_slug_that_leaves_its_segment_is_refused(server: Server, library: CStarLibrary, slug: str) -> None:
    """Nothing is sent."""
    with pytest.raises(InvalidArgumentError):
        await library.article(slug)
    assert server.requests == []


@pytest.mark.parametrize("rating", ["good", 4, 4.5, True])
async def test_rating_is_text_number_or_boolean(server: Server, library: CStarLibrary, rating: str | float | bool) -> None:
    """The values are not documented, so each type is sent as given."""
    await library.feedback("reset", rating=rating)
    assert server.requests[0].json == {"rating": rating}
    assert type(server.requests[0].json["rating"]) is type(rating)


async def test_further_feedback_is_sent_by_extra_body(server: Server, library: CStarLibrary) -> None:
    """The other keys are not known."""
    await library.feedback("reset", rating=True, options=RequestOptions(extra_body={"comment": "Thanks"}))
    assert server.requests[0].json == {"rating": True, "comment": "Thanks"}


# What is read


async def test_articles_are_models(server: Server, library: CStarLibrary) -> None:
    """Datetimes are parsed, and unknown fields are kept."""
    server.script(ok([ARTICLE]))
    [article] = await library.articles()
    assert isinstance(article, LibraryArticle)
    assert (article.published_at, article.extra) == (datetime(2026, 3, 1, tzinfo=UTC), {"badge": "new"})


async def test_findings_are_models(server: Server, library: CStarLibrary) -> None:
    """A search gives a list of what was found."""
    server.script(ok([{"title": "Reset", "slug": "reset", "snippet": "…reset…"}]))
    [found] = await library.search("reset")
    assert isinstance(found, LibrarySearchResult)
    assert repr(found) == "LibrarySearchResult(slug='reset')"


@pytest.mark.parametrize("status", [200, 201, 204])
@pytest.mark.parametrize("body", [b"", b" \n"])
async def test_acknowledgement_without_a_body_has_no_fields(
    server: Server, library: CStarLibrary, status: int, body: bytes
) -> None:
    """Any response of the server is the acknowledgement."""
    server.script(raw(b"" if status == 204 else body, status))
    assert await library.record_view("reset") == LibraryAck()


async def test_acknowledgement_keeps_what_it_has(server: Server, library: CStarLibrary) -> None:
    """Its keys are not known; what comes is in `extra`."""
    server.script(ok({"viewCount": 7}))
    assert (await library.record_view("reset")).extra == {"viewCount": 7}


@pytest.mark.parametrize("data", [None, [], 5])
async def test_acknowledgement_that_is_no_object_is_a_decode_error(server: Server, library: CStarLibrary, data: object) -> None:
    """Empty is allowed, something else is not."""
    server.script(ok(data))
    with pytest.raises(DecodeError):
        await library.record_view("reset")


async def test_unknown_article_is_not_found(server: Server, library: CStarLibrary) -> None:
    """Errors are those of every call."""
    server.script(failed(404, code="resource_missing"))
    with pytest.raises(NotFoundError) as caught:
        await library.article("nowhere")
    assert (caught.value.operation, caught.value.code) == ("get_library_article", "resource_missing")


# Sending again


@pytest.mark.parametrize("method", ["record_view", "feedback"])
@pytest.mark.parametrize("status", [408, 500, 502, 503])
async def test_write_that_may_have_been_done_is_not_sent_again(
    server: Server, library: CStarLibrary, method: str, status: int
) -> None:
    """Without an idempotency key, a second request could count twice."""
    server.script(failed(status))
    with pytest.raises(APIError):
        await write(library, method)
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["record_view", "feedback"])
async def test_write_whose_answer_was_lost_is_not_sent_again(server: Server, library: CStarLibrary, method: str) -> None:
    """The server may have acted before the connection broke."""
    server.script(cut(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"))
    with pytest.raises(ConnectionFailedError):
        await write(library, method)
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["record_view", "feedback"])
async def test_write_that_was_refused_by_the_limit_is_sent_again(
    server: Server, library: CStarLibrary, clock: SkippingClock, method: str
) -> None:
    """A 429 did nothing, so a second request is the first one that counts; it waits as long as it is asked to."""
    server.script(failed(429, headers={"Retry-After": "7"}))
    await write(library, method)
    assert len(server.requests) == 2
    assert sum(clock.slept) >= 7


async def test_write_that_never_left_is_tried_again(make_library: MakeLibrary, clock: SkippingClock) -> None:
    """Where no connection came about, nothing can have been done."""
    with pytest.raises(ConnectionFailedError) as caught:
        await make_library(base_url="http://127.0.0.1:9", max_retries=2).record_view("reset")
    assert caught.value.attempts == 3


async def test_read_is_sent_again(server: Server, library: CStarLibrary) -> None:
    """Reading twice does no harm."""
    server.script(failed(503), ok([]))
    assert (await library.articles()).data == []
    assert len(server.requests) == 2


async def test_free_write_takes_no_key_and_is_not_sent_again(server: Server, library: CStarLibrary) -> None:
    """`request()` keeps to the same rule."""
    server.script(failed(503))
    with pytest.raises(ServerError):
        await library.request("POST", "/articles/reset/share", json={})
    assert [request.headers.get("idempotency-key") for request in server.requests] == [None]


# The rest of the class


async def test_free_request_is_under_the_library(server: Server, library: CStarLibrary) -> None:
    """What the documentation names without a path can be reached."""
    server.script(ok([1]))
    response = await library.request("GET", "/popular", params={"limit": 3})
    assert (server.requests[0].target, response.data) == ("/api/library/acme/popular?limit=3", [1])


async def test_response_has_status_and_request_id(server: Server, library: CStarLibrary) -> None:
    """`with_response()` works for its methods as for those of a client."""
    server.script(ok([ARTICLE]))
    response = await library.with_response(library.articles, limit=1)
    assert ([one.slug for one in response.data], response.request_id, response.attempts) == (["reset"], "req_ok", 1)


async def test_options_make_a_view_on_the_same_connections(server: Server, library: CStarLibrary) -> None:
    """A view has its own settings and shares everything else."""
    server.script(failed(503))
    with pytest.raises(ServerError):
        await library.with_options(max_retries=0).articles()
    assert (len(server.requests), server.connections) == (1, 1)


async def test_library_is_a_context_manager(server: Server, make_library: MakeLibrary) -> None:
    """Left, it is closed, and says so."""
    async with make_library() as library:
        server.script(ok([]))
        await library.categories()
    with pytest.raises(CStarError, match="closed"):
        await library.categories()


async def test_library_that_was_never_used_can_be_closed_twice() -> None:
    """Making one does nothing, so ending it does nothing either."""
    library = CStarLibrary(team="acme")
    await library.aclose()
    await library.aclose()


async def test_older_limit_is_assumed_until_an_answer_states_one(server: Server, make_library: MakeLibrary) -> None:
    """At first at most 200 calls run at once, until a response states the limit."""
    limiter = RateLimiter()
    library = make_library(rate_limiter=limiter)
    assert (library.rate_limit, limiter._window.limit) == (None, 200)
    stated = {
        "X-RateLimit-Limit": "50",
        "X-RateLimit-Remaining": "49",
        "X-RateLimit-Reset": "1800003600",
        "X-RateLimit-Window": "3600",
    }
    server.script(ok([], headers=stated))
    await library.categories()
    assert library.rate_limit is not None
    assert (library.rate_limit.limit, limiter._window.limit) == (50, 50)


async def test_assumed_limit_never_runs_out_by_itself(server: Server, library: CStarLibrary, clock: SkippingClock) -> None:
    """A server that states no limit is not held to an old number."""
    for _ in range(205):
        await library.record_view("reset")
    assert clock.slept == []


# What it is not


async def test_operation_of_a_team_is_refused(server: Server, library: CStarLibrary) -> None:
    """A function of the client says where it belongs, before anything is sent to a wrong path."""
    with pytest.raises(ConfigurationError, match="get_ticket is an operation of CStarClient"):
        await get_ticket(library, "tkt_1")
    with pytest.raises(ConfigurationError, match="whoami is an operation of CStarClient"):
        await whoami(library)
    assert server.requests == []


async def test_operation_of_the_library_is_refused_by_a_client(server: Server, client: CStarClient) -> None:
    """The key never goes to the public library."""
    with pytest.raises(ConfigurationError, match="get_library_article is an operation of CStarLibrary"):
        await get_library_article(client, "reset")
    assert server.requests == []


async def test_function_and_method_are_the_same(server: Server, library: CStarLibrary) -> None:
    """The functions of `cstar_async.api` take a library, too."""
    server.script(ok(ARTICLE))
    assert (await get_library_article(library, "reset")).title == "Reset"


@pytest.mark.parametrize("team", ["", ".", "..", None, 5])
def test_team_that_does_not_fit_a_path_is_refused(team: Any) -> None:
    """The argument is named as the caller wrote it."""
    with pytest.raises(ConfigurationError, match="team"):
        CStarLibrary(team=team)


def test_library_cannot_be_copied() -> None:
    """It holds connections."""
    for attempt in (copy.copy, pickle.dumps):
        with pytest.raises(TypeError, match="a CStarLibrary cannot be copied"):
            attempt(CStarLibrary(team="acme"))


def test_importing_the_package_does_not_import_the_library() -> None:
    """Who does not read a library does not pay for one."""
    code = "import sys, cstar_async; assert 'CStarLibrary' in dir(cstar_async); print('cstar_async.library' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_package_has_no_other_lazy_names() -> None:
    """A misspelt name is an AttributeError like everywhere."""
    import cstar_async

    with pytest.raises(AttributeError, match="CStarLibary"):
        cstar_async.CStarLibary  # noqa: B018


async def write(library: CStarLibrary, method: str) -> None:
    """One of the two writes."""
    if method == "record_view":
        await library.record_view("reset")
    else:
        await library.feedback("reset", rating=True)
