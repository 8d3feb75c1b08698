"""Runs the table of attacks against a live cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from testbed.attacks import ways
from testbed.attacks.answers import Answer, Expected, shortfall
from testbed.attacks.outcome import Outcome
from testbed.attacks.running_agent import running_agent, twin_agent
from testbed.attacks.stage import BYSTANDER, OTHER_TENANT, OUTSIDE, TENANT, TWIN, Stage, in_twin, namespace_path
from testbed.attacks.table import Attack
from testbed.attacks.waiting import wait

# Each build of the table may use 0.6 CPU of shop's 4: this many leave room for others.
BUILDS_AT_ONCE = 4
WALL_SECONDS = 30
PodMaker = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Pair = tuple[Future[Answer], Future[Answer]]


@dataclass(frozen=True)
class Runner:
    """Carries out attacks.

    Args:
        stage: the identities.
        build: submits a job to the controller and waits for its end.
        pod_of: the pod that the controller makes of a Jenkinsfile's entry.
        tool: a container that is permitted everywhere.
    """

    stage: Stage
    build: ways.Builder
    pod_of: PodMaker
    tool: Mapping[str, Any]

    def run(self, attacks: Sequence[Attack]) -> list[Outcome]:
        """Tries every attack and its permitted counterpart.

        Raises:
            TimeoutError: the policies did not begin to refuse, or the agent to debug did not start.
            RuntimeError: something that attacks need was refused.
        """
        self.wait_for_walls()
        with ThreadPoolExecutor(BUILDS_AT_ONCE) as pool:
            builds = self._submit(pool, [attack for attack in attacks if attack.way == "jenkinsfile"])
            outcomes = {attack.id: self._by_token(attack) for attack in attacks if attack.way == "controller-token"}
            outcomes |= self._by_debugging([attack for attack in attacks if attack.way == "debugger"])
            for attack in attacks:
                if attack.id in builds:
                    answer, permitted = (future.result() for future in builds[attack.id])
                    outcomes[attack.id] = Outcome(attack, answer, permitted, self._behind(attack))
        return [outcomes[attack.id] for attack in attacks]

    def wait_for_walls(self) -> None:
        """Waits until a foreign image is refused by our policy wherever attacks go: no answer counts before that."""
        image = "docker.io/library/not-active-yet:1"
        pod = self.pod_of({"pod": {"spec": {"containers": [{**self.tool, "image": image}]}}})
        wall = Expected(
            by="buildkeep-pods", rule="images", subject="container tool", field="image", value=image, allowed="/"
        )
        for namespace in (TENANT, OTHER_TENANT, TWIN):
            sent = in_twin(pod)
            sent["metadata"]["namespace"] = namespace
            path = f"{namespace_path(namespace)}/pods?dryRun=All"
            wait(
                lambda path=path, sent=sent: not shortfall(wall, self.stage.controller.ask("POST", path, sent)),  # type: ignore[misc]
                WALL_SECONDS,
                f"buildkeep-pods to refuse a foreign image in {namespace}",
            )

    def _submit(self, pool: ThreadPoolExecutor, attacks: Sequence[Attack]) -> dict[str, Pair]:
        """Starts the builds of attacks and of their permitted counterparts, equal counterparts once."""
        permitted: dict[str, Future[Answer]] = {}
        pairs: dict[str, Pair] = {}
        for attack in attacks:
            key = json.dumps(attack.permitted, sort_keys=True)
            if key not in permitted:
                permitted[key] = pool.submit(self._permitted, f"permitted-{attack.id}", attack.permitted)
            pairs[attack.id] = (pool.submit(self._attack, f"attack-{attack.id}", attack.send), permitted[key])
        return pairs

    def _attack(self, name: str, part: Mapping[str, Any]) -> Answer:
        return ways.attempted(ways.run_build(self.build, name, part))

    def _permitted(self, name: str, part: Mapping[str, Any]) -> Answer:
        return ways.accomplished(ways.run_build(self.build, name, part))

    def _behind(self, attack: Attack) -> Answer | None:
        """The twin's answer to the attack's pod; it counts only where the twin admits the permitted one."""
        if not attack.behind:
            return None
        control = ways.in_the_twin(self.stage, self.pod_of(attack.permitted))
        if not control.ok:
            return Answer(False, f"the twin refuses what is permitted: {control.text}")
        return ways.in_the_twin(self.stage, self.pod_of(attack.send))

    def _by_token(self, attack: Attack) -> Outcome:
        return Outcome(attack, ways.by_token(self.stage, attack.send), ways.by_token(self.stage, attack.permitted))

    def _by_debugging(self, attacks: Sequence[Attack]) -> dict[str, Outcome]:
        """The attacks of the debugging user, one after the other, on one running agent and on one in the twin."""
        if not attacks:
            return {}
        twin = twin_agent(self.stage, self.pod_of({"pod": {"spec": {"containers": [self.tool]}}}))
        outcomes = {}
        with running_agent(self.stage, self.build, self.tool) as pod:
            for attack in attacks:
                answer = ways.by_debugging(self.stage, TENANT, pod, attack.send)
                behind = ways.by_debugging(self.stage, TWIN, twin, attack.send) if attack.behind else None
                permitted = ways.by_debugging(self.stage, OUTSIDE, BYSTANDER, _renamed(attack))
                outcomes[attack.id] = Outcome(attack, answer, permitted, behind)
        return outcomes


def _renamed(attack: Attack) -> dict[str, Any]:
    """The permitted debug container under a name of its own: no two of one pod may share a name."""
    return {"container": {**attack.permitted["container"], "name": attack.id}}
