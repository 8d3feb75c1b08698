module buildkeep.dev/testbed/hello

go 1.26.0
