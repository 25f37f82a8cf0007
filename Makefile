# SPDX-License-Identifier: Apache-2.0
#
# Everything here only calls go or hack/. The two that a newcomer needs: make quickstart, make test.

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
version_package = github.com/virt-apiserver/virt-apiserver/pkg/version
ldflags = -s -w -X $(version_package).gitVersion=v0.1.0+$(VERSION) -X $(version_package).gitCommit=$(shell git rev-parse HEAD 2>/dev/null || echo unknown)

.PHONY: help
help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the programs into bin/
	@hack/install-deps.sh build
	$(GO) build -ldflags '$(ldflags)' -o bin/ ./cmd/virt-apiserver ./cmd/virt-importer ./cmd/kubectl-virt
	$(GO) build -tags libvirt_dlopen -ldflags '$(ldflags)' -o bin/ ./cmd/virt-launcher

.PHONY: quickstart
quickstart: ## install what is missing, build, start the server and run a VM from an image over HTTP
	hack/quickstart.sh up

.PHONY: quickstart-down
quickstart-down: ## remove all that quickstart made
	hack/quickstart.sh down

.PHONY: test
test: ## verify, then run every test, with all they need installed
	hack/test.sh all

.PHONY: test-unit
test-unit: ## run the tests that need no guest and no cluster
	hack/test.sh unit

.PHONY: generate
generate: ## generate deepcopy functions, OpenAPI definitions and clients
	hack/generate.sh

.PHONY: compatibility
compatibility: ## write what works of KubeVirt: docs/reference/compatibility.md
	cd test/compat && $(GO) mod tidy && $(GO) test ./coverage -count=1 -run TestHeldPathsAreTheCommittedOnes -update && $(GO) test . -count=1 -update

.PHONY: verify
verify: ## check that generated code is current, and formatting, licences and scripts
	hack/verify.sh

.PHONY: lint
lint: ## run the static checks
	hack/lint.sh

.PHONY: bench
bench: ## measure P1 to P5, each against its baseline in alternation
	hack/bench.sh

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
