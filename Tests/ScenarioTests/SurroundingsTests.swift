import Foundation
import Harness
import TestSupport
import Testing
import Vocabulary

/// What a hostile or unlucky container makes of the words about files, users, terminals and limits.
@Suite("Surroundings", .timeLimit(.minutes(10)))
struct SurroundingsTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// The scenario without its title.
        let lines: String

        init(_ testDescription: String, _ lines: String) {
            self.testDescription = testDescription
            self.lines = lines
        }
    }

    static let examples: [Example] = [
        Example(
            "a PID 1 with another root does not decide what there is",
            """
              command perl -e 'chroot "/tmp"; print "changed\\n"; $| = 1; sleep 60'
              start
              wait 50ms
              expect file /usr/bin/perl exists
            """),
        Example(
            "what is on a volume is found by any way to it, also after the end",
            """
              volume v at /var/run/app
              file /var/run/app/x
                | text
              command sh -c "ln -s /var/run/app/x /link; ln -s /etc/passwd /var/run/app/outside; sleep 0.1"
              start
              expect exit 0 within 10s
              expect file /link contains "text"
              expect file /run/app/x contains "text"
              expect file //var/run/./app/x contains "text"
              expect file /var/run/app/outside contains "root:"
            """),
        Example(
            "a look at the moment of the end finds what is there",
            """
              volume v at /v
              file /v/a
                | text
              command sleep 0.02
              start
              expect file /v/a contains "text" for 60ms
            """),
        Example(
            "links that lead nowhere are no files",
            """
              command sh -c "ln -s /loop /loop; ln -s /nowhere /dangling; ln -s /proc/1/fd/1 /log; echo done > /done"
              start
              wait for file /done exists within 10s
              expect no file /loop exists
              expect no file /dangling exists
              expect no file /done/x exists
            """),
        Example(
            "renames on the way are no errors",
            """
              command sh -c "mkdir /a; echo text > /a/x; while :; do mv /a /b; mv /b /a; done"
              start
              wait for file /a/x contains "text" within 10s
              expect file /etc/os-release exists for 100ms
            """),
        Example(
            "a pipe and a device are looked at, not opened",
            """
              command sh -c "mkfifo /pipe; ln -s /proc/kmsg /kernel; echo done > /done"
              start
              wait for file /done exists within 10s
              expect file /pipe exists
              expect file /pipe mode 644
            """),
        Example(
            "another user can write to its standard output by name",
            """
              user 568:568
              command sh -c "echo hello > /dev/stdout; echo bye > /dev/stderr"
              start
              expect exit 0 within 10s
              expect output contains "hello"
              expect output contains "bye"
            """),
        Example(
            "a terminal that nobody has open for a moment is read again",
            """
              terminal on
              command sh -c "exec < /dev/null > /dev/null 2>&1; sleep 0.1; echo hello > /dev/console; head -c 200000 /dev/zero > /dev/console; exit 5"
              start
              expect exit 5 within 10s
              expect output contains "hello"
            """),
        Example(
            "one container has not all terminals of the machine",
            """
              command perl -e 'my @all; while (open(my $t, "+<", "/dev/ptmx")) { push @all, $t } print scalar(@all) <= 64 ? "few" : "many", "\\n"'
              start
              expect output contains "few" within 10s
            """),
        Example(
            "outer mounts come before inner ones",
            """
              volume inner at /data/sub
              volume outer at /data
              tmpfs /data/t
              command sh -c "grep -c ' /data' /proc/mounts; test -w /data/sub && test -w /data/t && echo all"
              start
              expect exit 0 within 10s
              expect output in order "3", "all"
            """),
        Example(
            "a service may ignore every signal that would stop it",
            """
              stop signal SIGTERM grace 50ms
              service app
                ignores SIGTERM, SIGINT
              start
              wait for app ready within 10s
              stop
              expect exit on SIGKILL
            """),
        Example(
            "control groups cannot be nested without end",
            """
              cgroup rw
              command perl -e 'chdir "/sys/fs/cgroup"; my $n = 0; $n++ while $n < 3000 && mkdir("a") && chdir("a"); print $n < 100 ? "few" : "many", "\\n"'
              start
              expect output contains "few" within 10s
            """),
    ]

    @Test(arguments: examples)
    func isAsItShouldBe(example: Example) async throws {
        let result = try #require(
            try await run(scenarios("scenario \"x\"\n\(example.lines)\n"), on: [.none]).first)
        #expect(result.verdict == .passed)
    }

    @Test func orphansThatCannotBeMadeEndTheScenario() async throws {
        let text = """
            scenario "x"
              pids limit 3
              service app
              start
              wait for app ready within 10s
              orphan 50 from app living 20s
              expect no zombies
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        guard case .failed(let failures) = result.verdict else { return #expect(Bool(false), "\(result.verdict)") }
        #expect(failures.map(\.place.line) == [6])
    }

    @Test func aFileOfTheKernelIsNotRead() async throws {
        let text = """
            scenario "x"
              command sh -c "ln -s /proc/version /kernel; sleep 60"
              start
              wait for file /kernel exists within 10s
              expect file /kernel contains "Linux"
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        guard case .failed(let failures) = result.verdict else { return #expect(Bool(false), "\(result.verdict)") }
        #expect(failures.map(\.observed) == ["/kernel is no file to read"])
    }

    /// A directory cannot be written to, and a pipe would keep the start waiting for its other end.
    @Test(arguments: ["directory", "pipe"])
    func whatIsNoFileIsNotWrittenTo(kind: String) async throws {
        let root = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: root) }
        try FileManager.default.createDirectory(atPath: root + "/directory", withIntermediateDirectories: true)
        #expect(mkfifo(root + "/pipe", 0o600) == 0)
        let text = """
            scenario "x"
              rootfs \(root)
              file /\(kind)
                | text
              command true
              start
              expect exit 0 within 5s
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        if case .error(let reason) = result.verdict, reason.contains("write /\(kind)") { return }
        Issue.record("\(result.verdict)")
    }

    /// The harness goes before what it watches, and hands that on to nobody: neither to PID 1 nor to an exec.
    @Test func thePriorityOfTheHarnessIsItsOwn() async throws {
        let text = """
            scenario "x"
              command sh -c 'echo first $(nice); sleep 60'
              start
              wait for output contains "first 0" within 10s
              exec sh -c 'echo second $(nice)'
              expect exec output line "second 0"
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        #expect(result.verdict == .passed, "\(result.output)")
    }

    /// Whoever starts the harness may have any mask: what is made for a container is not narrowed by it.
    @Test func theCallersMaskDoesNotReachTheContainer() async throws {
        let path = Checkout.root + "/scenarios/surroundings/settings.scenario"
        let end = try await blocking {
            try Command(
                ["sh", "-c", "umask 077 && exec \(Checkout.harness) run \(path) --filter 'not root'"],
                environment: Command.usualEnvironment + ["HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)"]
            ).finish()
        }
        #expect(end.status == .exited(0), "\(end.output)\(end.errors)")
    }
}
