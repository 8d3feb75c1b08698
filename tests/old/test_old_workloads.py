"""The tests of tests/api/test_policies_workloads.py on Kubernetes 1.30; the table of cases is test_old_rules.py's."""

from __future__ import annotations

from tests.api import test_policies_workloads as newest

test_each_kind = newest.test_each_kind_is_warned_of_and_never_refused
test_long_lists = newest.test_every_problem_of_a_long_list_fits_a_warning
test_labels_and_annotations = newest.test_labels_and_annotations_of_the_template_count
test_only_changes = newest.test_only_what_changes_is_judged_and_nobody_else_is_told
