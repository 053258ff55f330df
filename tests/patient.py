"""`warnsys` as a process that has a minute for an end in order, however busy the machine is."""

import sys

PATIENT = (
    sys.executable,
    "-c",
    "import streams.worker.app as worker, streams.processes.runtime as runtime, warnsys.cli.common as common;"
    "worker.STOP_S = runtime.SESSION_S = common.ENDS_WITHIN_S = 60.0; import warnsys.__main__",
)
