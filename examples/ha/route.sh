#!/bin/bash
# Routes one address to every weir that answers. Run it on the router, as root:
#
#   route.sh ADDRESS WEIR...
#
# It asks each WEIR for "alive" on port 1884 five times a second. The kernel chooses a weir by the addresses and
# ports of a connection, and keeps the connections of the others where they are when a weir fails or returns.
set -u
address=$1
shift
weirs=("$@")
group=100          # the number of the group of next hops; those of the weirs are 1, 2 ...
options="type resilient buckets 512 idle_timer 86400"

alive() {
    local line=
    exec 3<>"/dev/tcp/$1/1884" && read -r -t 1 line <&3
    test "$line" = alive
}

# answering prints the numbers of the next hops to use, with slashes between them.
answering() {
    local i used=()
    for i in "${!weirs[@]}"; do
        if (alive "${weirs[i]}") 2>/dev/null; then
            used+=("$((i + 1))")
        fi
    done
    local IFS=/
    echo "${used[*]}"
}

sysctl -qw net.ipv4.fib_multipath_hash_policy=1 || exit 1
for i in "${!weirs[@]}"; do
    ip nexthop replace id "$((i + 1))" via "${weirs[i]}" dev "$(ip -o route get "${weirs[i]}" | sed 's/.* dev \([^ ]*\).*/\1/')" || exit 1
done
before=
while sleep 0.2; do
    now=$(answering)
    if test -z "$now" || test "$now" = "$before"; then
        continue # without any weir the route stays as it is
    fi
    ip nexthop replace id "$group" group "$now" $options && ip route replace "$address/32" nhid "$group" && before=$now
    echo "$address: next hops $now"
done
