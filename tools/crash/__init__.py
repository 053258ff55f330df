"""Campaigns of kills and faults on a real Kafka, as tables and reports."""
