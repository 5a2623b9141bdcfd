import Foundation
import Language
import Model
import Testing
import Vocabulary

/// Scenario → text → Scenario is the identity, and a text that has been formatted is formatted already.
@Suite("Writing and reading")
struct RoundTripTests {
    /// Faults of meaning that a random scenario may have: they say nothing of its spelling.
    private static let faultsOfMeaning: Set<Diagnostic.ID> = [
        .undecidable, .impossible, .conflict, .duplicate, .provesNothing, .tooEarly,
    ]

    @Test(.timeLimit(.minutes(10)), arguments: 0..<8)
    func whatIsWrittenIsReadBack(part: Int) {
        for seed in (part * 1250)..<((part + 1) * 1250) {
            var maker = RandomScenario(seed: UInt64(seed))
            let scenario = maker.make(title: "scenario \(seed) ")
            let text = scenario.text
            let parsed = parseScenarios(Array(text.utf8), file: "x")
            let faults = parsed.diagnostics.filter { !Self.faultsOfMeaning.contains($0.id) }
            guard faults.isEmpty, parsed.values == [scenario] else {
                let first = faults.first.map { "\($0.place): \($0.message)" } ?? "another value"
                Issue.record("seed \(seed): \(first)\n\(text)")
                return
            }
            #expect(parsed.values[0].text == text, "seed \(seed)")
            if parsed.isWellFormed {
                #expect(formattedScenarios(Array(text.utf8), file: "x") == text, "seed \(seed)")
            }
        }
    }

    /// A text as somebody may have typed it: the same words, other white space, comments anywhere.
    @Test(arguments: 0..<4)
    func formattingChangesNoValueAndIsDoneOnce(part: Int) {
        var random = SeededGenerator(seed: UInt64(part))
        var tried = 0
        for seed in (part * 500)..<((part + 1) * 500) {
            var maker = RandomScenario(seed: UInt64(seed))
            let canonical = maker.make(title: "a").text + "\n" + maker.make(title: "b").text
            let typed = Self.disorder(canonical, &random)
            let before = parseScenarios(Array(typed.utf8), file: "x")
            guard before.isWellFormed else { continue }
            tried += 1
            guard let once = formattedScenarios(Array(typed.utf8), file: "x") else {
                Issue.record("seed \(seed) is not formatted")
                return
            }
            #expect(parseScenarios(Array(once.utf8), file: "x").values == before.values, "seed \(seed)\n\(typed)")
            #expect(formattedScenarios(Array(once.utf8), file: "x") == once, "seed \(seed)\n\(typed)\n---\n\(once)")
            #expect(Self.comments(once) == Self.comments(typed), "seed \(seed)")
        }
        #expect(tried > 50)
    }

    private static func disorder(_ text: String, _ random: inout SeededGenerator) -> String {
        let step = ["   ", "\t", " ", "      "].randomElement(using: &random) ?? " "
        let end = ["\n", "\n", "\r\n"].randomElement(using: &random) ?? "\n"
        let hasReturns = text.contains("\r")
        var result = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let depth = line.prefix { $0 == " " }.count / 2
            let content = line.drop { $0 == " " }
            let isText = content.hasPrefix("|")
            if !isText, !content.isEmpty, !content.hasPrefix("#"), Int.random(in: 0..<6, using: &random) == 0 {
                result +=
                    String(repeating: step, count: Int.random(in: 0...3, using: &random))
                    + "# remark \(result.utf8.count)" + end
                if Int.random(in: 0..<2, using: &random) == 0 { result += end }
            }
            if !isText, !content.hasPrefix("#"), Int.random(in: 0..<8, using: &random) == 0 { result += end }
            result += String(repeating: step, count: depth) + content
            if !isText, !content.isEmpty, !content.hasPrefix("#"), Int.random(in: 0..<8, using: &random) == 0 {
                result += " \t # trailing \(result.utf8.count)  "
            }
            result += hasReturns ? "\n" : end
        }
        return result
    }

    private static func comments(_ text: String) -> [Substring] {
        text.split { $0.isNewline }.filter { !$0.drop(while: \.isWhitespace).hasPrefix("|") }.compactMap { line in
            line.firstRange(of: "# remark").map { line[$0.lowerBound...] }
                ?? line.firstRange(of: "# trailing").map { line[$0.lowerBound...] }
        }.map { Substring(String($0).split(separator: " ").joined(separator: " ")) }
    }

    /// Texts that once showed a fault, and the conformance suite: nothing is lost by writing or formatting.
    @Test func whatOnceShowedAFaultShowsNone() throws {
        let folder = ReferenceTests.root.appending(path: "Tests/Fuzz/corpus")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(!files.isEmpty)
        for file in files { Self.check(Array(try Data(contentsOf: file))) }
    }

    /// What a fuzzer without a guide comes up with: any text is read to its end, and what was read is written without loss.
    @Test(.timeLimit(.minutes(10)))
    func mutatedTextsAreReadToTheirEnd() {
        var random = SeededGenerator(seed: 1)
        for seed in 0..<1500 {
            var maker = RandomScenario(seed: UInt64(seed))
            var bytes = Array(maker.make(title: "a").text.utf8)
            for _ in 0..<Int.random(in: 1...20, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(UInt8.random(in: 9...127, using: &random), at: index)
                case 3: bytes.insert(contentsOf: Array(" # ".utf8), at: index)
                default: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 0...40, using: &random)))
                }
            }
            Self.check(bytes)
        }
    }

    private static func check(_ bytes: [UInt8]) {
        let parsed = parseScenarios(bytes, file: "x")
        for diagnostic in parsed.diagnostics { #expect(diagnostic.place.line >= 1 && diagnostic.place.column >= 1) }
        guard parsed.isWellFormed else { return }
        let once = formattedScenarios(bytes, file: "x")
        let again = once.map { parseScenarios(Array($0.utf8), file: "x").values }
        #expect(again == parsed.values)
        #expect(once.flatMap { formattedScenarios(Array($0.utf8), file: "x") } == once)
        for scenario in parsed.values {
            #expect(parseScenarios(Array(scenario.text.utf8), file: "x").values == [scenario])
        }
    }
}
