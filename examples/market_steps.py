"""What the steps of the example workflow do: price histories made up, analysed and ranked.

All chance comes from the run's seed: the same parameters give the same run, failures included.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import indicators
from indicators import Series
from step_graph import Call, Result

log = logging.getLogger("market")

FEED_FAILS = 0.4  # how likely one try is; with two retries about one run in sixteen fails
OVERBOUGHT, OVERSOLD = 70, 30  # RSI
FAST, SLOW = 20, 50  # days


class FeedError(ConnectionError):
    """The rate feed did not answer."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's prices."""

    open: float
    high: float
    low: float
    close: float


def riskless_rate(call: Call) -> Result:
    """The yearly rate that takes no courage, from a feed that now and then does not answer."""
    chance = _chance(call, "feed", call.attempt)
    log.debug("asking the feed, try %d", call.attempt)
    if chance.random() < FEED_FAILS:
        raise FeedError("the rate feed did not answer")
    rate = round(chance.uniform(0.01, 0.05), 4)
    log.info("the riskless rate is %.2f %%", 100 * rate)
    return Result(rate, {"rate": rate})


def daily_bars(symbol: str, call: Call) -> Result:
    """A random walk: closes drift and jump by the day, and the day's range lies around them."""
    chance = _chance(call, symbol)
    drift, volatility = chance.uniform(-0.05, 0.15), chance.uniform(0.1, 0.4)  # a year
    daily = volatility / math.sqrt(indicators.TRADING_DAYS)
    close = chance.uniform(20, 200)
    bars: list[Bar] = []
    for _ in range(call.parameters["bars"]):
        opened = close * math.exp(chance.gauss(0, daily / 4))
        close = opened * math.exp(chance.gauss(drift / indicators.TRADING_DAYS, daily))
        reach = [math.exp(abs(chance.gauss(0, daily / 2))) for _ in range(2)]
        bars.append(Bar(opened, max(opened, close) * reach[0], min(opened, close) / reach[1], close))
    low, high = min(bar.low for bar in bars), max(bar.high for bar in bars)
    log.info("%s: %d days between %.2f and %.2f", symbol, len(bars), low, high)
    return Result(bars, _rounded({"bars": len(bars), "low": low, "high": high, "last": close}))


def trend(symbol: str, call: Call) -> Result:
    """Simple averages and their crossings, MACD, and the yearly return."""
    closes = _closes(call)
    fast = indicators.simple_moving_average(closes, FAST)
    slow = indicators.simple_moving_average(closes, SLOW)
    for day, rising in _crossings(fast, slow):
        log.info("%s: %s cross on day %d", symbol, "golden" if rising else "death", day, extra={"data": {"day": day}})
    macd = indicators.macd(closes)
    years = (len(closes) - 1) / indicators.TRADING_DAYS
    figures = {
        "close": closes[-1],
        "fast": fast[-1],
        "slow": slow[-1],
        "macd": macd.line[-1],
        "macd_histogram": macd.histogram[-1],
        "annual_return": math.log(closes[-1] / closes[0]) / years,
    }
    return Result(figures, _rounded(figures))


def momentum(symbol: str, call: Call) -> Result:
    """RSI, with a warning when it ends outside its usual range."""
    index = indicators.relative_strength_index(_closes(call))
    last = index[-1]
    if last is None:
        raise ValueError(f"{symbol}: too few days for an RSI")
    log.debug("%s: RSI of %d days", symbol, len(index))
    if not OVERSOLD < last < OVERBOUGHT:
        mood = "overbought" if last >= OVERBOUGHT else "oversold"
        log.warning("%s is %s: RSI %.1f", symbol, mood, last, extra={"data": {"rsi": last}})
    known = [value for value in index if value is not None]
    figures = {
        "rsi": last,
        "days_overbought": sum(value >= OVERBOUGHT for value in known),
        "days_oversold": sum(value <= OVERSOLD for value in known),
    }
    return Result(figures, _rounded(figures))


def bands(symbol: str, call: Call) -> Result:
    """Bollinger bands, the days that broke out of them, and volatility."""
    closes = _closes(call)
    found = indicators.bollinger_bands(closes)
    outside = 0
    for day, (low, close, high) in enumerate(zip(found.lower, closes, found.upper, strict=True)):
        if low is not None and high is not None and not low <= close <= high:
            outside += 1
            log.debug("%s: %.2f on day %d is outside %.2f to %.2f", symbol, close, day, low, high)
    figures = {
        "lower": found.lower[-1],
        "upper": found.upper[-1],
        "days_outside": outside,
        "volatility": indicators.annual_volatility(closes),
    }
    return Result(figures, _rounded(figures))


def correlations(call: Call) -> Result:
    """The correlation of every two symbols' daily returns."""
    returns = {
        key.partition(":")[2]: indicators.log_returns([bar.close for bar in bars]) for key, bars in call.inputs.items()
    }
    found = {
        f"{left}/{right}": indicators.correlation(returns[left], returns[right])
        for left, right in combinations(returns, 2)
    }
    for pair, value in found.items():
        log.debug("%s: %+.3f", pair, value)
    return Result(found, _rounded(found))


def ranking(call: Call) -> Result:
    """The symbols by their yearly return above the riskless rate, for each unit of volatility."""
    rate: float = call.inputs["riskless_rate"]
    table: list[dict[str, Any]] = []
    for key, figures in call.inputs.items():
        kind, _, symbol = key.partition(":")
        if kind == "trend":
            risk = call.inputs[f"bands:{symbol}"]["volatility"]
            sharpe = (figures["annual_return"] - rate) / risk if risk else 0.0
            table.append({"symbol": symbol, "sharpe": sharpe, "rsi": call.inputs[f"momentum:{symbol}"]["rsi"]})
    table.sort(key=lambda row: -row["sharpe"])
    for place, row in enumerate(table, start=1):
        log.info("%d. %s: Sharpe ratio %+.2f, RSI %.1f", place, row["symbol"], row["sharpe"], row["rsi"])
    pairs: dict[str, float] = call.inputs["correlation"]
    closest = max(pairs, key=lambda pair: abs(pairs[pair]), default=None)
    return Result(table, {"ranking": [_rounded(row) for row in table], "most_correlated": closest})


def _closes(call: Call) -> list[float]:
    (bars,) = call.inputs.values()
    return [bar.close for bar in bars]


def _crossings(fast: Series, slow: Series) -> Iterator[tuple[int, bool]]:
    """The days on which `fast` got to the other side of `slow`, and whether to the upper one."""
    above = [a > b if a is not None and b is not None else None for a, b in zip(fast, slow, strict=True)]
    for day, (before, after) in enumerate(pairwise(above), start=1):
        if before is not None and after is not None and before != after:
            yield day, after


def _chance(call: Call, *purpose: object) -> random.Random:
    return random.Random(f"{call.parameters['seed']} {purpose}")  # noqa: S311 - a simulation, not a secret


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 6) if isinstance(value, float) else value for key, value in figures.items()}
