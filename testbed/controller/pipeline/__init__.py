"""How a Jenkinsfile runs: its steps as a table, the interpreter of its Groovy, and what both know of the build."""
