# Every target sets up what it needs by itself: a Python environment from the lock file and, where a cluster is
# needed, that cluster. `make help` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help up demo test check lint unit chart api cluster bench generate down

run = @venv=$$(tools/venv) && exec "$$venv/bin/python" -m

help:      ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

demo:      ## a cluster, site.yml on it, an image built without privileges, attacks refused
	$(run) testbed.demo

up:        ## the cluster alone, with an image of every builder
	$(run) testbed up

test:      ## every layer: lint, unit, chart, api, cluster
	$(run) tools.layers test

check:     ## lint, unit and chart: under a minute
	$(run) tools.layers check

lint unit chart api cluster: ## one layer
	$(run) tools.layers $@

bench:     ## what site.yml costs beside kubectl, policies a pod, and each builder beside Docker-in-Docker
	$(run) bench

generate:  ## the generated pages: role READMEs, the chart's table, docs/reference
	$(run) tools.generate

down:      ## remove the demo cluster; only the cache stays
	$(run) testbed down
