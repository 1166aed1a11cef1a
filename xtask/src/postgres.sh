# A PostgreSQL of its own, in a temporary folder, for as long as standard input stays open.
#
# The test command holds the other end of standard input. When it ends, for whatever reason, the input ends with it,
# and so do the server and its folder. Arguments: the folder of PostgreSQL's programs, the port.
set -eu
cd /
programs=$1
port=$2
folder=$(mktemp -d "${TMPDIR:-/tmp}/rohrpost-postgres.XXXXXX")
server=

finish() {
    if [ -n "$server" ]; then
        kill -INT "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

if ! "$programs/initdb" --pgdata="$folder/data" --username=rohrpost --auth=trust --encoding=UTF8 --locale=C \
    >"$folder/log" 2>&1; then
    cat "$folder/log" >&2
    exit 1
fi

# Tests end servers of ours by force, never this one, so nothing here has to survive a loss of power. Making a database for
# each test waits for the disk otherwise.
"$programs/postgres" -D "$folder/data" -p "$port" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories="$folder" -c max_connections=300 \
    -c fsync=off -c full_page_writes=off >>"$folder/log" 2>&1 </dev/null &
server=$!

until "$programs/pg_isready" -q -h 127.0.0.1 -p "$port"; do
    if ! kill -0 "$server" 2>/dev/null; then
        cat "$folder/log" >&2
        exit 1
    fi
    sleep 0.1
done
echo ready
cat >/dev/null
