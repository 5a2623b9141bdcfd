import Harness
import Kernel
import TestSupport
import Testing

/// The programs below Tests/Hostile: none gets out, deceives, or hangs. One after the other: some flood the trace, and what runs beside
/// them loses events.
@Suite("Hostile programs", .timeLimit(.minutes(10)))
struct HostileProgramTestsSerial {
    static let available = Files.find(program: "python3", in: "/usr/local/bin:/usr/bin:/bin") != nil

    @Test(.enabled(if: available, "needs python3 in the system's search path"), arguments: HostileProgram.all)
    func comesToWhatItMust(program: HostileProgram) async throws {
        var profile = InitProfile.none
        // The first service is PID 1; the second exists by name only.
        profile.abilities.formUnion([.supervision, .ordering])
        let result = try #require(try await run(try program.scenarios(), on: [profile]).first)
        let verdict =
            switch result.verdict {
            case .passed: "passed"
            case .failed: "failed"
            case .error: "error"
            case .flaky: "flaky"
            case .notApplicable: "not applicable"
            }
        #expect(
            program.verdicts.contains(verdict),
            "\(result.verdict)\n\(result.output.suffix(20).joined(separator: "\n"))")
    }

    @Test func eachSaysWhatItTriesAndWhatMustCome() throws {
        #expect(HostileProgram.all.count >= 60)
        for program in HostileProgram.all { #expect(!program.tries.isEmpty && !program.must.isEmpty, "\(program)") }
        #expect(try Checkout.text(of: "docs/HOSTILE.md") == HostileProgram.page, "`make reference` writes it")
    }
}
