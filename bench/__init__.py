"""What `site.yml` costs, beside `kubectl apply --server-side` of the same objects: `python -m bench [SIZE ...]`."""
