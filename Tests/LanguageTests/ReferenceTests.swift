import Foundation
import Language
import Model
import Testing

/// The pages that are made from the table of the language, and the table itself.
@Suite("The reference")
struct ReferenceTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func text(of path: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    @Test func thePageIsThatOfTheTable() throws {
        #expect(try text(of: "docs/LANGUAGE.md") == LanguageReference().markdown, "run `make reference`")
    }

    @Test func theGrammarForEditorsIsThatOfTheTable() throws {
        let json = try text(of: "editors/harness.tmLanguage.json")
        #expect(json == LanguageReference().textMateGrammar, "run `make reference`")
        let grammar = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let patterns = try #require(grammar["patterns"] as? [[String: Any]])
        for pattern in patterns {
            for key in ["match", "begin", "end"] {
                guard let expression = pattern[key] as? String else { continue }
                // Oniguruma's syntax as far as it goes here is that of ICU.
                #expect(throws: Never.self) { try NSRegularExpression(pattern: expression) }
            }
        }
    }

    /// A line of each kind, in the scope that an editor would give its first word.
    @Test(arguments: [
        ("  service db after a", "entity.name.type.service.harness", "db"),
        ("  memory limit 64MiB", "keyword.other.setup.harness", "memory"),
        ("    spawns 2 children", "support.function.behaviour.harness", "spawns"),
        ("  orphan 5 from app living 10ms", "keyword.control.step.harness", "orphan"),
        ("  expect file /a matches /b c/", "string.regexp.harness", "/b c/"),
        ("  wait 250ms", "constant.numeric.duration.harness", "250ms"),
        ("  kill SIGRTMIN+3", "constant.language.signal.harness", "SIGRTMIN+3"),
        ("    | #!/bin/sh", "string.unquoted.block.harness", "    | #!/bin/sh"),
        ("# remark", "comment.line.number-sign.harness", "# remark"),
    ])
    func editorsFindTheWords(line: String, scope: String, word: String) throws {
        let json = try text(of: "editors/harness.tmLanguage.json")
        let grammar = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let found = try (grammar["patterns"] as? [[String: Any]] ?? []).contains { pattern in
            guard let expression = pattern["match"] as? String,
                let match = try NSRegularExpression(pattern: expression)
                    .firstMatch(in: line, range: NSRange(line.startIndex..., in: line))
            else { return false }
            if pattern["name"] as? String == scope { return (line as NSString).substring(with: match.range) == word }
            let captures = pattern["captures"] as? [String: [String: String]] ?? [:]
            return captures.contains { number, capture in
                capture["name"] == scope
                    && (line as NSString).substring(with: match.range(at: Int(number) ?? 0)) == word
            }
        }
        #expect(found)
    }

    @Test func everyFormHasAMeaningAndAnExample() {
        let entries = LanguageReference().sections.dropLast().flatMap(\.entries)
        let patterns = Set(entries.map(\.pattern))
        #expect(patterns.count == entries.count)
        var words: Set<Substring> = []
        for entry in entries {
            #expect(entry.meaning.hasSuffix("."), "\(entry.pattern)")
            if entry.example.hasPrefix("see `") {
                #expect(patterns.contains(String(entry.example.dropFirst(5).dropLast())), "\(entry.pattern)")
                continue
            }
            let parsed = parseScenarios(Array(entry.example.utf8), file: "example")
            #expect(parsed.values.count == 1, "\(entry.pattern)")
            #expect(parsed.isWellFormed, "\(entry.pattern): \(parsed.diagnostics.map(\.message))")
            #expect(parsed.diagnostics.isEmpty, "\(entry.pattern): \(parsed.diagnostics.map(\.message))")
            #expect(
                formattedScenarios(Array(entry.example.utf8), file: "example") == entry.example + "\n",
                "\(entry.pattern)")
            words.formUnion(entry.example.split { $0.isWhitespace || $0 == "," })
        }
        // Every word has an example, that of its own form or of another.
        #expect(LanguageReference().words.filter { !words.contains($0[...]) } == [])
    }
}
