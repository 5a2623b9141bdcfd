import Foundation
import Harness
import TestSupport
import Testing

/// Journals and pages on disk, and runs that follow files.
@Suite("Recorded and followed runs", .timeLimit(.minutes(5)))
struct RecordedRunsTests {
    /// A shell with `harness` in its path, in a folder of its own that has `a.scenario` and `b.scenario`.
    private func shell(_ script: String) async throws -> Command.Outcome {
        let folder = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for name in ["a", "b"] {
            let text = CommandLineTests.passing.replacing("\"passes\"", with: "\"\(name) passes\"")
            try Checkout.write(text, to: "\(folder)/\(name).scenario")
        }
        let bin = Checkout.harness.replacingOccurrences(of: "/harness", with: "", options: [.backwards, .anchored])
        let environment = [
            "PATH=\(bin):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)", "XDG_CACHE_HOME=\(folder)/cache",
        ]
        return try await blocking {
            try Command(["timeout", "120", "sh", "-c", "cd \(folder) || exit\n\(script)"], environment: environment)
                .finish()
        }
    }

    /// What was learned is in the file while the run goes on.
    @Test func aKilledHarnessLosesNothingThatItKnew() async throws {
        let end = try await shell(
            """
            sed -i 's/^  stop$/  wait 100s\\n  stop/' a.scenario
            harness run a.scenario --init reference --journal run.jsonl > /dev/null 2>&1 & harness=$!
            until grep -q '"what":"ready"' run.jsonl 2> /dev/null; do :; done
            kill -9 $harness; wait
            grep -c '"kind":"event"' run.jsonl > events; tail -n 1 run.jsonl > last
            [ $(cat events) -gt 5 ] && grep -q '"kind":"event"' last && echo kept
            harness report run.jsonl
            """)
        #expect(end.output.hasPrefix("kept\n"), "\(end.output)\(end.errors)")
        #expect(
            end.output.contains("incomplete: 0 of 1 scenarios were run; cut off in the middle: reference: a passes"),
            "\(end.output)")
        #expect(end.status == .exited(130))
    }

    /// A report that goes where standard output or error goes keeps what is there, and a file is one run's at a time.
    @Test func aFileIsOneRunsAndKeepsWhatIsPrinted() async throws {
        let end = try await shell(
            """
            echo before > out
            harness run a.scenario --init reference --tap /dev/stdout --junit /dev/stderr >> out 2> err; echo "status $?"
            grep -c -e '^before' -e '^TAP version 14' -e '^1 passed' out; grep -c '<testsuites' err
            echo old > run.jsonl
            flock run.jsonl harness run a.scenario --init reference --journal run.jsonl --quiet; echo "status $?"
            cat run.jsonl; echo older and longer than TAP > run.tap
            harness run a.scenario --init reference --tap run.tap --quiet > /dev/null; head -n 1 run.tap
            mkfifo fifo; harness run a.scenario --init reference --tap fifo --quiet; echo "status $?"
            """)
        #expect(
            end.output == "status 0\n3\n1\nstatus 3\nold\nTAP version 14\nstatus 3\n", "\(end.output)\(end.errors)")
        #expect(end.errors.contains("run.jsonl: another run is writing it"))
        #expect(end.errors.contains("fifo: No such device or address"))
    }

    /// A journal, the page made of the run, and the page made of the journal say the same.
    @Test func aPageIsAsGoodAsAJournal() async throws {
        let end = try await shell(
            """
            sed -i 's/exit 0/exit 1/' b.scenario
            harness run a.scenario b.scenario --init reference,none --journal run.jsonl --html run.html --quiet > /dev/null
            harness report run.jsonl --html again.html --json one.json > one
            harness report run.html --json two.json > two
            harness report again.html --json three.json > three
            cmp one two && cmp two three && cmp one.json two.json && cmp two.json three.json && cat one
            """)
        #expect(end.status == .exited(0), "\(end.output)\(end.errors)")
        #expect(end.output.contains("2 passed, 2 failed"))
    }

    @Test func onlyWhatGotWorseFails() async throws {
        let end = try await shell(
            """
            sed -i 's/exit 0/exit 1/' b.scenario
            harness run --init reference a.scenario b.scenario --journal old.jsonl --quiet; echo "status $?"
            harness run --init reference a.scenario b.scenario --against old.jsonl --quiet; echo "status $?"
            sed -i 's/exit 0/exit 1/' a.scenario
            harness run --init reference a.scenario b.scenario --against old.jsonl --journal new.jsonl --quiet; echo "status $?"
            harness report --diff old.jsonl new.jsonl; echo "status $?"
            harness run a.scenario --against none.jsonl; echo "status $?"
            """)
        let statuses = end.output.split(separator: "\n").filter { $0.hasPrefix("status") }
        #expect(statuses == ["status 1", "status 0", "status 1", "status 1", "status 2"], "\(end.output)\(end.errors)")
        #expect(end.output.contains("against old.jsonl: 1 worse, 0 better, 1 still fail"))
        #expect(end.output.contains("passed → failed  reference: a passes"))
        #expect(end.errors.contains("none.jsonl: there is no such file"), "\(end.errors)")
    }

    /// Other expectations of the same steps are put to what was recorded; other steps are not.
    @Test func aRecordedRunIsJudgedByOtherExpectations() async throws {
        let end = try await shell(
            """
            harness run a.scenario --init reference --journal run.jsonl --quiet > /dev/null
            judge() { cp a.scenario other.scenario; sed -i "$1" other.scenario; harness report run.jsonl --expect other.scenario; echo "status $?"; }
            judge 's/exit 0/exit 0/'
            judge 's/exit 0/exit 1/'
            judge 's/expect exit 0/expect app received SIGTERM once/'
            judge 's/expect exit 0/expect app received SIGHUP/'
            judge 's/expect exit 0/expect state running within 30s/'
            judge 's/expect exit 0/expect state exited for 30s/'
            judge 's/  stop/  stop grace 7s/'
            judge 's/service app/service app2/'
            judge 's/a passes/another title/'
            """)
        let statuses = end.output.split(separator: "\n").filter { $0.hasPrefix("status") }.map { $0.dropFirst(7) }
        #expect(statuses == ["0", "1", "0", "1", "3", "3", "2", "2", "2"], "\(end.output)\(end.errors)")
        #expect(end.output.contains("expected  expect exit 1\n    observed  exit 0"))
        #expect(end.output.contains("that were recorded, and it may take 30s"))
        #expect(end.errors.contains("its steps are not those of the recorded run: 'stop grace 7s' in place of 'stop'"))
    }

    /// Parts, by the variables of each CI system, are a whole: no scenario is left out or made twice.
    @Test(arguments: [
        "CI_NODE_INDEX=$((i + 1)) CI_NODE_TOTAL=3", "CIRCLE_NODE_INDEX=$i CIRCLE_NODE_TOTAL=3",
        "BUILDKITE_PARALLEL_JOB=$i BUILDKITE_PARALLEL_JOB_COUNT=3",
        "SEMAPHORE_JOB_INDEX=$((i + 1)) SEMAPHORE_JOB_COUNT=3",
        "SYSTEM_JOBPOSITIONINPHASE=$((i + 1)) SYSTEM_TOTALJOBSINPHASE=3", "JOB_COMPLETION_INDEX=$i",
    ])
    func shardsAreAWhole(variables: String) async throws {
        let count = variables.contains("COMPLETION") ? "auto/3" : "auto"
        let end = try await shell(
            """
            suite="\(Checkout.root)/scenarios/orphans \(Checkout.root)/scenarios/kernel"
            harness run $suite --init reference,none --known \(Checkout.root)/scenarios/inits/none.known --tap whole --quiet > /dev/null
            for i in 0 1 2; do
                \(variables) harness run $suite --init reference,none --shard \(count) --journal part-$i.jsonl --quiet > /dev/null
            done
            harness report part-*.jsonl --known \(Checkout.root)/scenarios/inits/none.known --tap merged --quiet > /dev/null
            for file in whole merged; do
                grep -E '^(not )?ok ' $file | sed 's/ok [0-9]* - /ok /' | sort > $file.txt
            done
            wc -l < whole.txt; cmp whole.txt merged.txt && echo same
            CI_NODE_INDEX=4 CI_NODE_TOTAL=3 harness run $suite --shard auto; echo "status $?"
            """)
        let lines = end.output.split(separator: "\n")
        #expect(lines.contains("same") && lines.last == "status 2", "\(end.output)\(end.errors)")
        #expect(lines.contains { Int($0).map { $0 > 40 } ?? false }, "\(end.output)")
        #expect(end.errors.contains("--shard auto: CI_NODE_INDEX=4 CI_NODE_TOTAL=3 does not name a part"))
    }

    /// What is not there is not green: a part, lines, a title, a common scenario.
    @Test func whatIsMissingIsMissed() async throws {
        let end = try await shell(
            """
            for i in 1 2; do harness run a.scenario b.scenario --init reference --shard $i/2 --journal part-$i.jsonl --quiet > /dev/null; done
            status() { "$@" > out 2> err; echo "$? $(cat out err | grep -E 'incomplete|harness:' | head -n 1)"; }
            status harness report part-1.jsonl part-2.jsonl
            status harness report part-2.jsonl
            status harness report part-1.jsonl part-1.jsonl part-2.jsonl
            harness run a.scenario b.scenario --init reference --journal all.jsonl --quiet > /dev/null
            grep -v '"verdict":"passed"' all.jsonl > cut.jsonl; status harness report cut.jsonl
            cat all.jsonl part-1.jsonl > two.jsonl; status harness report two.jsonl
            status harness report all.jsonl --filter zzz
            harness run a.scenario --init none --journal none.jsonl --quiet > /dev/null
            harness run a.scenario b.scenario --init none,tini --journal other.jsonl --quiet > /dev/null
            status harness report --diff all.jsonl other.jsonl
            status harness report --diff all.jsonl part-1.jsonl
            status harness report --diff all.jsonl part-1.jsonl --html diff.html
            status harness run a.scenario --init tini --against all.jsonl
            status harness run ./a.scenario --init reference --against all.jsonl
            status harness run "$PWD/a.scenario" --init reference --against all.jsonl
            sed 's/"jobs":[0-9]*/"jobs":9223372036854775807/' all.jsonl > big.jsonl; status harness report big.jsonl part-1.jsonl
            mkfifo fifo; status harness run a.scenario --init reference --journal fifo
            status harness run a.scenario --init reference --json x --html x
            """)
        let lines = end.output.split(separator: "\n")
        let wanted = [
            "0", "130 incomplete: part 1 of 2 is missing", "2 harness: part-1.jsonl, part-1.jsonl, part-2.jsonl: ",
            "130 incomplete: 0 of 2 scenarios were run", "2 harness: two.jsonl: line ", "2 harness: --filter",
            "2 harness: --diff: no scenario", "1", "2 harness: --diff goes with",
            "2 harness: --against: all.jsonl has none", "0",
            "0",
            "2 harness: big.jsonl: line 1: its numbers are out of range", "3 harness: fifo:",
            "2 harness: two reports go to x",
        ]
        #expect(lines.count == wanted.count, "\(end.output)\(end.errors)")
        for (line, beginning) in zip(lines, wanted) { #expect(line.hasPrefix(beginning), "\(beginning)") }
    }

    /// A part in which nothing applies is a part; numbers that are none are no crash.
    @Test func partsMayBeSmall() async throws {
        let end = try await shell(
            """
            for i in 1 2 3 4; do harness run a.scenario --init reference --shard $i/4 --journal s$i.jsonl --quiet > /dev/null || echo "part $i: $?"; done
            harness report s*.jsonl --quiet | tail -n 1
            CIRCLE_NODE_INDEX=9223372036854775807 CIRCLE_NODE_TOTAL=4 harness run a.scenario --shard auto; echo $?
            CI_NODE_INDEX=1 CI_NODE_TOTAL=9223372036854775807 harness run a.scenario --shard auto; echo $?
            CI_NODE_INDEX=x JOB_COMPLETION_INDEX=1 harness run a.scenario --shard auto/2; echo $?
            printf 'watch\n' > harness.conf; harness run a.scenario; echo $?
            """)
        #expect(end.output.hasPrefix("1 passed, 0 failed"), "\(end.output)\(end.errors)")
        #expect(end.output.hasSuffix("\n2\n2\n2\n2\n"), "\(end.output)\(end.errors)")
        #expect(end.errors.contains("CI_NODE_INDEX=x"))
        #expect(end.errors.contains("harness.conf:1: 'watch' belongs on the command line"))
    }

    /// A signal is obeyed whenever it comes, also right after something that was no change; folders that are made anew are watched.
    @Test func theWatchSeesFoldersAndSignals() async throws {
        let end = try await shell(
            """
            mkdir sub; cp b.scenario sub/
            harness run a.scenario sub --init reference --watch --quiet > out 2> err & harness=$!
            waits() { until [ "$(grep -c 'waiting for changes' err)" = "$1" ]; do :; done; }
            waits 1; rm -r sub; mkdir sub; cp b.scenario sub/b.scenario; waits 2
            echo >> sub/b.scenario; waits 3
            mkdir sub/new; sed 's/b passes/c passes/' b.scenario > sub/new/c.scenario; waits 4
            touch unrelated; sleep 0.1; kill -TERM $harness; wait $harness; echo "status $?"
            cat out err
            """)
        #expect(end.output.hasPrefix("status 143"), "\(end.output)\(end.errors)")
        #expect(end.output.contains("changed: sub/new/c.scenario"), "\(end.output)")
    }

    /// A scenario that changes is run again, and no other; an interrupt ends it.
    @Test func whatChangesIsRunAgain() async throws {
        let end = try await shell(
            """
            harness run a.scenario b.scenario --init reference --watch --quiet > out 2> err & harness=$!
            until grep -q 'waiting for changes' err; do :; done
            echo >> b.scenario
            until [ $(grep -c 'waiting for changes' err) = 2 ]; do :; done
            kill -INT $harness; wait $harness; echo "status $?"
            cat out err
            """)
        #expect(end.output.hasPrefix("status 130"), "\(end.output)\(end.errors)")
        #expect(end.output.contains("2 passed") && end.output.contains("\n1 passed"), "\(end.output)")
        #expect(end.output.contains("harness: changed: b.scenario"))
    }

    /// A page or a journal that is broken is refused with its place, and nothing is drawn of it.
    @Test func whatIsBrokenIsRefused() async throws {
        let end = try await shell(
            """
            harness run a.scenario --init reference --html run.html --quiet > /dev/null
            head -c 3000 run.html > cut.html; harness report cut.html; echo "status $?"
            sed 's/application\\/gzip">..../application\\/gzip">AAAA/' run.html > bad.html; harness report bad.html; echo "status $?"
            """)
        #expect(end.output == "status 2\nstatus 2\n", "\(end.output)")
        #expect(end.errors.contains("cut.html: this page has no recorded journal in it, or breaks off before it"))
        #expect(end.errors.contains("bad.html: the recorded journal in this page cannot be unpacked"), "\(end.errors)")
    }
}
