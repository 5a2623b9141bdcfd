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

    /// Quotes within quotes, a remark in place of a value, no name.
    @Test(arguments: [
        ("X=\"a\\\"b\"\nY=1", ["X": "a\"b", "Y": "1"]), ("A2=  # nothing", ["A2": ""]), ("=x\nB2=1", ["B2": "1"]),
        ("X='a\\'", ["X": "a\\"]), ("X=\"\\\\\"", ["X": "\\"]),
    ])
    func oddVariablesAreReadAsComposeReadsThem(text: String, expected: [String: String]) {
        #expect(ComposeFile.variables(in: text, besides: { _ in nil }) == expected)
    }

    /// Variables of variables end: in a file of them, in a text, in a pod.
    @Test func variablesOfVariablesEnd() {
        let doubling = "V0=0123456789\n" + (1...40).map { "V\($0)=$V\($0 - 1)$V\($0 - 1)\n" }.joined()
        let own = ComposeFile.variables(in: doubling, besides: { _ in nil })
        #expect(own.values.map(\.utf8.count).reduce(0, +) < 32 << 20)
        let long = String(repeating: "x", count: 1 << 20)
        #expect(throws: ImportError.self) {
            try ComposeFile.interpolated(String(repeating: "$A", count: 1000), { _ in long })
        }
        #expect(throws: ImportError.self) {
            try ComposeFile.interpolated(String(repeating: "${A-", count: 8000) + String(repeating: "}", count: 8000)) {
                _ in nil
            }
        }
        #expect(throws: ImportError.self) {
            try ContainerDocument.expanded(String(repeating: "$(A)", count: 1000), ["A": long], ComposeFile.Budget())
        }
    }

    /// As kubelet fills in a command (expand_test.go has these cases).
    @Test(arguments: [
        ("$(A)", "60"), ("x$(A)y", "x60y"), ("$(NO)", "$(NO)"), ("$$(A)", "$(A)"), ("$$$(A)", "$60"), ("$A", "$A"),
        ("$", "$"),
        ("$(A", "$(A"), ("$(A)$(B)", "60b=c"), ("", ""), ("$$", "$"),
    ])
    func aPodsCommandHasItsVariables(text: String, expected: String) throws {
        let variables = ["A": "60", "B": "b=c"]
        #expect(try ContainerDocument.expanded(text, variables, ComposeFile.Budget()) == expected)
    }

    @Test(arguments: ["'a", "\"a", "a\\"]) func anOpenQuoteIsRefused(text: String) {
        #expect(throws: ImportError.self) { try ComposeFile.words(text) }
    }
}
