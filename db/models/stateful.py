"""What runs and steps share: a status, the times that go with it, and a revision."""

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Connection, FetchedValue, event, func
from sqlalchemy.orm import Mapped, Mapper, mapped_column
from uuid_utils.compat import uuid7

from db.enums import ExecutionStatus
from db.models.model import TextEnum
from db.state_machine import ALWAYS_STARTED, TERMINAL, Action, Decision, Machine, decide


class Stateful:
    """A status that only the state machine changes.

    The methods of the subclasses guard their own entity and do no I/O; the session's flush refuses to move what
    somebody else has moved since it was read. The rules between a run and its steps are kept by `db.commands`,
    which lock both.
    """

    machine: ClassVar[Machine]

    id: Mapped[UUID]
    status: Mapped[ExecutionStatus] = mapped_column(
        TextEnum(ExecutionStatus), default=ExecutionStatus.PENDING, server_default="pending"
    )
    error_message: Mapped[str | None]
    revision: Mapped[int] = mapped_column(server_default=FetchedValue(), server_onupdate=FetchedValue())
    """The run's revision at this entity's last change; a trigger takes the next one where nobody else did."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), onupdate=func.clock_timestamp())
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    last_transition_at: Mapped[datetime | None]
    """The engine's time of the last transition, which the next one must not precede, whatever was retried."""

    def __init__(self, **values: Any) -> None:
        values.setdefault("id", uuid7())
        values.setdefault("status", ExecutionStatus.PENDING)
        super().__init__(**values)

    @property
    def duration_seconds(self) -> float | None:
        """Seconds from start to end; None until ended, and for what never started."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()

    def _transition(self, action: Action, at: datetime | None) -> None:
        self._apply(decide(self.machine, action, self, at=at))

    def _apply(self, decision: Decision) -> None:
        self.status = decision.status
        self.started_at = decision.started_at
        self.ended_at = decision.ended_at
        self.last_transition_at = decision.last_transition_at


def status_constraints(statuses: tuple[ExecutionStatus, ...]) -> tuple[CheckConstraint, ...]:
    """The CHECKs that tie the times of an entity to its status; `statuses` are those its kind can have."""
    terminal = _listed(status for status in TERMINAL if status in statuses)
    return (
        CheckConstraint(f"status IN ({_listed(statuses)})", name="status"),
        CheckConstraint(f"(ended_at IS NOT NULL) = (status IN ({terminal}))", name="ended_if_terminal"),
        CheckConstraint("started_at <= ended_at", name="started_before_ended"),
        CheckConstraint(
            f"started_at IS NOT NULL OR status NOT IN ({_listed(ALWAYS_STARTED)})", name="started_if_it_ran"
        ),
        CheckConstraint("started_at IS NULL OR status NOT IN ('pending', 'skipped')", name="not_started"),
    )


def _listed(statuses: Any) -> str:
    return ", ".join(f"'{status.value}'" for status in statuses)


@event.listens_for(Stateful, "before_insert", propagate=True)
@event.listens_for(Stateful, "before_update", propagate=True)
def supply_times(_mapper: Mapper[Any], _connection: Connection, entity: Stateful) -> None:
    """Give an entity whose status was assigned directly the times that its status asks for."""
    if entity.status in ALWAYS_STARTED and entity.started_at is None:
        entity.started_at = entity.ended_at or datetime.now(UTC)
    if entity.status in TERMINAL and entity.ended_at is None:
        entity.ended_at = max(entity.started_at or datetime.now(UTC), datetime.now(UTC))
    times = (entity.started_at, entity.ended_at, entity.last_transition_at)
    entity.last_transition_at = max(filter(None, times), default=None)
