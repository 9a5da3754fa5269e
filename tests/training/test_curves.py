"""The picture of losses shows where they go, however large the first ones are."""

from math import inf, nan

from mcp_server.training.curves import shown_range


def test_first_losses_that_would_flatten_the_others_leave_the_picture() -> None:
    # As on 1,000 cells of the lung: 230,879 held out after one epoch, 9,000 in the end.
    training = [15_319.0, *(9_000.0 - 20 * epoch for epoch in range(99))]
    held_out = [230_879.0, 17_000.0, *(9_500.0 - 5 * epoch for epoch in range(98))]
    low, high = shown_range([training, held_out]) or (0, inf)
    assert low < min(*training, *held_out)
    assert 9_500 < high < 15_000


def test_all_is_shown_where_it_can_be_seen_or_nothing_is_known() -> None:
    assert shown_range([[300.0 - epoch for epoch in range(50)]]) is None
    assert shown_range([[600.0, 500.0, 400.0, 350.0]]) is None
    assert shown_range([[nan, nan], [inf, nan]]) is None
    assert shown_range([]) is None
