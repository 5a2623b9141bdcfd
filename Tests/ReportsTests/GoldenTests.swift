import Foundation
import Reports
import Testing

/// Every form of a report of one recorded run, letter for letter: what passed and failed, did not apply, was an error, was flaky, a sweep,
/// several lives, several containers.
///
/// `make goldens` writes the expected texts anew; what has changed in them is for a person to read.
@Suite("Golden reports")
struct GoldenTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Recorded")

    private static func recorded(_ isInterrupted: Bool) throws -> RunReport {
        var bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent("run.jsonl")))
        if isInterrupted {
            // Killed in the middle of the last run.
            let lines = bytes.split(separator: 0x0A)
            bytes = Array(lines.dropLast(10).joined(separator: [0x0A])) + Array(#"{"at":1"#.utf8)
        }
        return try JournalFile.read(bytes)
    }

    /// A page without its style and its script, which are files of their own.
    private static func withoutStyle(_ text: String) -> String {
        [("<style>", "</style>"), ("<script>", "</script>")].reduce(text) { text, element in
            guard let begin = text.range(of: element.0),
                let end = text.range(of: element.1, range: begin.upperBound..<text.endIndex)
            else { return text }
            return text.replacingCharacters(in: begin.upperBound..<end.lowerBound, with: "…")
        }
    }

    @Test(arguments: Reporters.all.map { $0.name }, [false, true])
    func itIsAsItWas(name: String, isInterrupted: Bool) throws {
        var options = ReportOptions()
        options.again = "harness run --failed"
        (options.version, options.machine, options.date) = ("1.0", "Linux 6.1 on x86_64", "2026-11-28")
        options.versions = ["tini": "0.19.0"]
        // The recorded run itself is in the page, and tested there.
        options.compress = { _ in { [] } }
        let reporter = try #require(Reporters.named(name)).init(options)
        let text = Self.withoutStyle(try reporter.text(try Self.recorded(isInterrupted)))
        let file = Self.folder.appendingPathComponent("\(isInterrupted ? "interrupted" : "whole").\(name)")
        if ProcessInfo.processInfo.environment["WRITE_GOLDENS"] != nil {
            return try Data(text.utf8).write(to: file)
        }
        let expected = try String(contentsOf: file, encoding: .utf8)
        let pairs = zip(
            text.split(separator: "\n", omittingEmptySubsequences: false),
            expected.split(separator: "\n", omittingEmptySubsequences: false))
        let difference = pairs.first { $0 != $1 }
        #expect(text == expected, "\(difference.map { "is:  \($0)\nwas: \($1)" } ?? "one is longer")")
    }
}
