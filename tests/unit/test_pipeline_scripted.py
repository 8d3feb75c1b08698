"""Scripted pipelines: Groovy as Jenkins runs it, agents by podTemplate and node, and what is refused."""

from __future__ import annotations

import pytest

from testbed.controller.declarative import read_jenkinsfile
from testbed.controller.model import AnyAgent, LabelAgent, PodTemplateAgent
from testbed.controller.problems import JenkinsfileError
from testbed.controller.texts import evaluate
from tests.unit.pipeline_world import Farm, run, scripts


def said(source: str, env: dict[str, str] | None = None) -> list[str]:
    """What a script echoes, line by line."""
    result, log, _ = run(source, env=env)
    assert result == "SUCCESS", log
    return [line for line in log.splitlines() if not line.startswith("[Pipeline]")]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def a = 1 + 2 * 3 - 4 / 2\necho \"${a} ${7 / 2} ${-a % 3} ${(1 + 2) * 3}\"", ["5 3.5 -2 9"]),
        ("def a = 'x'; a += 'y'; echo a * 2 + null + true + [1, 'b'] + [k: 2]", ["xyxynulltrue[1, b][k:2]"]),
        ("def m = [a: 1, 'b c': [2]]\nm.d = 4; m['e'] = 5; echo \"${m.a}${m['b c'][0]}${m.d}${m.e}${m.z}\"",
         ["1245null"]),
        ("def l = [1]; l << 2; l.add(3); echo \"${l.size()} ${l[-1]} ${l[9]} ${2 in l} ${l.contains(4)}\"",
         ["3 3 null true false"]),
        ("if ('' || [] || 0 || null) { echo 'a' } else if (!'x') { echo 'b' }\nelse { echo 'c' }", ["c"]),
        ("echo '' ?: 'elvis'\necho 1 == 1.0 ? 'yes' : 'no'\necho \"${null?.size()}\"", ["elvis", "yes", "null"]),
        ("for (x in ['a', 'b']) { if (x == 'a') { continue }\necho x }\n"
         "for (int i = 0; i < 3; i++) { if (i == 1) break\necho \"$i\" }", ["b", "0"]),
        ("def n = 3\nwhile (n > 0) { n-- }\necho \"$n\"; for (i in 1..3) { n += i }\necho \"${n}\"", ["0", "6"]),
        ("[a: 1, b: 2].each { k, v -> echo \"$k=$v\" }\necho([3, 1].collect { it * 2 }.sort().join('-'))",
         ["a=1", "b=2", "2-6"]),
        ("def f(a, b) { if (b) { return a + b }\n'none' }\necho f('x', 'y')\necho f('x', '')", ["xy", "none"]),
        ("def c = { x -> x + n }\nn = 5\necho \"${c(1)} ${c.call(2)}\"", ["6 7"]),
        ("echo ' A,b ,'.trim().toLowerCase().split(',').join('|') + 'x/y'.tokenize('/').last()", ["a|b y"]),
        ("try { error 'e1' } catch (e) { echo e.message } finally { echo 'f' }", ["e1", "f"]),
        ("try { throw new RuntimeException('r') } catch (hudson.AbortException e) { echo 'no' }\n"
         "catch (RuntimeException | IllegalArgumentException e) { echo \"${e.getMessage()} ${e}\" }",
         ["r java.lang.RuntimeException: r"]),
        ("try { echo missing } catch (groovy.lang.MissingPropertyException e) { echo 'gone' }", ["gone"]),
        ("env.X = 'set'; echo \"${env.X} ${X} ${env.NONE}\"\nwithEnv(['X=over']) { echo X }\necho X",
         ["set set null", "over", "set"]),
        ("currentBuild.result = 'SUCCESS'; echo \"${currentBuild.result} ${currentBuild.currentResult}\"",
         ["null SUCCESS"]),
        ("def x = stage('one') { 1 + 1 }\necho \"$x\"\nreturn\necho 'never'", ["2"]),
        ("def r = parallel(a: { 'A' }, b: { 'B' })\necho r.a + r.b", ["AB"]),
        ("def todo = [:]\nfor (n in ['p', 'q']) { def m = n; todo[m] = { echo m } }\ntodo.p.call()\ntodo['q'].call()",
         ["p", "q"]),
        ("parallel([:])", ["No branches to run"]),
    ],
)  # fmt: skip
def test_groovy(source: str, lines: list[str]) -> None:
    """Each construct, by what it writes into the log."""
    assert said(source) == lines


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("echo missing", "groovy.lang.MissingPropertyException: line 1: No such property: missing (write env.missing"),
        ("def x = null\nx.size()", "java.lang.NullPointerException: Cannot invoke method size() on null object"),
        ("1.trim()", "groovy.lang.MissingMethodException: No signature of method: Integer.trim()"),
        ("echo 'a' - [1].first() * 'b'", "groovy.lang.MissingMethodException: Integer * String has no value"),
        ("'a'.split('.')", "java.util.regex.PatternSyntaxException: split by a pattern is not supported; use tokenize"),
        ("def t = 'x'\ntimeout(t) { }", "IllegalArgumentException: timeout, time: write a number, not x"),
        ("def x = 1\nx()", "groovy.lang.MissingMethodException: line 2: x is no closure"),
        ('echo "${1 / 0}"', "java.lang.ArithmeticException: Division by zero"),
        ("parallel([1])", "java.lang.IllegalArgumentException: step 'parallel' takes a map, or arguments with names"),
        ("def b = 1\nparallel a: b", "line 2: parallel: branch 'a' is no block; write a: { ... }"),
        ("throw new Exception('own')", "java.lang.Exception: own"),
    ],
)
def test_what_fails_as_it_runs(source: str, words: str) -> None:
    result, log, _ = run(source)
    assert result == "FAILURE"
    assert words in log.rpartition("ERROR: ")[2]


POD = """podTemplate(cloud: 'shop', yaml: 'spec: {}', yamlMergeStrategy: merge(), showRawYaml: false,
    containers: [containerTemplate(name: 'x', image: 'i:1', envVars: [envVar(key: 'K', value: 'v')])],
    volumes: [emptyDirVolume(mountPath: '/m', memory: false)], podRetention: never(), idleMinutes: 1) {
  node(POD_LABEL) { checkout scm
    container('x') { sh 'in' }
    sh 'out' }
}"""


def test_pod_template_and_node() -> None:
    """The description reaches the agent as plain data, under a label of its own."""
    result, log, farm = run(POD, env={"JOB_NAME": "shop/hello", "BUILD_NUMBER": "3"})
    assert result == "SUCCESS", log
    (agent,) = farm.asked
    assert isinstance(agent, PodTemplateAgent)
    (template,) = agent.templates
    assert agent.label == template["label"] == template["name"]
    assert agent.label.startswith("shop_hello_3-")
    assert {name: value for name, value in template.items() if name not in ("label", "name")} == {
        "cloud": "shop", "yaml": "spec: {}", "yamlMergeStrategy": "merge", "podRetention": "never", "idleMinutes": 1,
        "showRawYaml": False, "volumes": [{"emptyDirVolume": {"mountPath": "/m", "memory": False}}],
        "containers": [{"name": "x", "image": "i:1", "envVars": [{"envVar": {"key": "K", "value": "v"}}]}],
    }  # fmt: skip
    assert farm.ran == [("in", "x", ""), ("out", "", "")]
    assert farm.checkouts == 1


def test_nested_pod_templates() -> None:
    """Node takes the template whose label it names, with those around it; POD_LABEL is the innermost's own."""
    source = """podTemplate(label: 'outer', name: 'o') { podTemplate {
        node('outer') { sh 'o' }
        node(POD_LABEL) { sh 'i' }
        node('other') { sh 'x' }
        node { sh 'any' } } }"""
    result, log, farm = run(source)
    assert result == "SUCCESS", log
    outer, inner, other, anything = farm.asked
    assert isinstance(outer, PodTemplateAgent)
    assert isinstance(inner, PodTemplateAgent)
    assert [each["label"] for each in outer.templates] == ["outer"]
    assert [each["name"] for each in inner.templates] == ["o", inner.label]
    assert isinstance(other, LabelAgent)
    assert evaluate(other.label, {}) == "other"
    assert isinstance(anything, AnyAgent)
    assert farm.checkouts == 0
    assert "No such property: POD_LABEL" in run("podTemplate(label: 'x') { node(POD_LABEL) { } }")[1]


def test_parallel_branches_and_fail_fast() -> None:
    """FailFast interrupts the others; what catches that goes on."""
    slow = "node('s') { try { sh 'hang' } catch (org.jenkinsci.plugins.workflow.steps.FlowInterruptedException e) {\n" \
           "echo 'stopped: ' + e.message; throw e } finally { sh 'tidy' } }"  # fmt: skip
    bad = "node('b') { sh 'exit 9' }"
    result, log, farm = run(f"parallel slow: {{ {slow} }}, bad: {{ sleep time: 50, unit: 'MILLISECONDS'\n{bad} }}, "
                            "failFast: true")  # fmt: skip
    assert result == "FAILURE"
    assert log.endswith("ERROR: script returned exit code 9\n")
    assert sorted(scripts(farm)) == ["exit 9", "hang", "tidy"]
    assert "\nstopped: Failed in branch bad\n" in log
    assert farm.returned == 2


def test_with_fail_fast_the_first_failure_counts() -> None:
    """Also where a graver one comes after it."""
    over = "timeout(time: 1, unit: 'MILLISECONDS') { sleep 100 }"
    later = "try { sleep 100 } finally { error 'later' }"
    result, log, _ = run(f"parallel a: {{ {over} }}, b: {{ {later} }}, failFast: true")
    assert result == "ABORTED"
    assert log.endswith("Timeout has been exceeded\n")


def test_without_fail_fast_the_gravest_failure_counts() -> None:
    """A failure before an interruption, the code's own before a step's."""
    source = "parallel a: { timeout(time: 1, unit: 'MILLISECONDS') { sleep 100 } }, b: { error 'step' }, c: { %s }"
    assert run(source % "echo 'fine'")[1].endswith("ERROR: step\n")
    assert run(source % "throw new RuntimeException('code')")[1].endswith("ERROR: java.lang.RuntimeException: code\n")
    assert run("parallel a: { timeout(time: 1, unit: 'MILLISECONDS') { sleep 100 } }, b: { }")[0] == "ABORTED"


def test_the_builds_result_can_only_become_worse() -> None:
    assert run("currentBuild.result = 'UNSTABLE'; currentBuild.result = 'SUCCESS'")[0] == "UNSTABLE"
    assert run("currentBuild.result = 'UNSTABLE'; error 'x'")[0] == "FAILURE"
    assert run("unstable 'x'", Farm())[0] == "UNSTABLE"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "properties([])",
            "line 1: step 'properties' is not supported by the stand-in controller: it belongs to the job",
        ),
        ("node { }\ninput 'go?'", "line 2: step 'input' is not supported by the stand-in controller: nobody is there"),
        ("@Library('x') _", "line 1: an annotation in a scripted pipeline is not supported by the stand-in controller"),
        ("import a.b.C", "line 1: 'import' in a scripted pipeline is not supported by the stand-in controller"),
        ("node {\nif (x ==~ y) { } }", "line 2: the operator '==~' in a scripted pipeline is not supported"),
        ("podTemplate(hostIPC: true) { }", "line 1: option 'hostIPC' of step 'podTemplate' is not supported"),
        (
            "podTemplate(containers: [containerTemplate(nam: 'x')]) { }",
            "line 1: option 'nam' of symbol 'containerTempl",
        ),
        ("node('x')", "line 1: step 'node' needs a block: node(...) { ... }"),
        ("'ls'.execute()", "line 1: method 'execute' is not supported by the stand-in controller ("),
        ("System.exit(1)", "line 1: method 'exit' is not supported by the stand-in controller ("),
        (
            "echo Jenkins.instance",
            "line 1: variable 'Jenkins.instance' is not supported by the stand-in controller: the",
        ),
        (
            "checkout([$class: 'GitSCM'])",
            "line 1: step 'checkout': the workspace comes with the build; write checkout scm",
        ),
    ],
)
def test_what_is_refused_before_anything_starts(source: str, words: str) -> None:
    with pytest.raises(JenkinsfileError) as caught:
        read_jenkinsfile(source)
    assert caught.value.problems[0].startswith(words)
