"""Market indicators over series of prices: pure functions of lists of floats.

A result has one value for each price; it is None where the past is too short for a value. Periods are counted
in prices. All raise ValueError for a period below 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Series = list[float | None]

TRADING_DAYS = 252  # in a year


def simple_moving_average(prices: Sequence[float], period: int) -> Series:
    """The mean of the last `period` prices."""
    _check(period)
    return [
        None if end < period else math.fsum(prices[end - period : end]) / period for end in range(1, len(prices) + 1)
    ]


def exponential_moving_average(prices: Sequence[float], period: int) -> Series:
    """The mean in which a price's weight decays by 1 - 2 / (period + 1) a step; it starts as a simple mean."""
    _check(period)
    if len(prices) < period:
        return [None] * len(prices)
    weight = 2 / (period + 1)
    average = math.fsum(prices[:period]) / period
    averages: Series = [None] * (period - 1) + [average]
    for price in prices[period:]:
        average += weight * (price - average)
        averages.append(average)
    return averages


def relative_strength_index(prices: Sequence[float], period: int = 14) -> Series:
    """Wilder's RSI, 0 to 100: the share of gains in all moves, smoothed. 50 when nothing moved."""
    _check(period)
    moves = [after - before for before, after in pairwise(prices)]
    if len(moves) < period:
        return [None] * len(prices)
    gain = math.fsum(max(move, 0.0) for move in moves[:period]) / period
    loss = math.fsum(max(-move, 0.0) for move in moves[:period]) / period
    index: Series = [None] * period + [_strength(gain, loss)]
    for move in moves[period:]:
        gain += (max(move, 0.0) - gain) / period
        loss += (max(-move, 0.0) - loss) / period
        index.append(_strength(gain, loss))
    return index


@dataclass(frozen=True, slots=True)
class Macd:
    """Moving average convergence and divergence."""

    line: Series
    signal: Series
    histogram: Series


def macd(prices: Sequence[float], fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """The fast average less the slow one, its own average (the signal), and the distance between those two."""
    line = _difference(exponential_moving_average(prices, fast), exponential_moving_average(prices, slow))
    known = [value for value in line if value is not None]
    unknown: Series = [None] * (len(line) - len(known))
    average = unknown + exponential_moving_average(known, signal)
    return Macd(line, average, _difference(line, average))


@dataclass(frozen=True, slots=True)
class Bands:
    """Bollinger bands."""

    lower: Series
    middle: Series
    upper: Series


def bollinger_bands(prices: Sequence[float], period: int = 20, width: float = 2) -> Bands:
    """The simple moving average, and `width` standard deviations (of the population) to either side."""
    middle = simple_moving_average(prices, period)
    lower: Series = []
    upper: Series = []
    for end, mean in enumerate(middle, start=1):
        if mean is None:
            lower.append(None)
            upper.append(None)
        else:
            window = prices[end - period : end]
            deviation = math.sqrt(math.fsum((price - mean) ** 2 for price in window) / period)
            lower.append(mean - width * deviation)
            upper.append(mean + width * deviation)
    return Bands(lower, middle, upper)


def log_returns(prices: Sequence[float]) -> list[float]:
    """The logarithm of each price over the one before; one shorter than the prices, which are positive."""
    return [math.log(after / before) for before, after in pairwise(prices)]


def annual_volatility(prices: Sequence[float]) -> float:
    """The standard deviation (of a sample) of daily log returns, for a year. 0 with fewer than three prices."""
    returns = log_returns(prices)
    if len(returns) < 2:  # noqa: PLR2004 - what a sample's deviation needs
        return 0.0
    mean = math.fsum(returns) / len(returns)
    variance = math.fsum((value - mean) ** 2 for value in returns) / (len(returns) - 1)
    return math.sqrt(variance * TRADING_DAYS)


def correlation(left: Sequence[float], right: Sequence[float]) -> float:
    """Pearson's coefficient of two series of one length, -1 to 1; 0 when one of them does not vary.

    Raises:
        ValueError: the lengths differ, or are 0.
    """
    if len(left) != len(right) or not left:
        raise ValueError(f"two series of one length expected, not of {len(left)} and {len(right)}")
    left_mean, right_mean = math.fsum(left) / len(left), math.fsum(right) / len(right)
    lefts = [value - left_mean for value in left]
    rights = [value - right_mean for value in right]
    scale = math.sqrt(math.fsum(a * a for a in lefts) * math.fsum(b * b for b in rights))
    return math.fsum(a * b for a, b in zip(lefts, rights, strict=True)) / scale if scale else 0.0


def _strength(gain: float, loss: float) -> float:
    return 50.0 if gain == loss == 0 else 100 * gain / (gain + loss)


def _difference(left: Series, right: Series) -> Series:
    return [
        None if a is None or b is None else a - b  # unknown where either is
        for a, b in zip(left, right, strict=True)
    ]


def _check(period: int) -> None:
    if period < 1:
        raise ValueError(f"a period is at least 1, not {period}")
