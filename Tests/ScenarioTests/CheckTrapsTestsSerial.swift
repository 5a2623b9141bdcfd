import Foundation
import Harness
import TestSupport
import Testing

/// Programs that checks by name, by ptrace or by a look at /proc were wrong about: the CNTI test suite's bad samples, and those of its issues.
@Suite("Traps of checks", .timeLimit(.minutes(5)))
struct CheckTrapsTestsSerial {
    struct Trap: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let command: [String]
        var options: [String] = []
        /// The checks that are to fail, each with its cause; of `stop` and `orphans` the others are good.
        let bad: [String: String]
        /// A program that it takes.
        var program = "sh"
    }

    private static let waits = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"

    static let traps = [
        Trap(
            testDescription: "a signal that ptrace shows as delivered, and the kernel drops (#2482)",
            command: ["sleep", "infinity"], bad: ["stop": "has-no-handler", "orphans": "never-waits"]),
        Trap(
            testDescription: "zombies of a child of PID 1, which sleeps (its sample-bad-zombie)",
            command: ["sh", "-c", "sh -c 'sleep 0.1 & exec sleep 1000' & exec sleep 1000"],
            bad: ["stop": "has-no-handler", "orphans": "never-waits"]),
        Trap(
            testDescription: "a program that handles its signal and waits for nobody",
            command: [
                "sh", "-c",
                "trap 'exit 0' TERM; exec python3 -c 'import signal, sys; signal.signal(15, lambda *_: sys.exit(0)); signal.pause()'",
            ],
            bad: ["orphans": "never-waits"], program: "python3"),
        Trap(
            testDescription: "with a read-only root nothing is skipped (#2542)", command: ["sleep", "infinity"],
            options: ["--read-only"], bad: ["stop": "has-no-handler", "orphans": "never-waits"]),
        Trap(
            testDescription: "the main thread blocks the signal, another one waits for it (#2326)",
            command: [
                "python3", "-c",
                """
                import os, signal, threading
                signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
                def wait():
                    signal.sigwait([signal.SIGTERM])
                    os._exit(0)
                threading.Thread(target=wait).start()
                while True:
                    signal.sigwait([signal.SIGUSR1])
                """,
            ], bad: ["orphans": "never-waits"], program: "python3"),
        Trap(
            testDescription: "an init that is in no list of names (#2546)",
            command: ["catatonit", "--", "sh", "-c", waits],
            bad: [:], program: "catatonit"),
        Trap(
            testDescription: "a program of an init's name is none", command: ["/tini", "infinity"],
            bad: ["stop": "has-no-handler", "orphans": "never-waits"]),
        Trap(
            testDescription: "a shell that does what an init does is right", command: ["sh", "-c", waits], bad: [:]),
        Trap(
            testDescription: "a shell that never tells its program",
            command: ["sh", "-c", "python3 -m http.server --bind 127.0.0.1 8080; echo over"],
            bad: ["stop": "has-no-handler"], program: "python3"),
    ].filter { Checkout.isInstalled($0.program) }

    private struct Answer: Decodable {
        struct Check: Decodable {
            let id, answer: String
            let cause: String?
        }
        let checks: [Check]
    }

    @Test(arguments: traps) func isJudgedByWhatTheKernelSaw(trap: Trap) async throws {
        let folder = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        if let sleep = realpath("/bin/sleep", nil) {
            try FileManager.default.copyItem(atPath: String(cString: sleep), toPath: folder + "/tini")
            free(sleep)
        }
        let command = trap.command.map { $0 == "/tini" ? folder + "/tini" : $0 }
        let end = try await blocking {
            try Command(
                [Checkout.harness, "check", "--only", "stop,orphans", "--stop-timeout", "1", "--format", "json"]
                    + trap.options + ["--"] + command,
                environment: Command.usualEnvironment + ["HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)"]
            ).finish(within: .seconds(200))
        }
        let answer = try JSONDecoder().decode(Answer.self, from: Data(end.output.utf8))
        #expect(Set(answer.checks.map(\.id)).isSuperset(of: ["stop", "orphans"]))
        for check in answer.checks where ["stop", "orphans"].contains(check.id) {
            #expect((check.answer == "good") == (trap.bad[check.id] == nil), "\(check.id): \(check.answer)")
            #expect(check.cause == trap.bad[check.id], "\(check.id)")
        }
    }
}
