module buildkeep.dev/testbed/openshift

go 1.26.0

require github.com/openshift/api v0.0.0-20260618181827-d22a47a846dc
