"""Making a geofence file: import, check, tidy, heights."""
