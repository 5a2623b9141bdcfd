import Harness
import TestSupport
import Testing

/// The conformance suite itself.
@Suite("The conformance suite", .serialized, .timeLimit(.minutes(10)))
struct SuiteTestsSerial {
    /// The rows of docs/BEHAVIOURS.md: those that scenarios cover, and those that none does.
    static let (rows, uncovered): (Set<String>, Set<String>) = {
        let page = (try? Checkout.text(of: "docs/BEHAVIOURS.md")) ?? ""
        var parts: [Set<String>] = [[], []]
        var part = 0
        for line in page.split(separator: "\n") {
            if line.hasPrefix("## Not covered") { part = 1 }
            let cell = line.split(separator: "|").first?.filter { $0 != " " } ?? ""
            if line.hasPrefix("|"), isRow(cell) { parts[part].insert(cell) }
        }
        return (parts[0], parts[1])
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
        #expect(Self.rows.count >= 110)
        #expect(Self.rows.isDisjoint(with: Self.uncovered))
        #expect(Self.rows.count + Self.uncovered.count == 150)
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
        let applicable = results.count { if case .notApplicable = $0.verdict { false } else { true } }
        #expect(applicable >= 380)
    }

    /// What rests on the runtime's clock, where the machine is not crowded.
    @Test func punctualityIsJudged() async throws {
        for control in NegativeControlTests.controls where control.kind == .restartDelays {
            try await NegativeControlTests.expectToFail(control)
        }
        try await LanguageInUseTests.expectToPass(
            LanguageInUseTests.examples.filter { $0.example.contains("restart delays") }, atLeast: 1)
    }

    /// The policy's clock for half a minute: each gap within 25 ms and 5 % of the policy's, from the kernel's events.
    @Test func eightCrashesInARowAreRestartedAsThePolicySays() async throws {
        let text = """
            scenario "eight crashes"
              restart policy always
              file /crash.sh mode 755
                | #!/bin/sh
                | echo life >> /lives
                | [ "$(grep -c . /lives)" = 9 ] && exec sleep 60
                | exit 1
              command /crash.sh
              start
              expect restart delays 100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms within 60s
              expect restarts 8
            """
        let result = try #require(try await run(scenarios(text), on: [.none]).first)
        #expect(result.verdict == .passed, "\(result.verdict)")
    }

    /// The end may come between the look at a file and the question what there is to be seen.
    @Test func whatIsWrittenRightBeforeTheEndIsSeen() async throws {
        let text = """
            scenario "written at the end"
              command sh -c "echo done > /done"
              start
              expect file /done exists within 10s
            """
        let scenario = try #require(scenarios(text).first)
        let results = try await run(Array(repeating: scenario, count: 1000), on: [.none], atOnce: 16)
        #expect(results.count { $0.verdict != .passed } == 0)
    }

    @Test func verdictsDoNotDependOnHowManyRunAtOnce() async throws {
        let profiles = ["reference", "tini", "none"].map(Checkout.profile)
        // Without those that ask the same many times, and whole machines that are booted.
        let left = ["EX01", "EX02", "GK04", "nginx"]
        let scenarios = Checkout.suite.scenarios.filter { !left.contains(where: $0.tags.contains) }
        let together = try await run(scenarios, on: profiles, atOnce: 64)
        let apart = try await run(scenarios, on: profiles, atOnce: 12)
        for (one, other) in zip(together, apart) {
            #expect(
                one.failedLines == other.failedLines,
                "\(one.initName): \(one.scenario.title): \(one.verdict) \(other.verdict)")
        }
    }
}
