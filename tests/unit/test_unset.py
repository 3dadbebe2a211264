"""The sentinel of what is not sent."""

from __future__ import annotations

import copy
import pickle

from cstar_async import UNSET


def test_sentinel_stays_identical_through_pickle_and_copies() -> None:
    """`is UNSET` keeps working."""
    assert UNSET is pickle.loads(pickle.dumps(UNSET)) is copy.copy(UNSET) is copy.deepcopy(UNSET)


def test_sentinel_is_false_and_shows_its_name() -> None:
    """Short in a repr."""
    assert (False, "UNSET") == (bool(UNSET), repr(UNSET))
