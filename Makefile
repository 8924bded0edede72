# Yagura. `make help` lists what there is.
GO      ?= go
BIN     := bin/yagura
SECONDS ?= 60
export GOFLAGS ?= -buildvcs=false

.PHONY: help build ui ui-test e2e demo test lint bench prove golden clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

# The version is the tag or commit that git names; without git it is "(devel)".
VCS := $(shell git rev-parse --git-dir >/dev/null 2>&1 && echo auto || echo false)
# Hunting needs cgo, and with it a C++ compiler to link with. The binary is static
# on Linux either way; the linker warns of dlopen and getaddrinfo in the engine's
# library, which nothing calls: extensions and network access are off. Without a
# compiler everything is built but hunting.
CXX_FOUND := $(shell command -v g++ || command -v clang++)
ifeq ($(shell $(GO) env GOOS),linux)
STATIC := -tags netgo,osusergo -ldflags "-linkmode external -extldflags '-static'"
endif
build: ## build bin/yagura, static; with the hunting engine where there is a C++ compiler
ifneq ($(CXX_FOUND),)
	CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=$(VCS) $(STATIC) -o $(BIN) ./cmd/yagura
else
	@echo "no C++ compiler: bin/yagura will not hunt (apt-get install g++, then make build)" >&2
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=$(VCS) -o $(BIN) ./cmd/yagura
endif

# The console is built by Node 20.19 or newer, from npm's own package of it where the machine's
# is older. What comes out is committed: a build of the binary needs no Node.
NODE_OK := $(shell node -e 'const [a,b]=process.versions.node.split(".");process.stdout.write(a>20||a==20&&b>=19?"yes":"")' 2>/dev/null)
ifeq ($(NODE_OK),)
NODE_PATH_FIRST := PATH="$(CURDIR)/.node/node_modules/node/bin:$$PATH"
endif
.PHONY: node
node:
	@command -v npm >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends npm; }
	@[ -n "$(NODE_OK)" ] || [ -x .node/node_modules/node/bin/node ] || npm install --no-save --no-audit --no-fund --prefix .node node@20

ui: node ## build the console into web/dist
	cd web && $(NODE_PATH_FIRST) npm ci --no-audit --no-fund && $(NODE_PATH_FIRST) npm run build

ui-test: ui ## check the console: types, lint, unit tests, and that web/dist is what is built
	cd web && $(NODE_PATH_FIRST) npm run check && $(NODE_PATH_FIRST) npm test
	@[ -z "$$(git status --porcelain -- web/dist)" ] || { echo "web/dist is not what the sources make: commit what make ui built" >&2; git status --short -- web/dist; exit 1; }

e2e: build node ## drive the console of bin/yagura in Chromium; screens go to web/e2e/screens
	@command -v chromium >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends chromium fonts-noto-cjk fonts-inter; }
	cd web && { [ -d node_modules ] || $(NODE_PATH_FIRST) npm ci --no-audit --no-fund; } && $(NODE_PATH_FIRST) npm run e2e

demo: build ## open a console full of a week of an invented company
	$(BIN) demo

test: build ## format, vet and every test with the race detector; installs a C++ compiler, PostgreSQL, git, Node and the identity providers of the tests where missing
	@command -v gcc >/dev/null && command -v g++ >/dev/null || { apt-get update -q && apt-get install -qy gcc g++ libc6-dev; }
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { apt-get update -q && apt-get install -qy --no-install-recommends postgresql; }
	@command -v git >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends git; }
	@command -v npm >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends nodejs npm; }
	@cd auth/idptest && { cmp -s package-lock.json node_modules/.installed || { npm ci --no-audit --no-fund && cp package-lock.json node_modules/.installed; }; }
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
	rm -rf bin
