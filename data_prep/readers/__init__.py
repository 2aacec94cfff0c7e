"""Readers of survey files, one file a survey."""
