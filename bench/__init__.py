"""What Buildkeep costs: `python -m bench [SIZE ...] [admission]`.

A size is a number of tenants: `site.yml` beside `kubectl apply --server-side` of the same objects. `admission`: pods
that are created with all policies bound, beside the same with none.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "collections"))
