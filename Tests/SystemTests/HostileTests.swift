import Harness
import Kernel
import TestSupport
import Testing

/// What runs inside is hostile until proven otherwise. These have been tried.
@Suite("Hostile inits", .timeLimit(.minutes(10)))
struct HostileTests {
    /// A Python program as PID 1; the rest of the scenario behind it.
    private func verdict(of program: String, _ steps: String) async throws -> RunResult {
        let path = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max)).py"
        try Checkout.write(program, to: path)
        defer { Checkout.remove(path) }
        let text =
            "scenario \"hostile\"\n  stop signal SIGTERM grace 1s\n  service app\n    runs python3 \(path)\n  service victim\n"
            + steps
        var profile = InitProfile.none
        // The first service is PID 1; the second exists by name only.
        profile.abilities.formUnion([.supervision, .ordering])
        return try #require(try await run(scenarios(text), on: [profile]).first)
    }

    /// Python as containers find it.
    static let available = Files.find(program: "python3", in: "/usr/local/bin:/usr/bin:/bin") != nil

    @Test(.enabled(if: available, "needs python3 in the system's search path"))
    func whoSpeaksForAnotherFromThePastIsNotBelieved() async throws {
        let program = """
            import os, socket, time
            if os.fork() == 0:
                s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                s.connect("/.harness/services")
                s.send(b"1 hello victim"); s.send(b"1 ready")
                time.sleep(0.3); os._exit(0)
            os.wait()
            print("UP", flush=True)
            time.sleep(60)
            """
        let result = try await verdict(
            of: program,
            """
              start
              wait for output contains "UP" within 20s
              crash victim
              expect state running
            """)
        guard case .failed(let failures) = result.verdict else { return #expect(Bool(false), "\(result.verdict)") }
        // Which of the two depends on when its words were read.
        #expect(["victim is not running", "victim was never started"].contains(failures.first?.observed))
        let start = result.journal.events.first { if case .runtime(.started) = $0.kind { true } else { false } }?
            .instant
        for event in result.journal.events {
            if case .said = event.kind { #expect(event.instant >= start ?? event.instant) }
        }
    }

    @Test(.enabled(if: available, "needs python3 in the system's search path"))
    func aFloodOfConnectionsAndWordsBlindsNobody() async throws {
        let program = """
            import socket, os, time
            for _ in range(5):
                if os.fork() == 0: os._exit(0)
            kept = []
            try:
                for i in range(3000):
                    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.setblocking(False)
                    s.connect("/.harness/services"); kept.append(s)
                    for _ in range(50): s.send(b"garbage")
            except OSError as error:
                pass
            print("UP", flush=True)
            time.sleep(60)
            """
        let result = try await verdict(
            of: program,
            """
              start
              wait for output contains "UP" within 30s
              expect 5 zombies
            """)
        #expect(result.verdict == .passed)
    }

    /// A key type that does not exist: without the filter the kernel would say ENODEV, and nothing is left behind.
    @Test(.enabled(if: available, "needs python3 in the system's search path"))
    func keyringsAreRefused() async throws {
        let program = """
            import ctypes, platform, time
            number = {"x86_64": 248, "aarch64": 217}[platform.machine()]
            libc = ctypes.CDLL(None, use_errno=True)
            libc.syscall(number, b"no such type", b"x", b"y", 1, -4)
            print("errno", ctypes.get_errno(), flush=True)
            time.sleep(60)
            """
        let result = try await verdict(
            of: program,
            """
              start
              wait for output contains "errno" within 20s
              expect output contains "errno 1"
              expect no output contains "errno 19"
            """)
        #expect(result.verdict == .passed, "\(result.output)")
    }

    @Test func newUserNamespacesAreRefused() async throws {
        let text = """
            scenario "refused"
              command sh -c 'unshare -U true 2>/dev/null || echo no; unshare -Ur true 2>/dev/null || echo no'
              start
              expect exit 0 within 20s
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        #expect(result.output == ["no", "no"])
    }

    @Test func aPathThatLeadsOutLeadsNowhere() async throws {
        let text = """
            scenario "links"
              tmpfs /var/run, /a/b/c
              command sh -c 'grep -c "tmpfs /run tmpfs\\|tmpfs /a/b/c tmpfs" /proc/mounts'
              start
              expect exit 0 within 20s
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        #expect(result.output == ["2"], "\(result.verdict)")
        #expect(!Files.exists("/a/b/c"))
    }

    @Test func allOfALastOutputIsRead() async throws {
        let text = """
            scenario "much"
              command sh -c 'head -c 900000 /dev/zero | tr "\\0" x; echo; echo END'
              start
              expect exit 0 within 20s
              expect output contains "END"
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        #expect(result.verdict == .passed)
    }
}
