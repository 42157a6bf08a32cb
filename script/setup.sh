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
  "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$ROOT/script/requirements/uv.txt"
  "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --no-deps --require-hashes \
    -r "$ROOT/script/requirements/checkout.txt"
  "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --no-deps -e "$ROOT"
  printf '%s' "$wanted" >"$stamp"
}

ensure_webui() { "$VENV/bin/python" "$ROOT/script/build_webui.py"; }

# vLLM in its own environment, and the model files. `appliance setup` knows what this machine needs.
ensure_engines() { env -u APPLIANCE_SHARED "$VENV/bin/appliance" setup; }  # the tests' own variable, no setting
