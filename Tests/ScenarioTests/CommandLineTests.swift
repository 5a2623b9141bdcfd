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

    @Test func anInitThatIsNotInstalledIs3AndNamed() async throws {
        let profile = "init ghost\n  package ghost-init\n  command ghost-init -- {command}\n"
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
