"""Persons that are joined and parted: cases, participants and access follow, and go back exactly."""
