import Model
import Reports
import Testing

/// Diagnostics as people, and programs, see them.
@Suite("Reports of diagnostics")
struct DiagnosticReportTests {
    private func text(_ source: String, line: Int, column: Int, length: Int, notes: [Diagnostic.Note] = []) -> String {
        let place = SourcePlace(file: "a", line: line, column: column)
        let diagnostic = Diagnostic(.badValue, "wrong", at: place, length: length, suggestion: "right", notes: notes)
        return FileDiagnostics(file: "a", source: source, diagnostics: [diagnostic]).humanText()
    }

    @Test func theMarkStandsUnderThePlace() {
        #expect(
            text("x\n\tservice ä b\r\n", line: 2, column: 10, length: 2) == """
                a:2:10: error: wrong; did you mean 'right'? [bad-value]
                 2 | \tservice ä b
                   | \t        ^

                """)
        #expect(text("one two", line: 1, column: 8, length: 1).hasSuffix(" 1 | one two\n   |        ^\n"))
    }

    @Test func notesShowTheirLinesToo() {
        let note = Diagnostic.Note("it is set here", at: SourcePlace(file: "a", line: 1, column: 5))
        #expect(
            text("one two\none", line: 2, column: 1, length: 3, notes: [note]).hasSuffix(
                """
                 2 | one
                   | ^~~
                a:1:5: note: it is set here
                 1 | one two
                   |     ^

                """))
    }

    @Test func ofALongLineWhatStandsAroundThePlaceIsShown() {
        let line = String(repeating: "é", count: 5000) + "X" + String(repeating: "b", count: 5000)
        let report = text(line, line: 1, column: 10001, length: 1)
        let lines = report.split(separator: "\n")
        #expect(lines.count == 3 && lines.allSatisfy { $0.count < 200 })
        let mark = lines[2].firstIndex(of: "^").map { lines[2].distance(from: lines[2].startIndex, to: $0) } ?? 0
        #expect(lines[1][lines[1].index(lines[1].startIndex, offsetBy: mark)] == "X")
    }

    @Test func controlCharactersAreShownNotObeyed() {
        #expect(!text("a\u{1B}[2Kb", line: 1, column: 1, length: 1).contains("\u{1B}"))
    }

    @Test func aPlaceThatIsNotThereShowsNoLine() {
        #expect(
            text("one", line: 7, column: 1, length: 1) == "a:7:1: error: wrong; did you mean 'right'? [bad-value]\n")
        #expect(text("one", line: 1, column: 99, length: 5).hasSuffix(" 1 | one\n   |    ^\n"))
    }

    @Test func afterAHundredTheRestIsCounted() {
        let place = SourcePlace(file: "a", line: 1, column: 1)
        let all = (0..<150).map { Diagnostic(.missing, "number \($0)", at: place) }
        let report = FileDiagnostics(file: "a", source: "x", diagnostics: all).humanText()
        #expect(report.contains("number 99 ") && !report.contains("number 100 "))
        #expect(report.hasSuffix("a: … and 50 more\n"))
    }

    @Test func gitHubGetsOneCommandForEach() {
        let place = SourcePlace(file: "b,c.scenario", line: 3, column: 4)
        let diagnostic = Diagnostic(.cycle, "100%: a\nb", at: place, notes: [.init("here", at: place)])
        #expect(
            FileDiagnostics(file: "b,c.scenario", source: "", diagnostics: [diagnostic]).gitHubText()
                == "::error file=b%2Cc.scenario,line=3,col=4,title=cycle::100%25: a%0Ab%0Ab,c.scenario:3:4: here\n")
    }
}
