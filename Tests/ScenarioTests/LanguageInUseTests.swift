import Harness
import TestSupport
import Testing

/// The language, carried out.
@Suite("The language in use", .timeLimit(.minutes(10)))
struct LanguageInUseTests {
    /// The examples of the reference that this version can carry out.
    static let examples = LanguageReference().sections.dropLast().flatMap(\.entries)
        .filter { $0.example.hasPrefix("#") || $0.example.hasPrefix("scenario") }

    @Test func everyExampleOfTheReferencePasses() async throws {
        try await Self.expectToPass(Self.examples.filter { !$0.example.contains("restart delays") }, atLeast: 40)
    }

    static func expectToPass(_ examples: [LanguageReference.Entry], atLeast count: Int) async throws {
        var all: [Scenario] = []
        for entry in examples {
            let parsed = parseScenarios(Array(entry.example.utf8), file: "example of `\(entry.pattern)`")
            #expect(parsed.diagnostics.isEmpty)
            all += parsed.values
        }
        #expect(all.count >= count)
        var results: [RunResult] = []
        for name in ["reference", "none"] {
            let own = all.filter { $0.inits.first ?? "reference" == name }
            results += try await run(own, on: [Checkout.profile(name)])
        }
        #expect(results.count == all.count)
        for result in results {
            #expect(result.verdict == .passed, "\(result.scenario.place.file): \(result.verdict)")
        }
    }

    /// Words in a scenario file that are not text: those of comments, quotations and files are none of the language.
    private static func words(of text: String) -> Set<Substring> {
        var result: Set<Substring> = []
        for line in text.split(separator: "\n") {
            let content = line.drop { $0 == " " }
            if content.hasPrefix("#") || content.hasPrefix("|") { continue }
            let pieces = content.split(separator: "\"", omittingEmptySubsequences: false)
            for index in pieces.indices where index.isMultiple(of: 2) {
                result.formUnion(pieces[index].split(separator: " "))
            }
        }
        return result
    }

    @Test func everyWordOfTheLanguageIsUsedByAScenario() throws {
        let files = SourceFile.files(at: Checkout.root + "/scenarios").filter { $0.hasSuffix(".scenario") }
        var used: Set<Substring> = []
        for file in files {
            used.formUnion(Self.words(of: String(decoding: try SourceFile.bytes(of: file), as: UTF8.self)))
        }
        let unused = LanguageReference().words.filter { !used.contains($0[...]) }
        #expect(unused == [])
    }

    @Test func everyFileIsInCanonicalForm() throws {
        for file in SourceFile.files(at: Checkout.root + "/scenarios") {
            let bytes = try SourceFile.bytes(of: file)
            #expect(SourceFile.formatted(bytes, file: file).map { Array($0.utf8) } == bytes, "\(file)")
        }
    }
}
