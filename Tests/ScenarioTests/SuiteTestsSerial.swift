import Harness
import TestSupport
import Testing

/// The conformance suite itself.
@Suite("The conformance suite", .serialized, .timeLimit(.minutes(5)))
struct SuiteTestsSerial {
    /// The rows of docs/BEHAVIOURS.md.
    static let rows: Set<String> = {
        let page = (try? Checkout.text(of: "docs/BEHAVIOURS.md")) ?? ""
        return Set(
            page.split(separator: "\n").compactMap { line in
                let cell = line.split(separator: "|").first?.filter { $0 != " " } ?? ""
                return isRow(cell) ? cell : nil
            })
    }()

    private static func isRow(_ text: String) -> Bool {
        text.count == 4 && text.prefix(2).allSatisfy(\.isUppercase) && text.suffix(2).allSatisfy(\.isNumber)
    }

    @Test func itsFilesAreWellFormed() {
        #expect(Checkout.suite.complaints.isEmpty)
    }

    @Test func thePageOfBehavioursIsThatOfTheSuite() {
        let tags = Set(Checkout.suite.scenarios.flatMap(\.tags))
        #expect(tags.filter(Self.isRow) == Self.rows)
        #expect(Self.rows.count >= 15)
        #expect(Checkout.suite.scenarios.count { $0.tags.contains("EX01") } == 256)
        // All whose default action ends a process: 62, but for CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG and WINCH.
        #expect(Checkout.suite.scenarios.count { $0.tags.contains("EX02") } == 62 - 8)
    }

    @Test func everyScenarioSaysWhyItIsThere() {
        for scenario in Checkout.suite.scenarios where !["EX01", "EX02"].contains(where: scenario.tags.contains) {
            #expect(!scenario.summary.isEmpty, "\(scenario.title)")
        }
    }

    @Test(arguments: ["reference", "reference-g"])
    func theReferencePassesAllThatApplies(name: String) async throws {
        let results = try await run(Checkout.suite.scenarios, on: [Checkout.profile(name)], atOnce: 32)
        #expect(results.count == Checkout.suite.scenarios.count)
        for result in results {
            if case .notApplicable = result.verdict { continue }
            #expect(result.verdict == .passed, "\(result.scenario.title): \(result.verdict)")
        }
        let notApplicable = Set(
            results.filter { if case .notApplicable = $0.verdict { true } else { false } }.flatMap(\.scenario.tags))
        #expect(notApplicable == (name == "reference" ? ["PG01", "process-group"] : []))
    }

    /// Which rows an init fails, in whole or in part.
    static let failures: [(name: String, rows: Set<String>)] = [
        // No init: nobody forwards, nobody reaps, and the default action of a signal does not apply to PID 1.
        ("none", ["EX02", "OR05", "PG04", "RP01", "SF01", "SF03"]),
        // The shell has no handler: the kernel drops the stop signal.
        (
            "sh",
            [
                "GK01", "GK02", "GK03", "GK04", "OR05", "PG04", "RD01", "RP01", "RP02", "SF01", "SF02", "SF03", "SF05",
                "SF11",
            ]
        ),
        (
            "bash",
            [
                "GK01", "GK02", "GK03", "GK04", "OR05", "PG04", "RD01", "RP01", "RP02", "SF01", "SF02", "SF03", "SF05",
                "SF11",
            ]
        ),
        // The trap is for SIGTERM, and for the child alone.
        // A command in the background of a script reads from /dev/null, not from the terminal.
        ("sh-trap", ["OR05", "PG04", "SF03", "SF05", "TT03"]),
        ("bash-trap", ["OR05", "PG04", "SF03", "SF05", "TT03"]),
        // They end with their child, whatever else still runs.
        ("tini", ["OR05", "PG04"]), ("tini-g", ["OR05", "PG04"]), ("catatonit", ["OR05", "PG04"]),
        ("dumb-init", ["OR05", "PG04"]), ("dumb-init-single-child", ["OR05", "PG04"]),
    ]

    /// Those that can be run here.
    static let installed = failures.map(\.name).filter { Checkout.profile($0).reasonNotInstalled == nil }

    @Test(arguments: installed)
    func initsFailWhereTheyShouldAndNowhereElse(name: String) async throws {
        let profile = Checkout.profile(name)
        let expected = Self.failures.first { $0.name == name }?.rows ?? []
        let scenarios = Checkout.suite.scenarios.filter { !$0.tags.contains("EX01") }
        let results = try await run(scenarios, on: [profile], atOnce: 32)
        var failed: Set<String> = []
        for result in results {
            switch result.verdict {
            case .failed: failed.formUnion(result.scenario.tags.filter(Self.rows.contains))
            case .error(let reason): Issue.record("\(result.scenario.title): \(reason)")
            case .passed, .notApplicable: break
            }
        }
        #expect(failed == expected)
    }

    @Test func verdictsDoNotDependOnHowManyRunAtOnce() async throws {
        let profiles = ["reference", "sh", "none"].map(Checkout.profile)
        let scenarios = Checkout.suite.scenarios.filter { !["EX01", "EX02", "GK04"].contains(where: $0.tags.contains) }
        let together = try await run(scenarios, on: profiles, atOnce: 64)
        let apart = try await run(scenarios, on: profiles, atOnce: 4)
        for (one, other) in zip(together, apart) {
            #expect(
                one.failedLines == other.failedLines,
                "\(one.initName): \(one.scenario.title): \(one.verdict) \(other.verdict)")
        }
    }
}
