"""What a city would have been told of a storm gone by: the feed's snapshots once more, at their own time."""
