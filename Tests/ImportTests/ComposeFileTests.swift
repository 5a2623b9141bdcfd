import Testing

@testable import Import

/// What Compose makes of a file as people write it.
@Suite("Compose files")
struct ComposeFileTests {
    private static func variables(_ name: String) -> String? { ["A": "a", "EMPTY": "", "B": "b c"][name] }

    /// As `docker compose config` answers for the same texts (compose-spec, 12-interpolation.md).
    @Test(arguments: [
        ("plain", "plain"), ("$A", "a"), ("${A}", "a"), ("x${A}y$B.", "xayb c."), ("$$A", "$A"), ("$NOPE", ""),
        ("${NOPE:-usual}", "usual"), ("${EMPTY:-usual}", "usual"), ("${EMPTY-usual}", ""), ("${NOPE-usual}", "usual"),
        ("${A:+other}", "other"), ("${EMPTY:+other}", ""), ("${EMPTY+other}", "other"), ("${NOPE+other}", ""),
        ("${A:?why}", "a"), ("${NOPE:-${B}}", "b c"), ("${NOPE:-a-b}", "a-b"),
    ])
    func variablesAreFilledIn(text: String, expected: String) throws {
        #expect(try ComposeFile.interpolated(text, Self.variables) == expected)
    }

    @Test(arguments: [
        ("${NOPE:?set it}", "'${NOPE:?set it}': NOPE is not set: set it"),
        ("${EMPTY:?}", "'${EMPTY:?}': EMPTY is not set"),
        ("${A", "'${A': a '}' is missing"), ("a $ b", "'a $ b': '$' begins no variable; a dollar is written '$$'"),
        ("${}", "'${}': '${}' names no variable"), ("${A*}", "'${A*}': '${A*}' is no variable"),
        ("$", "'$': '$' begins no variable; a dollar is written '$$'"),
    ])
    func whatIsNoVariableIsRefused(text: String, words: String) {
        #expect { try ComposeFile.interpolated(text, Self.variables) } throws: { "\($0)" == words }
    }

    @Test(arguments: [
        ("a b  c", ["a", "b", "c"]), ("a 'b c' \"d e\"", ["a", "b c", "d e"]), ("a\\ b", ["a b"]), ("'a\\b'", ["a\\b"]),
        ("x=''", ["x="]), ("", []), ("\"\"", [""]), ("'a'\"b\"c", ["abc"]),
    ])
    func aCommandIsPartedInWords(text: String, words: [String]) throws {
        #expect(try ComposeFile.words(text) == words)
    }

    /// Quotes, remarks, lines without end, a mark of the byte order; the environment wins.
    @Test func aFileOfVariablesIsReadAsComposeReadsIt() {
        let text =
            "\u{FEFF}FOO=bar\r\nREF=${FOO}-1\nBAZ=\"q $FOO\" # c\nPLAIN=v # c\nexport Q='a $X'\nM=\"one\ntwo\"\n# no=1\nbad line\nA=own\nE=\nN=a#b\nLAST=\"open"
        let own = ComposeFile.variables(in: text, besides: Self.variables)
        let expected = [
            "FOO": "bar", "REF": "bar-1", "BAZ": "q bar", "PLAIN": "v", "Q": "a $X", "M": "one\ntwo", "A": "own",
            "E": "",
            "N": "a#b", "LAST": "open",
        ]
        #expect(own == expected)
        #expect(ComposeFile.variables(in: "A=own\nB2=$A", besides: Self.variables)["B2"] == "a")
    }

    /// As kubelet fills in a command (expand_test.go has these cases).
    @Test(arguments: [
        ("$(A)", "60"), ("x$(A)y", "x60y"), ("$(NO)", "$(NO)"), ("$$(A)", "$(A)"), ("$$$(A)", "$60"), ("$A", "$A"),
        ("$", "$"),
        ("$(A", "$(A"), ("$(A)$(B)", "60b=c"), ("", ""), ("$$", "$"),
    ])
    func aPodsCommandHasItsVariables(text: String, expected: String) {
        #expect(ContainerDocument.expanded(text, ["A=1", "A=60", "B=b=c"]) == expected)
    }

    @Test(arguments: ["'a", "\"a", "a\\"]) func anOpenQuoteIsRefused(text: String) {
        #expect(throws: ImportError.self) { try ComposeFile.words(text) }
    }
}
