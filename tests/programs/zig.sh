#!/bin/sh
# Makes sure that zig, the C compiler of the test programs, examples and kernels, is there.
#
# usage: zig.sh DIR. Prints the path of DIR/zig, a wrapper that runs, whichever comes first:
#   $ZIG;  python3 -m ziglang, if it is the pinned version;  the pinned version, installed into DIR/venv.
set -eu

version=0.15.2
python=${PYTHON:-python3}
mkdir -p "$1"
dir=$(cd "$1" && pwd)

if [ -n "${ZIG:-}" ]; then
    command=$(command -v "$ZIG") || { echo "zig.sh: \$ZIG is '$ZIG', which cannot be run" >&2; exit 1; }
elif [ "$("$python" -m ziglang version 2>/dev/null)" = "$version" ]; then
    command="$(command -v "$python") -m ziglang"
else
    if [ "$("$dir/venv/bin/python" -m ziglang version 2>/dev/null)" != "$version" ]; then
        "$python" -m venv "$dir/venv" >&2
        "$dir/venv/bin/python" -m pip install --quiet --disable-pip-version-check "ziglang==$version" >&2
    fi
    command="$dir/venv/bin/python -m ziglang"
fi

# The cache lies beside the rest, so that one folder can be kept between CI runs or deleted.
cat > "$dir/zig.new" <<EOF
#!/bin/sh
export ZIG_GLOBAL_CACHE_DIR="\${ZIG_GLOBAL_CACHE_DIR:-$dir/zig-cache}"
export ZIG_LOCAL_CACHE_DIR="\${ZIG_LOCAL_CACHE_DIR:-\$ZIG_GLOBAL_CACHE_DIR}"
exec $command "\$@"
EOF
chmod +x "$dir/zig.new"
# Left alone if it says the same already: make looks at its time.
if cmp -s "$dir/zig.new" "$dir/zig"; then rm "$dir/zig.new"; else mv "$dir/zig.new" "$dir/zig"; fi
echo "$dir/zig"
