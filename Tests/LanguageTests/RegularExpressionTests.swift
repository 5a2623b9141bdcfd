import Model
import Testing

@Suite("Regular expressions")
struct RegularExpressionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let pattern: String
        let matches: [String]
        let fails: [String]
        var testDescription: String { pattern }
    }

    static let cases = [
        Case(pattern: "", matches: ["", "x"], fails: []),
        Case(pattern: "abc", matches: ["abc", "xabcx"], fails: ["ab", "acb"]),
        Case(pattern: "^abc$", matches: ["abc"], fails: ["xabc", "abcx", "abc\n"]),
        Case(pattern: "a.c", matches: ["abc", "a\u{1F600}c"], fails: ["ac", "a\nc"]),
        Case(pattern: "ab*c", matches: ["ac", "abbbc"], fails: ["adc"]),
        Case(pattern: "ab+c", matches: ["abc", "abbc"], fails: ["ac"]),
        Case(pattern: "ab?c", matches: ["ac", "abc"], fails: ["abbc"]),
        Case(pattern: "a{2}b", matches: ["aab", "aaab"], fails: ["ab"]),
        Case(pattern: "^a{2,3}b$", matches: ["aab", "aaab"], fails: ["ab", "aaaab"]),
        Case(pattern: "^a{2,}$", matches: ["aa", "aaaa"], fails: ["a"]),
        Case(pattern: "^a{0}b$", matches: ["b"], fails: ["ab"]),
        Case(pattern: "a{,2}", matches: ["a{,2}"], fails: ["aa"]),
        Case(pattern: "x{", matches: ["x{"], fails: ["x"]),
        Case(pattern: "cat|dog", matches: ["a cat", "dogs"], fails: ["cow"]),
        Case(pattern: "^(cat|do(g|ve))s?$", matches: ["cats", "dove", "dogs"], fails: ["do", "catdog"]),
        Case(pattern: "^(?:ab)+$", matches: ["abab"], fails: ["aba"]),
        Case(pattern: "^(|a)b$", matches: ["b", "ab"], fails: ["aab"]),
        Case(pattern: "^[a-c_]+$", matches: ["abc_"], fails: ["d", ""]),
        Case(pattern: "^[^a-c]$", matches: ["d", "\n"], fails: ["b"]),
        Case(pattern: "^[]a]$", matches: ["]", "a"], fails: ["b"]),
        Case(pattern: "^[a-]$", matches: ["-", "a"], fails: ["b"]),
        Case(pattern: "^[\\d.]+$", matches: ["1.2"], fails: ["1,2"]),
        Case(pattern: "^\\d{4}-\\d\\d$", matches: ["2026-11"], fails: ["26-11"]),
        Case(pattern: "\\bfoo\\b", matches: ["a foo b", "foo"], fails: ["food", "a_foo"]),
        Case(pattern: "\\Boo", matches: ["foo"], fails: ["oo"]),
        Case(pattern: "^\\w+\\s\\S+$", matches: ["a_1 !"], fails: ["a1!"]),
        Case(pattern: "^\\D\\W$", matches: ["a-"], fails: ["1-", "ab"]),
        Case(pattern: "a\\.b\\*\\\\", matches: ["a.b*\\"], fails: ["axb*\\"]),
        Case(pattern: "^a+?b$", matches: ["aab"], fails: ["b"]),
        Case(pattern: "^(a*)*$", matches: ["", "aaaa"], fails: ["b"]),
        Case(pattern: "\t\\t\\n\\r", matches: ["\t\t\n\r"], fails: ["tt"]),
        Case(pattern: "(((((a{0}){1000}){1000}){1000}){1000}){1000}b", matches: ["b"], fails: ["a"]),
        Case(pattern: "^((((){1000}){1000}){1000}){1000}$", matches: [""], fails: ["a"]),
        Case(pattern: "é", matches: ["caf\u{E9}"], fails: ["cafe\u{301}"]),
    ]

    @Test(arguments: cases) func matchesWhatItSays(example: Case) throws {
        let expression = try RegularExpression(example.pattern)
        for text in example.matches { #expect(expression.matches(in: text), "\(text)") }
        for text in example.fails { #expect(!expression.matches(in: text), "\(text)") }
    }

    @Test(arguments: [
        ("(a", "a ')' is missing"), ("a)", "there is no '(' for this ')'"), ("[a", "a ']' is missing"),
        ("*a", "there is nothing to repeat before '*'"), ("^*", "there is nothing to repeat before '*'"),
        ("a\\", "there is nothing after the last '\\'"),
        ("(?=a)", "of groups that begin with '(?' only '(?:' is known"),
        ("\\1", "'\\1' is not known"), ("[z-a]", "a range goes from the lower character to the higher"),
        ("a{3,2}", "a count is from 0 to 1000, and the second is not less than the first"),
        ("(a{1000}){1000}", "it is too long, with what it counts written out"),
        (String(repeating: "(", count: 200), "it has more than 100 groups in each other"),
    ])
    func saysWhatIsWrong(pattern: String, reason: String) {
        #expect(throws: RegularExpression.Problem(reason: reason)) { try RegularExpression(pattern) }
    }
}
