"""How delivering goes, counted for whoever watches the process."""

from dataclasses import dataclass


@dataclass(slots=True)
class Delivery:
    """Counters since the process began."""

    followers: int = 0
    """How many follow something just now."""
    reads: int = 0
    """Reads of what is new, each for all who follow the same thing."""
    catch_ups: int = 0
    """Reads of one position: of followers who come, or are too slow for what is kept."""
    wakes: int = 0
    """Followers woken by reads."""
    lag_seconds: float = 0.0
    """From being told of a change to having read it, of all reads together."""
    max_lag_seconds: float = 0.0
    """The longest of these."""

    def record(self, woken: int, lag: float) -> None:
        """Count a read."""
        self.reads += 1
        self.wakes += woken
        self.lag_seconds += lag
        self.max_lag_seconds = max(self.max_lag_seconds, lag)
