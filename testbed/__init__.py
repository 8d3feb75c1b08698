"""Makes the clusters, images and stand-ins that tests need, on one machine: see `python -m testbed --help`."""
