"""Declarative Jenkinsfiles: what becomes of them, and every problem told at once with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
import tree_sitter_groovy
from tree_sitter import Language, Node, Parser

from testbed.controller.declarative import read_jenkinsfile
from testbed.controller.groovy import parse
from testbed.controller.model import AnyAgent, KubernetesAgent, LabelAgent, NoAgent, Pipeline
from testbed.controller.problems import JenkinsfileError
from testbed.controller.syntax import Assignment, Call, Closure, MethodCall, Statement, Text
from testbed.controller.texts import evaluate

ROOT = Path(__file__).resolve().parents[2]
WHOLE = """
pipeline {
  agent {
    kubernetes {
      cloud 'shop'
      inheritFrom "shop-kaniko"
      yaml '''
spec: {}
'''
      yamlMergeStrategy merge()
      defaultContainer 'kaniko'
      namespace('ci-shop')
      serviceAccount 'builder-kaniko'
      label 'mine'
    }
  }
  environment {
    A = 'a'
    B = "${env.A}-$A"
  }
  stages {
    stage('One') {
      agent { label 'other' }
      environment { C = '' }
      steps {
        echo "B is $B"
        container(name: 'kaniko', shell: '/busybox/sh') {
          sh 'one'; sh(script: "two", label: 'Second')
        }
      }
      post { always { echo 'after' } }
    }
    stage("Two") { agent none; steps { sh 'three' } }
  }
  post {
    always { echo 'always' }
    failure { sh 'why' }
  }
}
"""


def problems(source: str) -> list[str]:
    """What is wrong with a Jenkinsfile."""
    with pytest.raises(JenkinsfileError) as caught:
        read_jenkinsfile(source)
    return list(caught.value.problems)


def stepped(steps: str) -> str:
    """A Jenkinsfile with these steps, which begin in line 4."""
    return f"pipeline {{ agent any\nstages {{\nstage('s') {{ steps {{\n{steps}\n}} }} }} }}"


def test_a_whole_pipeline() -> None:
    """Everything that is supported, in its place."""
    pipeline = read_jenkinsfile(WHOLE)
    assert isinstance(pipeline, Pipeline)
    assert isinstance(pipeline.agent, KubernetesAgent)
    values = {name: evaluate(text, {}) for name, text in pipeline.agent.options.items()}
    assert values == {
        "cloud": "shop", "inheritFrom": "shop-kaniko", "yaml": "\nspec: {}\n", "yamlMergeStrategy": "merge",
        "defaultContainer": "kaniko", "namespace": "ci-shop", "serviceAccount": "builder-kaniko", "label": "mine",
    }  # fmt: skip
    assert [name for name, _ in pipeline.environment] == ["A", "B"]
    second = pipeline.environment[1][1]
    assert isinstance(second, Text)
    assert evaluate(second, {"A": "x"}) == "x-x"
    one, two = pipeline.stages
    assert isinstance(one.agent, LabelAgent)
    assert isinstance(two.agent, NoAgent)
    assert [name for name, _ in one.environment] == ["C"]
    echo, container = (step for step in one.steps if isinstance(step, Call))
    assert (echo.name, container.name) == ("echo", "container")
    assert [name for name, _ in container.named] == ["name", "shell"]
    _, last = (step for step in container.body or () if isinstance(step, Call))
    assert (last.name, last.pos.line) == ("sh", 28)
    assert list(one.post) == ["always"]
    assert list(pipeline.post) == ["always", "failure"]
    least = read_jenkinsfile("pipeline { agent any; stages { stage('s') { steps { } } } }")
    assert isinstance(least, Pipeline)
    assert isinstance(least.agent, AnyAgent)


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ("input 'go on?'", "line 4: step 'input' is not supported by the stand-in controller: nobody is there to ans"),
        ("nonsense 'x'", "line 4: step 'nonsense' is not supported by the stand-in controller (steps: archiveArtifac"),
        ("echo 'x'\nscript { def a = 1\ngit 'x' }", "line 6: step 'git' is not supported by the stand-in controller:"),
        ("def x = 1", "line 4: 'x' as a step (write it into script { }) is not supported"),
        ("if (a) { sh 'x' }", "line 4: 'if' as a step (write it into script { }) is not supported"),
        ("dir('x') { def y = 1 }", "line 4: 'y' as a step (write it into script { }) is not supported"),
        ("sh(script: 'x', encoding: 'y')", "line 4: option 'encoding' of step 'sh' is not supported"),
        ("sh(script: 'x', returnStdout: 'y')", "line 4: step 'sh', returnStdout: write true or false"),
        ("sh 'a' =~ b", "line 4: the operator '=~' in step 'sh' is not supported"),
        ("sh \"\"\"\n${params.X}\"\"\"", "line 5: variable 'params.X' is not supported by the stand-in controller: j"),
        ('sh "${currentBuild.duration}"', "line 4: 'currentBuild.duration' is not supported"),
        ('sh "${x.execute()}"', "line 4: method 'execute' is not supported by the stand-in controller (add, addAll, "),
        ("sh(label: 'x')", "line 4: step 'sh' needs its argument 'script'"),
        ("sh()", "line 4: step 'sh' needs its argument 'script'"),
        ("sh('a') { }", "line 4: step 'sh' takes no block"),
        ("container('x')", "line 4: step 'container' needs a block"),
        ("container('x') { checkout git }", "line 4: step 'checkout': the workspace comes with the build; write chec"),
        ("'x'", "line 4: a string as a step (write it into script { }) is not supported"),
        ("stage('x') { }", "line 4: step 'stage' is not allowed in a declarative pipeline: write a stage beside this"),
        ("parallel a: { }", "line 4: step 'parallel' is not allowed in a declarative pipeline: write parallel { stage"),
        ("timeout(time: 'long') { }", "line 4: step 'timeout', time: write a number"),
        ("timeout(time: 1, unit: 'WEEKS') { }", "line 4: step 'timeout', unit: 'WEEKS' is none of NANOSECONDS, "),
        ("timeout(time: 1, activity: true) { }", "line 4: option 'activity' of step 'timeout' is not supported"),
        ("retry { }", "line 4: step 'retry' needs its argument 'count'"),
        ("withEnv('A=b') { }", "line 4: step 'withEnv', overrides: write a list"),
        ("withCredentials([string(credentialsId: 'x')]) { }", "line 4: symbol 'string' needs its argument 'variable'"),
        ("withCredentials([sshUserPrivateKey(a: 'x')]) { }", "line 4: step 'sshUserPrivateKey' is not supported"),
        ("stash includes: 'x'", "line 4: step 'stash' needs its argument 'name'"),
        ("writeFile file: 'x'", "line 4: step 'writeFile' needs its argument 'text'"),
        ("readFile file: 'x', encoding: 'y'", "line 4: option 'encoding' of step 'readFile' is not supported"),
        ("script { try { } catch (IOException e) { } }", "line 4: catch (IOException): it is not told apart here; wr"),
        ("script { throw new Error('x') }", "line 4: 'new Error' is not supported by the stand-in controller (Except"),
        ("script { currentBuild.displayName = 'x' }", "line 4: 'currentBuild.displayName' is not supported by the sta"),
        ("script { currentBuild.number = 3 }", "line 4: 'currentBuild.number' cannot be set by the stand-in controll"),
        ("deleteDir('x')", "line 4: step 'deleteDir' takes no argument without a name"),
    ],
)  # fmt: skip
def test_steps_that_are_not_supported(steps: str, problem: str) -> None:
    """Each is one problem, which begins with its line."""
    (found,) = problems(stepped(steps))
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("agent", "problem"),
    [
        ("agent { docker 'x' }", "'docker' in agent is not supported"),
        ("agent { node { label 'x' } }", "'node' in agent is not supported"),
        ("agent some", "agent: write any, none, { label '...' } or { kubernetes { ... } }"),
        ("agent { label 'a && b' }", "agent: the label expression 'a && b' is not supported"),
        ("agent { label 'a'\nkubernetes { } }", "agent: give exactly one of label and kubernetes"),
        ("agent { kubernetes { hostNetwork true } }", "option 'hostNetwork' of agent kubernetes is not s"),
        ("agent { kubernetes { podRetention 'always' } }", "agent kubernetes, podRetention: write always() or "),
        ("agent { kubernetes { retries 'two' } }", "agent kubernetes, retries: write a number"),
        ("agent { kubernetes { yaml readFile('x') } }", "agent kubernetes, yaml: 'readFile' is not supported"),
        ("agent { kubernetes { yamlMergeStrategy other() } }", "agent kubernetes, yamlMergeStrategy: write merge()"),
        ("agent { kubernetes { yaml 'a', 'b' } }", "option 'yaml' of agent kubernetes takes one value"),
        ("agent { kubernetes(yaml: 'x') { } }", "agent kubernetes: write its options in a block"),
    ],
)
def test_agents_that_are_not_supported(agent: str, problem: str) -> None:
    """Each is one problem."""
    (found,) = problems(f"pipeline {{\n{agent}\nstages {{ stage('s') {{ steps {{ }} }} }} }}")
    assert found.startswith(f"line 2: {problem}")


def test_all_problems_at_once_in_order() -> None:
    """A Jenkinsfile with many problems tells all of them, line by line."""
    found = problems(
        "@Library('x') _\npipeline {\n  options { timestamps() }\n"
        "  stages {\n    stage('a') {\n      when { branch 'x' }\n"
        "      input { }\n    }\n    stage('a') { steps { lock('x') { } } }\n  }\n  post { sometimes { } }\n}"
    )
    assert [each.split(":")[0] for each in found] == [
        "line 1", "line 2", "line 3", "line 5", "line 6", "line 7", "line 9", "line 9", "line 11",
    ]  # fmt: skip
    assert "line 2: pipeline: missing required section 'agent'" in found
    assert "line 5: stage 'a': missing required section 'steps' (or 'stages', 'parallel')" in found
    assert "line 9: stage name 'a' is used more than once" in found


@pytest.mark.parametrize("source", ["", "pipeline { }\npipeline { }"])
def test_what_is_no_declarative_pipeline(source: str) -> None:
    """Empty files and two pipelines in one."""
    assert any("write exactly one 'pipeline { }'" in each for each in problems(source))


def test_syntax_error_has_line_and_column() -> None:
    """Nothing else is said then."""
    assert problems("pipeline {\n  agent any\n") == ["line 1, column 10: this '{' is never closed; write '}'"]


def calls(statements: tuple[Statement, ...]) -> list[str]:
    """Names of calls and of assigned variables, in the order of the text."""
    names: list[str] = []
    for each in statements:
        if isinstance(each, Assignment | MethodCall):
            names.append(each.name)
        elif isinstance(each, Call):
            names += [each.name, *calls(tuple(a for a in each.args if isinstance(a, Call | Closure)))]
            names += calls(each.body or ())
        elif isinstance(each, Closure):
            names += calls(each.statements)
    return names


def other_calls(node: Node) -> list[str]:
    """The same of the tree that the published Groovy grammar gives."""
    names = []
    if node.type in ("method_invocation", "juxt_function_call", "assignment_expression"):
        first = node.children[0].text
        names.append(first.decode() if first else "")
    return names + [name for child in node.children for name in other_calls(child)]


EXAMPLES = sorted(ROOT.glob("examples/**/*Jenkinsfile"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_examples_parse_as_with_the_published_grammar(path: Path) -> None:
    """Our parser sees the same calls in the same order as tree-sitter's Groovy grammar, and the examples are whole."""
    # The grammar takes a call of two bare words for the declaration of a variable.
    source = path.read_text().replace("agent none", "agent(none)")
    tree = Parser(Language(tree_sitter_groovy.language())).parse(source.encode())
    assert not tree.root_node.has_error
    assert calls(parse(source)) == other_calls(tree.root_node)
    assert read_jenkinsfile(source).stages
