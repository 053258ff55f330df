"""What stands on the topics: the contract with everybody else, as JSON.

Readers ignore fields that they do not know; a field changes its meaning only with a new `schema_version`. Times are
absolute, with offset. `exercise` marks everything that does not come from a live stage.

    cap.alerts    bytes of a CAP message, or a `Snapshot`; headers say which (`AlertHeaders`)
    cap.extreme   the same, for messages that call themselves Extreme
    warn.impacts  `Outcome`, `Snapshot`, `Tick`, `Stop`
    warn.stele    `SteleRecord`       warn.push  `PushNotice`       warn.sms  `SmsNotice`
    ops.actions   `Acknowledgement`, `Stop`, `Reminder`, `ChannelState`, `AuditHead`
    feed.status   `FeedStatus`        warn.rejected  the bytes, with headers `stage_of_work`, `reason`, …
    warn.delivery `DeliveryCounts`    gateway.status `GatewayStatus`
"""

from warnsys.records.actions import (
    LONGEST_STOP,
    Acknowledgement,
    Action,
    AuditHead,
    ChannelPause,
    ChannelState,
    OnActions,
    Reminder,
    Role,
    acknowledgement_key,
    read_action,
    reminder_key,
)
from warnsys.records.base import (
    EARLIEST,
    LATEST,
    SCHEMA_VERSION,
    Localised,
    Moment,
    NewerRecordError,
    Part,
    Record,
    blame,
    in_utc,
    utc,
)
from warnsys.records.delivery import DeliveryCounts, GatewayStatus, TargetState, TargetStatus
from warnsys.records.feed import MOST_HEADER, VERSION, AlertHeaders, FeedStatus, Snapshot, read_alert_headers
from warnsys.records.impacts import Decided, Impact, ImpactRecord, Meaning, Outcome, Text, Tick, read_impact_record
from warnsys.records.notices import (
    Audience,
    CapMessage,
    ChangeNotice,
    DistrictStatus,
    Freshness,
    Measure,
    Notice,
    NoticeKind,
    Presentation,
    PushNotice,
    SmsNotice,
    SteleItem,
    SteleRecord,
    worst_of,
)

__all__ = [
    "EARLIEST",
    "LATEST",
    "LONGEST_STOP",
    "MOST_HEADER",
    "SCHEMA_VERSION",
    "VERSION",
    "Acknowledgement",
    "Action",
    "AlertHeaders",
    "Audience",
    "AuditHead",
    "CapMessage",
    "ChangeNotice",
    "ChannelPause",
    "ChannelState",
    "Decided",
    "DeliveryCounts",
    "DistrictStatus",
    "FeedStatus",
    "Freshness",
    "GatewayStatus",
    "Impact",
    "ImpactRecord",
    "Localised",
    "Meaning",
    "Measure",
    "Moment",
    "NewerRecordError",
    "Notice",
    "NoticeKind",
    "OnActions",
    "Outcome",
    "Part",
    "Presentation",
    "PushNotice",
    "Record",
    "Reminder",
    "Role",
    "SmsNotice",
    "Snapshot",
    "SteleItem",
    "SteleRecord",
    "TargetState",
    "TargetStatus",
    "Text",
    "Tick",
    "acknowledgement_key",
    "blame",
    "in_utc",
    "read_action",
    "read_alert_headers",
    "read_impact_record",
    "reminder_key",
    "utc",
    "worst_of",
]
