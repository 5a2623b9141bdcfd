import Foundation
import Harness
import TestSupport
import Testing

/// The `harness` command as people and CI call it.
@Suite("The command line", .timeLimit(.minutes(2)))
struct CommandLineTests {
    private func harness(_ arguments: String..., user: UInt32? = nil) async throws -> Command.Outcome {
        try await blocking { try Command([Checkout.harness] + arguments, user: user).finish() }
    }

    static let passing = """
        scenario "passes"
          service app
          start
          expect app ready within 10s
          stop
          expect exit 0
        """

    @Test func passedIs0() async throws {
        try await withScenario(Self.passing) { path in
            let end = try await harness("run", path)
            #expect(end.status == .exited(0))
            #expect(end.output.contains("1 passed"))
        }
    }

    @Test func failedIs1() async throws {
        try await withScenario(Self.passing.replacing("exit 0", with: "exit 1")) { path in
            let end = try await harness("run", path, "--init", "reference")
            #expect(end.status == .exited(1))
            #expect(end.output.contains("expected  expect exit 1"))
            #expect(end.output.contains("observed  exit 0"))
            #expect(end.output.contains("\(path):6"))
        }
    }

    @Test func anInitByARelativePathIsFound() async throws {
        // As somebody types it who stands in the folder of his init; the profile's path counts from the profile.
        let folder = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.copyItem(atPath: Checkout.fakeServices, toPath: folder + "/my-init")
        try Checkout.write(Self.passing, to: folder + "/a.scenario")
        try Checkout.write("init mine\n  command ./my-init init -- {command}\n", to: folder + "/mine.init")
        let run = "cd \(folder) && \(Checkout.harness) run a.scenario"
        for arguments in ["-- ./my-init init --", "--init mine.init", "--init none -- ./my-init init -- {command}"] {
            let end = try await blocking {
                try Command(
                    ["sh", "-c", "\(run) \(arguments)"],
                    environment: Command.usualEnvironment + ["HARNESS_FAKE_SERVICES=\(Checkout.fakeServices)"]
                ).finish()
            }
            #expect(end.status == .exited(0), "\(arguments): \(end.output)\(end.errors)")
        }
        let elsewhere = try await harness("run", folder + "/a.scenario", "--init", folder + "/mine.init")
        #expect(elsewhere.status == .exited(0), "\(elsewhere.output)\(elsewhere.errors)")
    }

    @Test func whatDoesNotParseIs2AndNothingIsRun() async throws {
        try await withScenario(Self.passing + "\n  expect exit x\n") { path in
            let end = try await harness("run", path)
            #expect(end.status == .exited(2))
            #expect(end.output.isEmpty)
            #expect(
                end.errors.hasPrefix(
                    "\(path):7:15: error: expected 'on' or a number from 0 to 255, found 'x' [unexpected]\n"))
        }
    }

    @Test(arguments: [
        ["run", "--sideways"], ["run", "--jobs", "0"], ["run", "--jobs"], ["run", "--format", "xml"],
        ["run", "--init", "nonesuch"],
        ["run", "/no/such/file"], ["run", "--filter", "no scenario has this in its title"], ["sing"], [],
        ["doctor", "x"], ["run", "--"],
    ])
    func aCommandLineThatIsNotUnderstoodIs2(arguments: [String]) async throws {
        let end = try await blocking { try Command([Checkout.harness] + arguments).finish() }
        #expect(end.status == .exited(2))
        #expect(end.output.isEmpty)
        #expect(!end.errors.isEmpty)
    }

    @Test(arguments: ["command ghost-init -- {command}", "needs ghost-init\n  command sh -c {command}"])
    func anInitThatIsNotInstalledIs3AndNamed(command: String) async throws {
        let profile = "init ghost\n  package ghost-init\n  \(command)\n"
        try await withScenario(Self.passing) { path in
            try await withScenario(profile) { profilePath in
                let end = try await harness("run", path, "--init", profilePath)
                #expect(end.status == .exited(3))
                #expect(end.errors.contains("ghost: ghost-init is not installed; apt-get install ghost-init"))
                let both = try await harness("run", path, "--init", "reference", "--init", profilePath)
                #expect(both.status == .exited(0))
                #expect(both.output.contains("skipped  ghost"))
            }
        }
    }

    @Test func whoMayNotIs3() async throws {
        try await withScenario(Self.passing) { path in
            let end = try await harness("run", path, user: 65534)
            #expect(end.status == .exited(3))
            #expect(end.errors.contains("run as root"))
        }
    }

    @Test func anInitMayStandOnTheCommandLine() async throws {
        try await withScenario(Self.passing) { path in
            let end = try await harness("run", path, "--format", "json", "--", "sh", "-c", "exec \"$@\"", "sh")
            #expect(end.status == .exited(0))
            #expect(end.output.contains("\"init\" : \"sh -c exec \\\"$@\\\" sh\""))
        }
    }

    @Test func helpAndDoctorAnswer() async throws {
        let help = try await harness("--help")
        #expect(help.status == .exited(0) && help.output.contains("exit status"))
        let doctor = try await harness("doctor")
        #expect(doctor.status == .exited(0))
        #expect(doctor.output.contains("this machine can run scenarios"))
        #expect(doctor.output.contains("container  started and stopped in"))
    }

    /// The file is there until the body has ended.
    private func withScenario(_ text: String, _ body: (String) async throws -> Void) async throws {
        let path = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max)).init"
        try Checkout.write(text, to: path)
        do {
            try await body(path)
        } catch {
            Checkout.remove(path)
            throw error
        }
        Checkout.remove(path)
    }
}
