module buildkeep.dev/testbed/kyverno

go 1.26.0

require github.com/kyverno/kyverno v1.13.6
