"""Statuses by which a message centre answers (SMPP 3.4, table 5-2), and which of them a repetition cannot help."""

from enum import IntEnum


class CommandStatus(IntEnum):
    """`command_status` of a PDU, by its name in the specification; carriers have further ones from 0x400 on."""

    ESME_ROK = 0x00
    ESME_RINVMSGLEN = 0x01
    ESME_RINVCMDLEN = 0x02
    ESME_RINVCMDID = 0x03
    ESME_RINVBNDSTS = 0x04
    ESME_RALYBND = 0x05
    ESME_RINVPRTFLG = 0x06
    ESME_RINVREGDLVFLG = 0x07
    ESME_RSYSERR = 0x08
    ESME_RINVSRCADR = 0x0A
    ESME_RINVDSTADR = 0x0B
    ESME_RINVMSGID = 0x0C
    ESME_RBINDFAIL = 0x0D
    ESME_RINVPASWD = 0x0E
    ESME_RINVSYSID = 0x0F
    ESME_RMSGQFUL = 0x14
    ESME_RINVSERTYP = 0x15
    ESME_RINVESMCLASS = 0x43
    ESME_RSUBMITFAIL = 0x45
    ESME_RINVSRCTON = 0x48
    ESME_RINVSRCNPI = 0x49
    ESME_RINVDSTTON = 0x50
    ESME_RINVDSTNPI = 0x51
    ESME_RINVSYSTYP = 0x53
    ESME_RINVREPFLAG = 0x54
    ESME_RTHROTTLED = 0x58
    ESME_RINVSCHED = 0x61
    ESME_RINVEXPIRY = 0x62
    ESME_RINVDFTMSGID = 0x63
    ESME_RX_T_APPN = 0x64
    ESME_RX_P_APPN = 0x65
    ESME_RX_R_APPN = 0x66
    ESME_RINVOPTPARSTREAM = 0xC0
    ESME_ROPTPARNOTALLWD = 0xC1
    ESME_RINVPARLEN = 0xC2
    ESME_RMISSINGOPTPARAM = 0xC3
    ESME_RINVOPTPARAMVAL = 0xC4
    ESME_RUNKNOWNERR = 0xFF


THROTTLED = frozenset({CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL})
"""The centre takes the same message later."""

PASSING = THROTTLED | {
    CommandStatus.ESME_RINVBNDSTS,
    CommandStatus.ESME_RALYBND,
    CommandStatus.ESME_RSYSERR,
    CommandStatus.ESME_RSUBMITFAIL,
    CommandStatus.ESME_RX_T_APPN,
    CommandStatus.ESME_RUNKNOWNERR,
}
"""What the specification says of the centre's state, not of the message."""


_NAMES = {status.value: status.name for status in CommandStatus}


def is_permanent(status: int) -> bool:
    """Whether the same PDU would be refused again. A carrier's own status is not: a warning is worth another try."""
    return status in _NAMES and status not in PASSING


def name(status: int) -> str:
    """The status for a reader: `ESME_RTHROTTLED (0x58)`, or the number alone where the specification has no name."""
    return f"{_NAMES[status]} ({status:#04x})" if status in _NAMES else f"{status:#010x}, the carrier's own"
