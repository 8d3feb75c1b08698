"""A stand-in for the Jenkins controller: runs declarative Jenkinsfiles as the Kubernetes plugin would."""
