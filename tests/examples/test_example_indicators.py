"""Indicators agree with their textbook formulas, written out naively."""

import math
import random
import statistics
from itertools import pairwise

import indicators
import pytest

PRICES = [100 * math.exp(random.Random(n).gauss(0, 0.2)) for n in range(120)]


def test_simple_moving_average_is_the_mean_of_the_window() -> None:
    expected = [None] * 9 + [statistics.fmean(PRICES[end - 10 : end]) for end in range(10, 121)]
    assert indicators.simple_moving_average(PRICES, 10) == pytest.approx(expected)


def test_exponential_moving_average_is_the_weighted_sum_of_all_the_past() -> None:
    weight, first = 2 / 11, statistics.fmean(PRICES[:10])
    expected = [
        (1 - weight) ** (end - 9) * first
        + sum(weight * (1 - weight) ** (end - at) * PRICES[at] for at in range(10, end + 1))
        for end in range(9, 120)
    ]
    assert indicators.exponential_moving_average(PRICES, 10) == pytest.approx([None] * 9 + expected)


def test_rsi_is_a_hundred_minus_a_hundred_over_one_plus_the_strength() -> None:
    def smoothed(moves: list[float]) -> list[float]:
        values = [sum(moves[:14]) / 14]
        for move in moves[14:]:
            values.append((values[-1] * 13 + move) / 14)
        return values

    moves = [after - before for before, after in pairwise(PRICES)]
    gains = smoothed([max(0.0, move) for move in moves])
    losses = smoothed([max(0.0, -move) for move in moves])
    expected = [100 - 100 / (1 + gain / loss) for gain, loss in zip(gains, losses, strict=True)]
    assert indicators.relative_strength_index(PRICES) == pytest.approx([None] * 14 + expected)


@pytest.mark.parametrize(
    ("prices", "expected"),
    [([float(n) for n in range(1, 20)], 100), ([float(n) for n in range(20, 1, -1)], 0), ([5.0] * 20, 50)],
    ids=["only up", "only down", "still"],
)
def test_rsi_at_its_limits(prices: list[float], expected: float) -> None:
    assert indicators.relative_strength_index(prices)[-1] == expected


def test_macd_is_the_difference_of_averages_and_its_own_average() -> None:
    found = indicators.macd(PRICES)
    fast = indicators.exponential_moving_average(PRICES, 12)
    slow = indicators.exponential_moving_average(PRICES, 26)
    line = [a - b for a, b in zip(fast, slow, strict=True) if a is not None and b is not None]
    signal = [value for value in indicators.exponential_moving_average(line, 9) if value is not None]
    assert found.line == pytest.approx([None] * 25 + line)
    assert found.signal == pytest.approx([None] * 33 + signal)
    assert found.histogram[33:] == pytest.approx([a - b for a, b in zip(line[8:], signal, strict=True)])


def test_bollinger_bands_are_two_population_deviations_wide() -> None:
    found = indicators.bollinger_bands(PRICES)
    windows = [PRICES[end - 20 : end] for end in range(20, 121)]
    upper = [statistics.fmean(window) + 2 * statistics.pstdev(window) for window in windows]
    lower = [statistics.fmean(window) - 2 * statistics.pstdev(window) for window in windows]
    assert found.upper == pytest.approx([None] * 19 + upper)
    assert found.lower == pytest.approx([None] * 19 + lower)
    assert found.middle == indicators.simple_moving_average(PRICES, 20)


def test_volatility_is_the_sample_deviation_of_log_returns_for_a_year() -> None:
    returns = [math.log(after / before) for before, after in pairwise(PRICES)]
    assert indicators.annual_volatility(PRICES) == pytest.approx(statistics.stdev(returns) * math.sqrt(252))
    assert indicators.annual_volatility([1.0, 2.0]) == 0


def test_correlation_is_pearsons() -> None:
    left, right = PRICES[:60], PRICES[60:]
    assert indicators.correlation(left, right) == pytest.approx(statistics.correlation(left, right))
    assert indicators.correlation(left, left) == pytest.approx(1)
    assert indicators.correlation(left, [-price for price in left]) == pytest.approx(-1)
    assert indicators.correlation(left, [7.0] * 60) == 0


@pytest.mark.parametrize("length", [0, 1, 9])
def test_too_short_a_past_has_no_values(length: int) -> None:
    prices = PRICES[:length]
    unknown = [None] * length
    assert indicators.simple_moving_average(prices, 10) == unknown
    assert indicators.exponential_moving_average(prices, 10) == unknown
    assert indicators.relative_strength_index(prices, 10) == unknown
    assert indicators.macd(prices).histogram == unknown
    assert indicators.bollinger_bands(prices, 10).upper == unknown


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        indicators.simple_moving_average(PRICES, 0)
    with pytest.raises(ValueError, match="of one length"):
        indicators.correlation([1.0], [1.0, 2.0])
