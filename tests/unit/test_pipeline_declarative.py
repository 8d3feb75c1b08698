"""Declarative Jenkinsfiles: what becomes of them, and every problem told at once with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
import tree_sitter_groovy
from tree_sitter import Language, Node, Parser

from testbed.controller.declarative import read_jenkinsfile
from testbed.controller.groovy import parse
from testbed.controller.model import AnyAgent, Container, Echo, KubernetesAgent, LabelAgent, NoAgent, Sh
from testbed.controller.problems import JenkinsfileError
from testbed.controller.steps import UnknownVariableError, evaluate
from testbed.controller.syntax import Assignment, Call, Closure, Statement

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
    assert isinstance(pipeline.agent, KubernetesAgent)
    values = {name: evaluate(text, {}) for name, text in pipeline.agent.options.items()}
    assert values == {
        "cloud": "shop", "inheritFrom": "shop-kaniko", "yaml": "\nspec: {}\n", "yamlMergeStrategy": "merge",
        "defaultContainer": "kaniko", "namespace": "ci-shop", "serviceAccount": "builder-kaniko", "label": "mine",
    }  # fmt: skip
    assert [name for name, _ in pipeline.environment] == ["A", "B"]
    assert evaluate(pipeline.environment[1][1], {"A": "x"}) == "x-x"
    one, two = pipeline.stages
    assert isinstance(one.agent, LabelAgent)
    assert isinstance(two.agent, NoAgent)
    assert evaluate(one.environment[0][1], {}) == ""
    echo, container = one.steps
    assert isinstance(echo, Echo)
    assert isinstance(container, Container)
    assert container.shell is not None
    first, second = container.steps
    assert isinstance(first, Sh)
    assert isinstance(second, Sh)
    assert second.label is not None
    assert second.line == 28
    assert list(one.post) == ["always"]
    assert list(pipeline.post) == ["always", "failure"]
    assert isinstance(read_jenkinsfile("pipeline { agent any; stages { stage('s') { steps { } } } }").agent, AnyAgent)


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ("input 'go on?'", "line 4: step 'input' is not supported by the stand-in controller (steps: a"),
        ("echo 'x'\nscript { def a = 1 }", "line 5: step 'script' is not supported"),
        ("def x = 1", "line 4: 'x' as a step is not supported"),
        ("sh(script: 'x', returnStdout: true)", "line 4: option 'returnStdout' of step 'sh' is not supported"),
        ("sh 'a' + b", "line 4: step 'sh', script: the operator '+' is not supported; write a string"),
        ("sh \"\"\"\n${params.X}\"\"\"", "line 5: step 'sh', script: variable 'params.X' is not supported"),
        ('sh "${currentBuild.result}"', "line 4: step 'sh', script: variable 'currentBuild.result' is not supported"),
        ('sh "${env.A.b}"', "line 4: step 'sh', script: variable 'env.A.b' is not supported"),
        ("sh(label: 'x')", "line 4: step 'sh' needs its argument 'script'"),
        ("sh()", "line 4: step 'sh' needs its argument 'script'"),
        ("sh('a') { }", "line 4: step 'sh' takes no block"),
        ("container('x')", "line 4: step 'container' needs a block"),
        ("container('x') { checkout scm }", "line 4: step 'checkout' is not supported"),
        ("'x'", "line 4: a string as a step is not supported"),
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
        ("agent { kubernetes { podRetention always() } }", "option 'podRetention' of agent kubernetes is not s"),
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
        "      parallel { }\n    }\n    stage('a') { steps { retry(3) { } } }\n  }\n  post { changed { } }\n}"
    )
    assert [each.split(":")[0] for each in found] == [
        "line 1", "line 2", "line 3", "line 5", "line 5", "line 6", "line 7", "line 9", "line 9", "line 11",
    ]  # fmt: skip
    assert "line 2: pipeline: missing required section 'agent'" in found
    assert "line 5: stage 'a': missing required section 'steps'" in found
    assert "line 9: stage name 'a' is used more than once" in found


@pytest.mark.parametrize("source", ["", "node { sh 'x' }", "pipeline { }\npipeline { }", "echo 'x'"])
def test_what_is_no_declarative_pipeline(source: str) -> None:
    """Scripted pipelines and empty files are told to write `pipeline { }`."""
    assert any("write exactly one 'pipeline { }'" in each for each in problems(source))


def test_syntax_error_has_line_and_column() -> None:
    """Nothing else is said then."""
    assert problems("pipeline {\n  agent any\n") == ["line 1, column 10: this '{' is never closed; write '}'"]


def test_unknown_variables() -> None:
    """`env.X` without a value is the text null, a bare name is an error with the remedy."""
    pipeline = read_jenkinsfile(stepped('sh "${env.X}"\nsh "$X"'))
    first, second = pipeline.stages[0].steps
    assert isinstance(first, Sh)
    assert isinstance(second, Sh)
    assert evaluate(first.script, {}) == "null"
    with pytest.raises(UnknownVariableError, match=r"line 5: No such property: X .*env\.X"):
        evaluate(second.script, {})


def calls(statements: tuple[Statement, ...]) -> list[str]:
    """Names of calls and of assigned variables, in the order of the text."""
    names: list[str] = []
    for each in statements:
        if isinstance(each, Assignment):
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
