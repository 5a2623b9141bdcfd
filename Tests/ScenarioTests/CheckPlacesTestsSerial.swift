import Foundation
import Harness
import TestSupport
import Testing

/// What `harness check` finds, at its line of the Dockerfile and of the script.
@Suite("Places of checks", .timeLimit(.minutes(5)))
struct CheckPlacesTestsSerial {
    @Test func whatIsFoundIsAtItsLine() async throws {
        let folder = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = "#!/bin/sh\n# nobody hears a signal\nwhile :; do\n  sleep 1\ndone\n"
        try Checkout.write(script, to: folder + "/entry.sh")
        chmod(folder + "/entry.sh", 0o755)
        try Checkout.write(
            "FROM debian\nCOPY entry.sh /\nUSER root\nENTRYPOINT [\"/entry.sh\"]\n", to: folder + "/Dockerfile")
        let end = try await blocking {
            try Command(
                [
                    Checkout.harness, "check", "--only", "stop,privileges,memory", "--stop-timeout", "1",
                    "--dockerfile",
                    folder + "/Dockerfile", "--github", "/dev/stderr", "--format", "json", "--", folder + "/entry.sh",
                ], environment: Command.usualEnvironment + ["HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)"]
            ).finish(within: .seconds(120))
        }
        #expect(end.status == .exited(1))
        #expect(end.errors.contains("::error file=\(folder)/entry.sh,line=4,title="), "\(end.errors)")
        #expect(end.errors.contains("stop%3A ends when it is stopped"), "\(end.errors)")
    }

    /// What is worth knowing is a warning, at its line of the Dockerfile, in each form that speaks of lines.
    @Test func whatIsWorthKnowingIsAWarning() async throws {
        let folder = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Checkout.write("FROM debian\nUSER root\nENTRYPOINT [\"x\"]\n", to: folder + "/Dockerfile")
        let end = try await blocking {
            try Command(
                [
                    Checkout.harness, "check", "--only", "user", "--dockerfile", folder + "/Dockerfile", "--github",
                    folder + "/g", "--sarif", folder + "/s", "--codequality", folder + "/c", "--", "sh", "-c",
                    "[ $(id -u) = 0 ] || exit 1; trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done",
                ], environment: Command.usualEnvironment + ["HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)"]
            ).finish(within: .seconds(120))
        }
        #expect(end.status == .exited(0), "\(end.output)\(end.errors)")
        func text(_ name: String) throws -> String { try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) }
        #expect(try text("g").hasPrefix("::warning file=\(folder)/Dockerfile,line=2,"))
        let sarif = try text("s")
        #expect(sarif.contains("\"level\" : \"warning\"") && sarif.contains("\"startLine\" : 2"), "\(sarif)")
        #expect(try text("c").contains("\"severity\" : \"minor\""))
    }

    @Test(arguments: [
        ("/nowhere/Dockerfile", "there is no such file"), ("/tmp", "this is no regular file of 1 MiB at most"),
        ("/dev/zero", "this is no regular file of 1 MiB at most"), ("/etc/hostname", "there is no FROM in it"),
    ])
    func whatIsNoDockerfileIsRefused(path: String, words: String) async throws {
        let end = try await blocking {
            try Command(
                [Checkout.harness, "check", "--dockerfile", path, "--", "/bin/true"],
                environment: Command.usualEnvironment + ["HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)"]
            ).finish(within: .seconds(60))
        }
        #expect(end.status == .exited(2))
        #expect(end.errors.contains("--dockerfile \(path): \(words)"), "\(end.errors)")
    }
}
