#!/usr/bin/env bash
# Coverage-guided fuzzing of the scenario language (libFuzzer): `make fuzz`.
#
#   SECONDS_OF_FUZZING   how long (default: 20)
#
# What it finds is left in .build-fuzz/; a text that showed a fault belongs in Tests/Fuzz/corpus/, which every run begins
# with and the tests read too.
set -euo pipefail
cd "$(dirname "$0")/../.."

duration=${SECONDS_OF_FUZZING:-20}
swiftc=${SWIFTC:-swiftc}
out=$PWD/.build-fuzz
mkdir -p "$out/corpus"

flags=(-O -wmo -swift-version 6 -package-name harness -parse-as-library -enable-upcoming-feature ExistentialAny
    -enable-upcoming-feature MemberImportVisibility -I "$out")
compile() { # a module of the house, with coverage
    local sources
    mapfile -t sources < <(find "Sources/Harness/$1" -name '*.swift')
    if [ "$out/$1.o" -nt Tests/Fuzz/run.sh ] && [ -z "$(find "${sources[@]}" -newer "$out/$1.o")" ]; then return; fi
    rm -f "$out/fuzz"
    "$swiftc" "${flags[@]}" -sanitize=fuzzer -emit-module -emit-module-path "$out/$1.swiftmodule" -module-name "$1" \
        -emit-object -o "$out/$1.o" "${sources[@]}"
}

if ! "$swiftc" -sanitize=fuzzer -parse-as-library -emit-object -o "$out/probe.o" - <<< 'func probe() {}' 2> /dev/null; then
    echo "this toolchain has no fuzzer: left out (the seeded mutator of the tests has run)"
    exit 0
fi
for module in Vocabulary Model Language; do compile $module; done
if [ ! "$out/fuzz" -nt Tests/Fuzz/FuzzScenarios.swift ]; then
    "$swiftc" "${flags[@]}" -sanitize=fuzzer -module-name Fuzz Tests/Fuzz/FuzzScenarios.swift \
        "$out"/{Vocabulary,Model,Language}.o -o "$out/fuzz"
fi

# The words of the language, for the mutations.
grep -oE '[a-z][a-z-]+' editors/harness.tmLanguage.json 2> /dev/null | sort -u | sed 's/.*/"&"/' > "$out/words" || true
mapfile -t seeds < <(find scenarios Tests/Fuzz/corpus -name '*.scenario')
mkdir -p "$out/seeds"
for seed in "${seeds[@]}"; do cp "$seed" "$out/seeds/$(echo "$seed" | tr / -)"; done

echo "fuzzing the scenario language for $duration s"
# The fuzzer is to see a crash, not the backtracer of Swift, which would end the process before it has kept the text.
export SWIFT_BACKTRACE=enable=no
if ! "$out/fuzz" "$out/corpus" "$out/seeds" -dict="$out/words" -max_total_time="$duration" -max_len=4096 -timeout=5 \
    -rss_limit_mb=1024 -artifact_prefix="$out/" -print_final_stats=1 -verbosity=0 > "$out/log" 2>&1; then
    grep -aE "Fatal error|SUMMARY|Test unit written" "$out/log"
    exit 1
fi
grep -E 'stat::(number_of_executed_units|peak_rss_mb|slowest_unit_time_sec)' "$out/log"
