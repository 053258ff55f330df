"""warnsys: severe-weather warnings, matched to the districts of a city and sent to screens, apps and SMS."""

from warnsys import moved as _moved  # noqa: F401 - old module names work for one release
