"""Base class of the clients of other APIs, whose packages the generator writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from cstar_async._client.base_client import BaseClient
from cstar_async._client.settings import ApiClientOptions, CallSettings, ClientSettings
from cstar_async._protocol.credentials import Credential

_CALL_SETTINGS: Final = frozenset(attrs.fields_dict(CallSettings))


class ApiClient(BaseClient):
    """Call an API with the limits, retries and errors of this package."""

    def _connect(self, base_url: str, credentials: Mapping[str, Credential | None], options: ApiClientOptions) -> None:
        """Connect the parts of the client. The credentials are by security scheme, and None where they were not given."""
        call_options: dict[str, Any] = {name: value for name, value in options.items() if name in _CALL_SETTINGS}
        shared_options: dict[str, Any] = {name: value for name, value in options.items() if name not in _CALL_SETTINGS}
        self._setup(
            ClientSettings(base_url=base_url, api_version=None, **shared_options),
            CallSettings(**call_options),
            scope="root",
            team_id=None,
            api_key=None,
            clock=None,
            credentials={name: one for name, one in credentials.items() if one is not None},
        )
