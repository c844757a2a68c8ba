"""Checks of the judge and of the embedded model: against a person's count, against renders."""
