#!/usr/bin/env bash
# The benchmarks: `make bench`. Everything is measured in turns in one run, so that a machine that is slow today is slow
# for all; what counts are the ratios.
#
#   CYCLES   cycles of each contender in all, at least 200 (default: 240)
set -euo pipefail
cd "$(dirname "$0")/../.."

cycles=${CYCLES:-240}
rounds=6
turn=$(((cycles + rounds - 1) / rounds))
harness=$PWD/bin/harness fakes=$PWD/bin/fake-services
work=$(mktemp -d /tmp/bench-XXXXXX)
trap "rm -rf $work" EXIT

cc -O2 -Wall -Wextra -o "$work/cycle" Tests/Benchmarks/cycle.c

# The same reference init and the same service everywhere.
command=(/.harness/fake-services init --service app --after "" -- /.harness/fake-services service app)

# An OCI bundle: the fakes and nothing else.
bundle=$work/bundle
mkdir -p "$bundle"/rootfs/{proc,dev,sys,.harness} "$bundle/control"
cp "$fakes" "$bundle/rootfs/fake-services"
cat > "$bundle/config.json" <<JSON
{"ociVersion": "1.0.2",
 "process": {"terminal": false, "user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/"],
   "args": ["/fake-services", "init", "--service", "app", "--after", "", "--", "/fake-services", "service", "app"],
   "capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"]}},
 "root": {"path": "rootfs", "readonly": false}, "hostname": "cycle",
 "mounts": [
   {"destination": "/proc", "type": "proc", "source": "proc"},
   {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
   {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
   {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
   {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
   {"destination": "/.harness", "type": "bind", "source": "$bundle/control", "options": ["bind"]}],
 "linux": {"namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}]}}
JSON

# One turn of a contender: a time in nanoseconds per line.
scenario() { "$harness" run "Tests/Benchmarks/$1.scenario" --jobs 1 --repeat "$turn" --format json "${@:2}" > "$work/report.json"
             grep -o '"duration_ms" : [0-9.]*' "$work/report.json" | head -n "$turn" | awk '{ printf "%d\n", $3 * 1e6 }'; }

contender_bare()        { "$work/cycle" bare "$turn" "${command[@]}" --program "$fakes"; }
contender_harness()     { scenario cycle; }
contender_unwitnessed() { scenario cycle-unwitnessed --no-trace; }
# crun 1.8 refuses a host that has both versions of cgroups: it is shown only the second.
contender_crun()        { unshare --mount sh -c 'mount -t cgroup2 cgroup /sys/fs/cgroup && exec "$@"' sh "$work/cycle" crun "$turn" "$bundle"; }
contender_runc()        { "$work/cycle" runc "$turn" "$bundle"; }

contender_docker()      { "$work/cycle" docker "$turn" "$bundle"; }

contenders=(bare harness unwitnessed)
for runtime in crun runc; do
    if ! command -v $runtime > /dev/null; then echo "$runtime is not installed: left out"
    elif ! (cd "$bundle" && turn=1; "contender_$runtime") > /dev/null 2> "$work/error"; then
        echo "$runtime does not run here: $(tail -n 1 "$work/error")"
    else contenders+=($runtime); fi
done
if ! docker version --format '{{.Server.Version}}' > /dev/null 2>&1; then echo "no docker engine runs here: left out"
else
    tar -C "$bundle/rootfs" -c . | docker import - harness-cycle > /dev/null
    trap "rm -rf $work; docker rmi harness-cycle > /dev/null" EXIT
    contenders+=(docker)
fi

for ((round = 0; round < rounds; round++)); do
    for name in "${contenders[@]}"; do "contender_$name" >> "$work/$name.times"; done
done

quantile() { sort -n "$work/$1.times" | awk -v q="$2" '{ a[NR] = $1 } END { i = int((NR - 1) * q) + 1; printf "%.3f", a[i] / 1e6 }'; }
count() { wc -l < "$work/$1.times"; }

echo
echo "start init and child, see it ready, SIGTERM, see it gone, verdict"
printf '%-34s %7s %9s %9s %9s %7s\n' "" cycles "p10 ms" "median" "p90" ratio
declare -A label=([bare]="the same system calls in C" [harness]="harness, witness on"
                  [unwitnessed]="harness, without a trace" [crun]="crun run + kill" [runc]="runc run + kill"
                  [docker]="docker run + kill")
reference=$(quantile bare 0.5)
for name in "${contenders[@]}"; do
    median=$(quantile "$name" 0.5)
    printf '%-34s %7d %9s %9s %9s %6.2fx\n' "${label[$name]}" "$(count "$name")" "$(quantile "$name" 0.1)" "$median" \
        "$(quantile "$name" 0.9)" "$(awk "BEGIN { print $median / $reference }")"
done
echo "the witness costs $(awk "BEGIN { printf \"%+.3f\", $(quantile harness 0.5) - $(quantile unwitnessed 0.5) }") ms a cycle"

echo
echo "start-up"
"$work/cycle" start 200 "$harness" --help > "$work/help.times"
"$work/cycle" start 200 "$fakes" service app exits-after=0:0s > "$work/fake.times"
"$work/cycle" start 200 /bin/true > "$work/true.times"
printf '%-34s %7s %9s %9s %9s\n' "" starts "p10 ms" "median" "p90"
declare -A what=([help]="harness --help" [fake]="fake-services service, to its end" [true]="/bin/true")
for name in help fake true; do
    printf '%-34s %7d %9s %9s %9s\n' "${what[$name]}" "$(count $name)" "$(quantile $name 0.1)" "$(quantile $name 0.5)" "$(quantile $name 0.9)"
done

# Many at once: 500 containers that are all up before the first of them is stopped.
echo
"$harness" run Tests/Benchmarks/crowd.scenario --init reference --jobs 500 --repeat 500 --format json --output "$work/crowd.json" &
crowd=$!
most=0 descriptors=0 memory=0
while kill -0 $crowd 2> /dev/null; do
    running=$(pgrep -f -c '^/.harness/fake-services service app' || true)
    if ((running > most)); then
        most=$running descriptors=$(ls /proc/$crowd/fd 2> /dev/null | wc -l) memory=$(awk '/VmRSS/ { print $2 }' /proc/$crowd/status 2> /dev/null || echo 0)
    fi
    sleep 0.2
done
wait $crowd || true
crowd_passed=$(grep -c '"verdict" : "passed"' "$work/crowd.json")
echo "500 containers at once: $crowd_passed passed; with $most of them up the harness has $descriptors files open and ${memory:-0} KiB," \
    "$(awk "BEGIN { printf \"%.1f and %.0f KiB\", $descriptors / ($most + 0.001), ${memory:-0} / ($most + 0.001) }") for each"

# The suite, of an init that costs next to nothing itself.
if command -v tini > /dev/null; then
    TIMEFORMAT='%R %U %S'
    { time "$harness" run --init tini --format json --output "$work/suite.json" 2> /dev/null || true; } 2> "$work/suite.times"
    verdicts=$(grep -c '"verdict" : "\(passed\|failed\)"' "$work/suite.json")
    awk -v verdicts="$verdicts" '{ printf "the suite of one init: %d verdicts in %.1f s, %.0f for each second of a processor\n", verdicts, $1, verdicts / ($2 + $3) }' "$work/suite.times"
fi

# The scenario language: whole files, read and checked, beside the counting of their words.
scenarios() { # so many, of twenty lines each
    awk -v count="$1" 'BEGIN { for (i = 0; i < count; i++) print "# Scenario " i " of many: its services stop in reverse order.\n" \
        "scenario \"services stop in reverse order " i "\"\n  tags order, stop\n  requires supervision, ordering\n" \
        "  stop signal SIGTERM grace 10s\n  service db\n    ready after 50ms\n    stop takes 200ms\n" \
        "  service api after db\n    stop takes 100ms\n\n  start\n  expect db, api ready within 5s\n  stop\n" \
        "  expect api stopped before db\n  expect api, db received SIGTERM once\n  expect nobody killed\n" \
        "  expect exit 0 within 2s\n  expect no zombies\n" }'
}
for count in 1 10000 20000; do scenarios $count > "$work/$count.scenario"; done
memory() { awk '{ print $2 }' "$work/$1.times" | tail -n 1; }
for ((round = 0; round < 5; round++)); do
    for count in 1 10000 20000; do "$work/cycle" start 2 "$harness" lint "$work/$count.scenario" | grep -v complain >> "$work/lint-$count.times"; done
    "$work/cycle" start 2 wc -w "$work/10000.scenario" | grep -v scenario >> "$work/words.times"
done
lines=$(wc -l < "$work/10000.scenario")
rate=$(awk "BEGIN { printf \"%.2f\", $lines / ($(quantile lint-10000 0.5) - $(quantile lint-1 0.5)) / 1e3 }")
growth=$(awk "BEGIN { printf \"%.2f\", ($(memory lint-20000) - $(memory lint-10000)) / ($(memory lint-10000) - $(memory lint-1)) }")
echo
echo "harness lint, 10000 scenarios in $lines lines: $(quantile lint-10000 0.5) ms, $rate million lines a second" \
    "($(awk "BEGIN { printf \"%.1f\", $(quantile lint-10000 0.5) / $(quantile words 0.5) }") x wc -w)," \
    "$(memory lint-10000) KiB; the second 10000 take $growth of the memory of the first"

# What must hold (docs/DESIGN.md, section 5).
fail=0
check() { if awk "BEGIN { exit !($2) }"; then echo "holds: $1"; else echo "BROKEN: $1"; fail=1; fi; }
echo
check "at most twice the bare system calls" "$(quantile harness 0.5) <= 2 * $reference"
if [[ " ${contenders[*]} " == *" crun "* ]]; then check "faster than crun" "$(quantile harness 0.5) < $(quantile crun 0.5)"; fi
check "500 containers at once pass" "$crowd_passed == 500 && $most >= 450"
check "harness --help in under 10 ms" "$(quantile help 0.5) < 10"
check "a fake service starts in under 2 ms" "$(quantile fake 0.5) < 2"
check "a million lines of scenarios a second" "$rate >= 1"
check "memory grows as the file does" "$growth <= 1.2"
exit $fail
