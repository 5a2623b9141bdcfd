import Foundation
import Harness
import TestSupport
import Testing
import Vocabulary

/// `harness lint`, `fmt` and `list`, as people, editors and CI call them.
@Suite("The verbs that run nothing", .timeLimit(.minutes(10)))
struct FileVerbTests {
    private func harness(_ arguments: String...) async throws -> Command.Outcome {
        try await blocking { try Command([Checkout.harness] + arguments).finish() }
    }

    static let good =
        "# A remark.\nscenario \"one\"\n  tags quick\n  service app\n\n  start\n  expect app ready within 5s\n"
    static let bad = "scenario \"one\"\n  service app\n  strat\n  expect app redy\n"

    /// A folder below /tmp with these files, for the time of a call.
    private func withFolder<Result>(
        _ files: [String: String], _ body: (String) async throws -> Result
    ) async throws -> Result {
        let folder = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder + "/inner", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, text) in files { try Checkout.write(text, to: "\(folder)/\(name)") }
        return try await body(folder)
    }

    // MARK: - Lint

    @Test func lintSaysWhatIsWrongAndWhere() async throws {
        try await withFolder(["a.scenario": Self.good, "inner/b.scenario": Self.bad, "inner/c.txt": "?"]) { folder in
            let end = try await harness("lint", folder)
            #expect(end.status == .exited(2))
            #expect(
                end.output == """
                    \(folder)/inner/b.scenario:3:3: error: 'strat' is not a word of a scenario; did you mean 'start'? [unknown-word]
                     3 |   strat
                       |   ^~~~~
                    \(folder)/inner/b.scenario:4:14: error: 'redy' is not a condition; did you mean 'ready'? [unknown-word]
                     4 |   expect app redy
                       |              ^~~~
                    2 files: 2 errors

                    """)
            let clean = try await harness("lint", folder + "/a.scenario")
            #expect(clean.status == .exited(0))
            #expect(clean.output == "1 file: no problems found\n")
        }
    }

    @Test func lintSpeaksToProgramsAndToGitHub() async throws {
        try await withFolder(["b.scenario": Self.bad]) { folder in
            let json = try await harness("lint", folder, "--format", "json")
            #expect(json.status == .exited(2))
            let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
            #expect(object?["schema"] as? String == "harness.lint/1")
            let diagnostics = object?["diagnostics"] as? [[String: Any]] ?? []
            #expect(diagnostics.map { $0["id"] as? String } == ["unknown-word", "unknown-word"])
            #expect(diagnostics.first?["suggestion"] as? String == "start")
            #expect(diagnostics.first?["line"] as? Int == 3)
            let review = try await harness("lint", folder, "--format=github")
            #expect(
                review.output.hasPrefix(
                    "::error file=\(folder)/b.scenario,line=3,col=3,title=unknown-word::'strat' is not a word of a scenario"
                ))
            #expect(review.output.split(separator: "\n").count == 2)
        }
    }

    @Test(arguments: ["/nonesuch.scenario", "/dev/null", "/bin/true"])
    func lintRefusesWhatIsNoScenario(path: String) async throws {
        let end = try await harness("lint", path)
        #expect(end.status == .exited(2))
        #expect(end.output.hasPrefix("\(path):1:"))
    }

    // MARK: - Format

    static let untidy =
        "\u{FEFF}# A remark.  \r\nscenario   'one'\r\n\ttags   quick\r\n\tservice app # trailing\r\n\t\tignores TERM,15\r\n\tstart\r\n\texpect exit 0 within 5000ms\r\n"
    static let tidy = """
        # A remark.
        scenario "one"
          tags quick
          service app  # trailing
            ignores SIGTERM, SIGTERM

          start
          expect exit 0 within 5s

        """

    @Test func fmtWritesTheCanonicalFormOnce() async throws {
        try await withFolder(["a.scenario": Self.untidy, "inner/b.scenario": Self.good]) { folder in
            let file = folder + "/a.scenario"
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
            let check = try await harness("fmt", "--check", folder)
            #expect(check.status == .exited(1))
            #expect(check.output == file + "\n")
            #expect(FileManager.default.contents(atPath: file) == Data(Self.untidy.utf8))
            let write = try await harness("fmt", folder)
            #expect(write.status == .exited(0))
            #expect(write.output == file + "\n")
            #expect(try String(contentsOfFile: file, encoding: .utf8) == Self.tidy)
            #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o640)
            let again = try await harness("fmt", "--check", folder)
            #expect(again.status == .exited(0))
            #expect(again.output.isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a.scenario", "inner"])
        }
    }

    @Test func fmtLeavesAFileAloneThatItCannotRead() async throws {
        try await withFolder(["b.scenario": Self.bad]) { folder in
            let end = try await harness("fmt", folder)
            #expect(end.status == .exited(2))
            #expect(end.errors.contains("'strat' is not a word of a scenario"))
            #expect(try String(contentsOfFile: folder + "/b.scenario", encoding: .utf8) == Self.bad)
        }
    }

    // MARK: - List

    @Test func listSaysWhatThereIs() async throws {
        let two =
            Self.good + "\nscenario \"two\"\n  service db\n  service api after db\n\n  start\n  expect api ready\n"
        try await withFolder(["a.scenario": two]) { folder in
            let end = try await harness("list", folder)
            #expect(
                end.output == """
                    \(folder)/a.scenario
                      2: "one"  [quick]
                      9: "two"  needs supervision, ordering

                    2 scenarios

                    """)
            let json = try await harness("list", folder, "--format", "json", "--tag", "quick")
            let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
            let scenarios = object?["scenarios"] as? [[String: Any]] ?? []
            #expect(scenarios.map { $0["title"] as? String } == ["one"])
            #expect(scenarios.first?["description"] as? String == "A remark.")
        }
    }

    @Test(arguments: [
        ["lint", "--format", "xml"], ["lint", "--check"], ["fmt", "--format", "json"], ["list", "--tag"],
        ["fmt", "--check=x"],
    ])
    func aCommandLineThatIsNotUnderstoodIs2(arguments: [String]) async throws {
        let end = try await blocking { try Command([Checkout.harness] + arguments).finish() }
        #expect(end.status == .exited(2))
        #expect(end.errors.hasPrefix("harness: "))
    }
}
