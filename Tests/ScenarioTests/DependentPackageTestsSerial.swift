import Foundation
import TestSupport
import Testing
import Vocabulary

/// A package of another directory that depends on this one, and tests an init with it.
@Suite("A package that depends on this one", .serialized, .timeLimit(.minutes(15)))
struct DependentPackageTestsSerial {
    private func test(_ arguments: String..., environment: [String] = []) throws -> Command.Outcome {
        let own = ProcessInfo.processInfo.environment
        let command =
            ["swift", "test", "--disable-xctest", "--package-path", Checkout.root + "/Tests/DependentPackage"]
            + ["--scratch-path", Checkout.root + "/.build-dependent"] + arguments
        let inherited = ["PATH", "HOME"].compactMap { name in own[name].map { "\(name)=\($0)" } }
        return try Command(command, environment: inherited + environment).finish(within: .seconds(600))
    }

    @Test func itBuildsAndItsTestsPass() throws {
        let outcome = try test()
        #expect(outcome.status == .exited(0), "\(outcome.output.suffix(3000))\(outcome.errors.suffix(3000))")
        #expect(outcome.output.contains("Test run with 5 tests in 1 suite passed"))
        #expect(outcome.output.contains("with 1 known issue"))
        #expect(outcome.output.contains("my-init.sh has no supervision"))
    }

    @Test func aFailureIsAnIssueAtTheLineOfItsExpectation() throws {
        let outcome = try test("--skip-build", "--filter", "showsAFailure", environment: ["SHOW_FAILURE=1"])
        #expect(outcome.status == .exited(1))
        let source = try Checkout.text(of: "Tests/DependentPackage/Tests/MyInitTests/MyInitTests.swift")
        let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
        for expectation in ["Expect(.exit(1))", "Expect(.killed(\"app\"))"] {
            let line = (lines.firstIndex { $0.contains(expectation) } ?? -2) + 1
            #expect(outcome.output.contains("MyInitTests.swift:\(line):"), "\(outcome.output.suffix(3000))")
        }
        #expect(outcome.output.contains("expect exit 1: exit 0 (reference)"))
        #expect(outcome.output.contains("runtime  PID 1 exited 0"))
        #expect(outcome.output.contains("failed after"))
        #expect(outcome.output.contains("with 2 issues"))
    }
}
