"""Attacks on a prepared cluster, each by the path that an attacker really has, and what has to refuse it."""
