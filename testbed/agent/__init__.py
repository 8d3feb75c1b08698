"""A stand-in for the Jenkins inbound agent: dials the controller, unpacks the workspace, runs the steps of `jnlp`."""
