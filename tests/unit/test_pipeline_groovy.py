"""The Groovy parser: what it reads, what it calls by name, where it says that an error is."""

from __future__ import annotations

import pytest

from testbed.controller.groovy import parse
from testbed.controller.syntax import Assignment, Call, Expression, Literal, Text, Unknown, Variable
from testbed.controller.tokens import GroovySyntaxError


def argument(source: str) -> Expression:
    """The one argument of the one call in the source."""
    (call,) = parse(source)
    assert isinstance(call, Call)
    (value,) = call.args
    return value


def spelled(value: Expression) -> str:
    """A string's parts, variables in angle brackets."""
    assert isinstance(value, Text)
    return "".join(f"<{'.'.join(p.path)}>" if isinstance(p, Variable) else str(p) for p in value.parts)


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("''", ""),
        ('""', ""),
        ("''''''", ""),
        ("'a // b /* c */'", "a // b /* c */"),
        ("'it\\'s'", "it's"),
        (r"'a\tb\\n\u0041'", "a\tb\\nA"),
        ("'$HOME ${env.X}'", "$HOME ${env.X}"),
        ("'''it's \"so\"\nand on'''", 'it\'s "so"\nand on'),
        ("'''\\\nfirst\\\n second'''", "first second"),
        ('"a $b c"', "a <b> c"),
        ('"${env.X}/${ Y }"', "<env.X>/<Y>"),
        ('"$env.X."', "<env.X>."),
        (r'"\$HOME \${x}"', "$HOME ${x}"),
        ('"""say "hi" $$$X"""'.replace("$$$", "\\$$"), 'say "hi" $<X>'),
        ('"""\n  \'one\' ""two""\n"""', '\n  \'one\' ""two""\n'),
    ],
)
def test_strings(literal: str, value: str) -> None:
    """Every kind of string has the value that Groovy gives it."""
    assert spelled(argument(f"sh {literal}")) == value
    assert spelled(argument(f"sh({literal})")) == value


def test_interpolation_may_hold_quotes() -> None:
    """Quotes inside an interpolation do not end the string."""
    value = argument("""sh "${foo("x}")} b" """)
    assert isinstance(value, Text)
    assert isinstance(value.parts[0], Call)
    assert value.parts[0].name == "foo"
    assert value.parts[1] == " b"


def test_calls() -> None:
    """Calls with and without parentheses, named arguments, closures, comments, separators."""
    source = """#!/usr/bin/env groovy
    /* a */ one 'x' // b
    two(1, a: 'y',
        'b c': true); three { four() }
    five('z') { six seven() }
    eight label: 'l', script: 's'
    nine = 'v'
    """
    one, two, three, five, eight, nine = parse(source)
    assert isinstance(one, Call)
    assert isinstance(two, Call)
    assert (two.name, [name for name, _ in two.named]) == ("two", ["a", "b c"])
    assert isinstance(two.args[0], Literal)
    assert isinstance(three, Call)
    assert three.body is not None
    assert [each.name for each in three.body if isinstance(each, Call)] == ["four"]
    assert isinstance(five, Call)
    assert five.body is not None
    (six,) = five.body
    assert isinstance(six, Call)
    assert isinstance(six.args[0], Call)
    assert six.args[0].name == "seven"
    assert isinstance(eight, Call)
    assert [name for name, _ in eight.named] == ["label", "script"]
    assert isinstance(nine, Assignment)
    assert (one.pos.line, two.pos.line, eight.pos.line, nine.pos.line) == (2, 3, 6, 7)


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("@Library('x') _", "an annotation"),
        ("import a.b.C", "'import'"),
        ("switch (a) { case 1: b(); break }", "'switch'"),
        ("class A { def x }", "'class'"),
        ("List<String> s = ['x']", "a generic type"),
        ("Date s = 'x'", "a variable definition"),
        ("def (a, b) = [1, 2]", "'def'"),
        ("a =~ b", "the operator '=~'"),
        ("a ==~ b ? c : d", "the operator '==~'"),
        ("a as String", "the operator 'as'"),
        ("a*.b()", "the operator '*.'"),
        ("a.b 'c'", "a call of a method without parentheses"),
        ("new Date[1]", "'new Date'"),
        ("x()()", "a call of an expression"),
        ("def f(List<String> a) { }", "a parameter with a default or a generic type"),
    ],
)
def test_other_groovy_is_named_and_skipped(source: str, what: str) -> None:
    """Groovy that is not read is one Unknown, and the statement after it is read as usual."""
    *_, unknown, after = parse(f"{source}\nafter 'x'")
    assert isinstance(unknown, Unknown)
    assert unknown.what == what
    assert isinstance(after, Call)
    assert after.name == "after"


@pytest.mark.parametrize(
    ("source", "line", "column", "words"),
    [
        ("a {\n  b {\n}\n", 1, 3, "this '{' is never closed"),
        ("a { }\n}", 2, 1, "unexpected '}'"),
        ("a 'x\ny", 1, 3, "this string is never closed"),
        ("a '''x\ny", 1, 3, "this string is never closed"),
        ('a "${x\ny', 1, 4, "never closed"),
        ("sh 'sed s/\\./x/'", 1, 11, "'\\.' is no escape in a Groovy string; write '\\\\.'"),
        ('sh "cost: $5"', 1, 11, "a '$' must be followed by a name"),
        ("sh 'a' 'b'", 1, 8, "unexpected a string after the end of a statement"),
        ("sh(/a/)", 1, 4, "slashy strings"),
        ("sh /a/", 1, 4, "slashy strings"),
        ("sh $/a/$", 1, 4, "dollar-slashy"),
        ("a(1, 2", 1, 2, "this '(' is never closed"),
        ("a(1 2)", 1, 5, "expected ')'"),
        ("x = ", 1, 5, "expected a value"),
        ("/* a\n", 1, 1, "this comment is never closed"),
        ("a # b", 1, 3, "unexpected character '#'"),
    ],
)
def test_syntax_errors_have_a_place(source: str, line: int, column: int, words: str) -> None:
    """What is no Groovy is an error at its own line and column."""
    with pytest.raises(GroovySyntaxError) as caught:
        parse(source)
    assert (caught.value.pos.line, caught.value.pos.column) == (line, column), str(caught.value)
    assert words in str(caught.value)
