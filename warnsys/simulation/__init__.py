"""Storms as stories, a stand-in for the DWD's server, and the canary."""
