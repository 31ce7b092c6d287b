#!/usr/bin/env bash
# Holds a built site against checkers that know nothing of how it was made: valid HTML, links and
# anchors, accessibility. Everything runs on this machine; the site lies under a sub-path, as it does
# on GitHub Pages, so a link that only works at a server's root is found.
#
# Usage: tests/site-checks/check.sh SITE    (`make browser-checks` installs the checkers first)
# CHROME and CHROMEDRIVER name a browser and its driver where they are not found by themselves.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=$here/node_modules

die() {
  echo "$*" >&2
  exit 2
}

first_of() {
  local name
  for name in "$@"; do
    if command -v "$name"; then return; fi
  done
  die "None of these programs is installed: $*"
}

[ $# -eq 1 ] || die "Usage: $0 SITE"
[ -f "$1/index.html" ] || die "$1 has no index.html. Build the site first: make site"
[ -d "$tools" ] || die "The checkers are not installed. Run: make browser-checks"
site=$(cd "$1" && pwd)
java=$(first_of java)
python=$(first_of python3 python)
chrome=${CHROME:-$(first_of chromium chromium-browser google-chrome)}
driver=${CHROMEDRIVER:-$(first_of chromedriver)}

scratch=$(mktemp -d)
server=
cleanup() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Port 0 is whichever is free; the server says which it got.
mkdir "$scratch/root" "$scratch/profile"
ln -s "$site" "$scratch/root/report"
"$python" -u -m http.server 0 --bind 127.0.0.1 --directory "$scratch/root" \
  >"$scratch/server" 2>"$scratch/requests" &
server=$!
port=
for _ in $(seq 100); do
  port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$scratch/server")
  if [ -n "$port" ]; then break; fi
  sleep 0.1
done
[ -n "$port" ] || die "The web server did not start: $(cat "$scratch/requests")"
origin=http://127.0.0.1:$port

pages=()
while IFS= read -r -d '' page; do
  pages+=("$page")
done < <(find "$site" -name '*.html' -print0 | sort -z)
addresses=()
for page in "${pages[@]}"; do
  addresses+=("$origin/report/${page#"$site"/}")
done

failed=()
check() {
  local name=$1
  shift
  echo "== $name"
  if "$@" 2>&1; then echo "ok"; else failed+=("$name"); fi
}

# It takes no file for the policy's 'self'; a browser does (tests/site/test_script.py).
check "HTML is valid (vnu)" \
  "$java" -Xmx512m -jar "$tools/vnu-jar/build/dist/vnu.jar" --Werror --skip-non-html --stdout \
  --filterpattern '.*violates Content Security Policy.*blocked by .(script|style)-src. directive.*' "$site"
check "HTML keeps the standard (html-validate)" \
  "$tools/.bin/html-validate" --preset standard "${pages[@]}"
check "HTML is accessible (html-validate)" \
  "$tools/.bin/html-validate" --preset a11y --max-warnings 0 "${pages[@]}"
check "links and anchors lead somewhere (linkinator)" \
  "$tools/.bin/linkinator" "$origin/report/" --recurse --check-fragments --check-css \
  --skip "^(?!http://127\\.0\\.0\\.1:$port/)" --verbosity error
check "pages are accessible in a browser (axe)" \
  "$tools/.bin/axe" "${addresses[@]}" --exit --axe-source "$tools/axe-core/axe.min.js" \
  --chromedriver-path "$driver" --chrome-path "$chrome" \
  --chrome-options="no-sandbox,disable-gpu,disable-background-networking,user-data-dir=$scratch/profile"

if [ ${#failed[@]} -gt 0 ]; then
  echo "Failed on ${#pages[@]} pages:" >&2
  printf '  %s\n' "${failed[@]}" >&2
  exit 1
fi
echo "All checks passed on ${#pages[@]} pages."
