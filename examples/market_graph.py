"""The example workflow: indicators over made-up price histories, and a ranking.

prices:X ──┬── trend:X ────┐
           ├── momentum:X ─┤
           ├── bands:X ────┼── ranking
           └── correlation ┤      (of all symbols)
riskless_rate (flaky) ─────┘
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import market_steps
from step_graph import Retry, Step, StepGraph


def market_graph(symbols: Sequence[str]) -> StepGraph:
    """The workflow for these symbols, which are distinct."""
    rate = Step("riskless_rate", "Riskless rate", "fetch", market_steps.riskless_rate, retry=Retry(2, 0.2))
    prices: list[Step] = []
    findings: list[Step] = []
    for symbol in symbols:
        source = f"prices:{symbol}"
        prices.append(Step(source, f"Prices of {symbol}", "generate", partial(market_steps.daily_bars, symbol)))
        findings += [
            Step(f"{kind}:{symbol}", f"{kind.capitalize()} of {symbol}", "indicator", function, (source,))
            for kind, function in (
                ("trend", partial(market_steps.trend, symbol)),
                ("momentum", partial(market_steps.momentum, symbol)),
                ("bands", partial(market_steps.bands, symbol)),
            )
        ]
    sources = tuple(step.key for step in prices)
    findings.append(Step("correlation", "Correlations", "indicator", market_steps.correlations, sources))
    needs = (rate.key, *(step.key for step in findings))
    report = Step("ranking", "Ranking", "report", market_steps.ranking, needs)
    return StepGraph(
        "market-indicators",
        "Indicators over made-up price histories, and a ranking",
        (rate, *prices, *findings, report),
    )
