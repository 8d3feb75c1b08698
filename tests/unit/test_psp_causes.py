"""What is said where a PodSecurityPolicy let in what it must not."""

from __future__ import annotations

from ansible_collections.buildkeep.ci.plugins.module_utils.psp_causes import OFF, sentence


def test_no_policy_at_all_means_that_the_plugin_is_off() -> None:
    assert sentence([]) == OFF
    assert "--enable-admission-plugins" in OFF and "buildkeep_backend: psa" in OFF


def test_policies_of_others_are_named_before_ours() -> None:
    text = sentence(["buildkeep-agent", "eks.privileged"])
    assert text.startswith("eks.privileged, a PodSecurityPolicy that Buildkeep did not make")
    assert "system:authenticated" in text


def test_one_of_ours_is_of_another_release() -> None:
    assert sentence(["buildkeep-agent"]) == (
        "buildkeep-agent is not the policy of this release; run the role pod_security"
    )
