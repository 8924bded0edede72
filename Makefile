# Yagura. `make help` lists what there is.
GO      ?= go
BIN     := bin/yagura
SECONDS ?= 60
export GOFLAGS ?= -buildvcs=false

.PHONY: help build node ui ui-test e2e screens demo test lint bench prove golden clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

# The version is the tag or commit that git names; without git it is "(devel)".
VCS := $(shell git rev-parse --git-dir >/dev/null 2>&1 && echo auto || echo false)
# Hunting needs cgo, and with it a C++ compiler to link with. The binary is static
# on Linux either way; the linker warns of dlopen and getaddrinfo in the engine's
# library, which nothing calls: extensions and network access are off. These warnings are
# left out of what the build says. Without a compiler everything is built but hunting.
CXX_FOUND := $(shell command -v g++ || command -v clang++)
ifeq ($(shell $(GO) env GOOS),linux)
STATIC := -tags netgo,osusergo -ldflags "-linkmode external -extldflags '-static'"
endif
build: ## build bin/yagura, static; with the hunting engine where there is a C++ compiler
ifneq ($(CXX_FOUND),)
	@echo "building $(BIN): minutes the first time, seconds afterwards" >&2
	@mkdir -p $(dir $(BIN)) && rm -f $(BIN).failed
	@{ CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=$(VCS) $(STATIC) -o $(BIN) ./cmd/yagura 2>&1 || touch $(BIN).failed; } | \
		sed -E "/^\/.*: in function \`.*':\$$/d; /: warning: Using '[a-z_0-9]+' in statically linked applications/d; /^# github.com\/yagura-sec\/yagura\/cmd\/yagura\$$/d" >&2
	@[ ! -e $(BIN).failed ] || { rm -f $(BIN).failed; exit 1; }
else
	@echo "no C++ compiler: bin/yagura will not hunt (apt-get install g++, then make build)" >&2
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=$(VCS) -o $(BIN) ./cmd/yagura
endif

# The console is built by Node 20.19 or newer. Where it is older or missing, as in Debian 12,
# npm's own package of it comes into .node/, and nothing else of the machine changes. web/dist
# is committed: a build of the binary needs no Node.
export PATH := $(CURDIR)/.node/node_modules/node/bin:$(PATH)
NODE_OK := node -e 'const [a,b]=process.versions.node.split(".");process.exit(a>20||a==20&&b>=19?0:1)'
node:
	@command -v npm >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends ca-certificates nodejs npm; }
	@$(NODE_OK) 2>/dev/null || npm install --prefix .node --no-save --no-audit --no-fund node@20.20.2
	@$(NODE_OK) || { echo "the console needs Node 20.19 or newer" >&2; exit 1; }

# npm ci runs when the lock file changed since it ran last.
PACKAGES = { cmp -s package-lock.json node_modules/.installed || { npm ci --no-audit --no-fund && cp package-lock.json node_modules/.installed; }; }

ui: node ## build the console into web/dist
	cd web && $(PACKAGES) && npm run build

ui-test: ui ## check the console: types, lint, unit tests, and that web/dist is what is built
	cd web && npm run check && npm test
	@[ -z "$$(git status --porcelain -- web/dist)" ] || { echo "web/dist is not what the sources make: commit what make ui built" >&2; git status --short -- web/dist; exit 1; }

e2e: build node ## drive the console of bin/yagura in Chromium; screens go to web/e2e/screens
	@command -v chromium >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends chromium fonts-noto-cjk fonts-inter; }
	cd web && $(PACKAGES) && npm run e2e

screens: build node ## take the screens of the README anew, from the demo
	@command -v chromium >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends chromium fonts-noto-cjk fonts-inter; }
	cd web && $(PACKAGES) && npm run e2e -- --screens

demo: build ## open a console full of a week of an invented company
	$(BIN) demo

test: build node ## format, vet, every test with the race detector, and the console in Chromium; installs what is missing through apt and npm
	@command -v gcc >/dev/null && command -v g++ >/dev/null || { apt-get update -q && apt-get install -qy gcc g++ libc6-dev; }
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { apt-get update -q && apt-get install -qy --no-install-recommends postgresql; }
	@command -v git >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends git; }
	@cd auth/idptest && $(PACKAGES)
	@out=$$(gofmt -l .); [ -z "$$out" ] || { echo "gofmt would change:"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	YAGURA_TEST_REQUIRE_POSTGRES=1 YAGURA_TEST_REQUIRE_IDP=1 $(GO) test -race -timeout 30m ./...
	CGO_ENABLED=0 $(GO) test -run '^(TestArch|TestDirection|TestScript)' . ./cmd/...
	$(MAKE) ui-test e2e

lint: ## run golangci-lint and govulncheck (both are fetched as Go modules)
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run ./...
	$(GO) run golang.org/x/vuln/cmd/govulncheck@latest ./...

bench: ## measure speed against named floors in one run
	$(GO) test -run '^$$' -bench . -benchmem -cpu 1 ./slot ./decode ./detect ./repeat ./cmd/yagura ./app

prove: ## what takes long: fuzz every parser for SECONDS each, bombs, big property runs
	./prove.sh $(SECONDS)

golden: ## rewrite the golden files from what the code does now; read the diff
	$(GO) test ./decode ./report -record

clean: ## remove what was built
	rm -rf bin .node web/node_modules auth/idptest/node_modules
