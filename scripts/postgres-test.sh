#!/bin/sh
# A throw-away PostgreSQL cluster for the tests of nines-store.
#
#   scripts/postgres-test.sh start DIR    makes and starts one, prints its URL (again, if it runs)
#   scripts/postgres-test.sh stop DIR     stops it and removes it
#
# DIR keeps nothing but the note of where the cluster is. The cluster itself lies in a new folder
# under ${TMPDIR:-/tmp}, so that its socket's path is short and an ordinary user can reach it:
# PostgreSQL refuses to run as root, so that root borrows the user `postgres` or `nobody`. It
# listens on that socket alone and never syncs to disk. Nothing is installed: on Debian,
# `apt-get install -y postgresql` brings the server.
set -eu

fail() {
    echo "postgres-test.sh: $*" >&2
    exit 1
}

[ $# -eq 2 ] || fail "usage: scripts/postgres-test.sh start|stop DIR"
action=$1
dir=$2

server_folder() {
    # The newest of Debian's servers, or whatever is on the path.
    for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -Vr); do
        if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then
            echo "$folder"
            return
        fi
    done
    if command -v initdb >/dev/null 2>&1; then
        dirname "$(command -v initdb)"
        return
    fi
    fail "no PostgreSQL server found; on Debian: apt-get install -y postgresql"
}

# Runs a command as the user that owns the cluster.
as_owner() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    elif command -v setpriv >/dev/null 2>&1; then
        setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups "$@"
    else
        runuser -u "$owner" -- "$@"
    fi
}

pick_owner() {
    if [ "$(id -u)" -ne 0 ]; then
        owner=$(id -un)
    elif id postgres >/dev/null 2>&1; then
        owner=postgres
    elif id nobody >/dev/null 2>&1; then
        owner=nobody
    else
        fail "PostgreSQL does not run as root, and there is neither a user postgres nor nobody"
    fi
}

start() {
    bin=$(server_folder)
    pick_owner
    mkdir -p "$dir"
    if [ -f "$dir/cluster" ]; then
        cluster=$(cat "$dir/cluster")
        if as_owner "$bin/pg_ctl" -D "$cluster/data" status >/dev/null 2>&1; then
            cat "$dir/url"
            return
        fi
        stop
        mkdir -p "$dir"
    fi
    cluster=$(mktemp -d "${TMPDIR:-/tmp}/nines-pg.XXXXXX")
    echo "$cluster" >"$dir/cluster"
    [ "$(id -u)" -ne 0 ] || chown "$owner" "$cluster"
    (
        # A folder that the owner can stand in.
        cd "$cluster"
        as_owner "$bin/initdb" -D "$cluster/data" -U nines -A trust -E UTF8 --locale=C \
            --no-sync >"$cluster/initdb.log" 2>&1 || {
            cat "$cluster/initdb.log" >&2
            fail "initdb failed"
        }
        # The server must not hold this script's output open, or a caller that reads it waits.
        as_owner "$bin/pg_ctl" -D "$cluster/data" -l "$cluster/data/server.log" -w -t 60 \
            -o "-c listen_addresses='' -c unix_socket_directories='$cluster' -c fsync=off \
-c full_page_writes=off -c synchronous_commit=off -c max_connections=200 -c shared_buffers=64MB" \
            start >"$cluster/start.log" 2>&1 </dev/null || {
            cat "$cluster/start.log" "$cluster/data/server.log" >&2 2>/dev/null || true
            fail "the server did not start"
        }
    )
    as_owner "$bin/createdb" -h "$cluster" -U nines nines
    echo "postgres://nines@localhost/nines?host=$cluster" >"$dir/url"
    cat "$dir/url"
}

stop() {
    [ -f "$dir/cluster" ] || return 0
    bin=$(server_folder)
    pick_owner
    cluster=$(cat "$dir/cluster")
    case $cluster in
    */nines-pg.*) ;;
    *) fail "$dir/cluster names $cluster, which is not a cluster of this script" ;;
    esac
    if [ -d "$cluster" ]; then
        (cd "$cluster" && as_owner "$bin/pg_ctl" -D "$cluster/data" -m immediate -w stop \
            >/dev/null 2>&1) || true
        rm -rf "$cluster"
    fi
    rm -f "$dir/cluster" "$dir/url"
    rmdir "$dir" 2>/dev/null || true
}

case $action in
start) start ;;
stop) stop ;;
*) fail "usage: scripts/postgres-test.sh start|stop DIR" ;;
esac
