"""Workflows to start from: the definitions in ``templates/workflows``, and what they ask."""
