import Language
import Model
import Testing

/// A malformed text beside the diagnostics that it must give: `line:column id message` each, and nothing else.
@Suite("Diagnostics")
struct DiagnosticTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let expected: [String]

        init(_ text: String, _ expected: String...) {
            self.text = text
            self.expected = expected
        }

        var testDescription: String { text.split(separator: "\n").last.map(String.init) ?? "" }
    }

    static let start = "scenario \"x\"\n  service db\n  service api\n"
    static let started = start + "  start\n"

    static let cases: [Case] = [
        // Lines and words
        Case("", ""),
        Case("scenari \"x\"\n", "1:1 unknown-word 'scenari' is not 'scenario' → scenario"),
        Case("scenario x\n", "1:10 unexpected the scenario's title stands in quotes"),
        Case("scenario\n", "1:9 missing the scenario's title is missing here"),
        Case(
            "scenario \"x\n  start\n", "1:10 unclosed-string this string has no closing quote on its line",
            "2:3 bad-indentation nothing stands above that it could belong to",
            "2:3 unknown-word 'start' is not 'scenario'"),
        Case(start + "    stert\n", "4:5 unknown-word 'stert' is not a behaviour of a service"),
        Case(
            started + "  expect db ready\n x\n",
            "6:2 bad-indentation the indentation fits neither the line above nor a block around it",
            "6:2 unknown-word 'x' is not a word of a scenario"),
        Case(
            started + "  expect exit 0\n    more\n",
            "6:5 bad-indentation 'expect' has no block, but this line is indented under it"),
        // What there is
        Case(
            "scenario \"x\"\n  tag a\n  service a\n  start\n  expect exit 0\n",
            "2:3 unknown-word 'tag' is not a word of a scenario → tags"),
        Case(
            "scenario \"x\"\n  requires reapin\n  service a\n  start\n  expect exit 0\n",
            "2:12 unknown-word 'reapin' is not an ability of an init → reaping"),
        Case(
            "scenario \"x\"\n  runtime dockr\n  service a\n  start\n  expect exit 0\n",
            "2:11 unknown-word 'dockr' is not a runtime → docker"),
        Case(
            "scenario \"x\"\n  runtime podman\n  service a\n  start\n  expect exit 0\n",
            "2:11 not-yet-supported 'podman' is a word of the language that this version cannot carry out yet"),
        Case(
            "scenario \"x\"\n  volume v at /v\n  service a\n  start\n  expect exit 0\n",
            "2:3 not-yet-supported 'volume' is a word of the language that this version cannot carry out yet"),
        Case(
            "scenario \"x\"\n  stop signal SIGTREM\n  service a\n  start\n  expect exit 0\n",
            "2:15 bad-value 'SIGTREM' is not a signal → SIGTERM"),
        Case(
            "scenario \"x\"\n  stop signal TERM grace ten\n  service a\n  start\n  expect exit 0\n",
            "2:26 bad-value 'ten' is not a duration, such as 250ms or 10s"),
        Case(
            "scenario \"x\"\n  stop signal TERM after 1s\n  service a\n  start\n  expect exit 0\n",
            "2:20 unexpected nothing is expected after 'TERM', found 'after'"),
        Case(
            "scenario \"x\"\n  env A\n  service a\n  start\n  expect exit 0\n",
            "2:7 bad-value 'A' is not of the form NAME=value"),
        Case(
            "scenario \"x\"\n  tmpfs run\n  service a\n  start\n  expect exit 0\n",
            "2:9 bad-value 'run' is not an absolute path without '..'"),
        Case(
            "scenario \"x\"\n  service a b\n  start\n  expect exit 0\n",
            "2:13 unexpected nothing is expected after 'a', found 'b'"),
        Case(
            "scenario \"x\"\n  service ä\n  start\n  expect exit 0\n",
            "2:11 bad-value 'ä' is not a service's name: letters, digits, '-' and '_'"),
        Case(
            "scenario \"x\"\n  service init\n  service a\n  start\n  expect exit 0\n",
            "2:11 bad-value 'init' is not a service's name: the word means somebody else"),
        Case(start + "  service db\n  start\n  expect exit 0\n", "4:11 duplicate there is a service 'db' already"),
        Case(
            started + "  expect exit 0\nscenario \"x\"\n  service a\n",
            "6:1 duplicate there is a scenario \"x\" in this file already"),
        Case(
            "scenario \"x\"\n  service a after b\n  start\n  expect exit 0\n",
            "2:11 unknown-service 'a' comes after 'b', which is no service of this scenario → a"),
        Case(
            "scenario \"x\"\n  service a after b\n  service b after a\n  start\n  expect exit 0\n",
            "2:11 cycle each of these comes after the next: a, b, a"),
        Case(
            "scenario \"x\"\n  service a after a\n  start\n  expect exit 0\n",
            "2:11 cycle each of these comes after the next: a, a"),
        Case(
            "scenario \"x\"\n  command sleep 1\n  service a\n  start\n  expect exit 0\n",
            "3:11 unexpected the init's child is given twice: by 'command sleep' and by this service"),
        Case(
            started + "  expect exit 0\n  tags a\n",
            "6:3 setup-after-step 'tags' says what there is: it stands before the first step"),
        Case(
            "scenario \"x\"\n  stop signal TERM\n  stop signal HUP\n  service a\n  start\n  expect exit 0\n",
            "3:3 duplicate 'stop' stands here for the second time"),
        Case(
            "scenario \"x\"\n  tmpfs /a/../b\n  service a\n  start\n  expect exit 0\n",
            "2:9 bad-value '/a/../b' is not an absolute path without '..'"),
        // Behaviour
        Case(
            "scenario \"x\"\n  service a\n    ready after 1s\n    ready after 2s\n  start\n  expect exit 0\n",
            "4:5 duplicate this contradicts or repeats what 'a' is told above"),
        Case(
            "scenario \"x\"\n  service a\n    exits 1 after 1s\n    dies of HUP after 2s\n  start\n  expect exit 0\n",
            "4:5 duplicate this contradicts or repeats what 'a' is told above"),
        Case(
            "scenario \"x\"\n  service a\n    ignores KILL\n  start\n  expect exit 0\n",
            "3:13 bad-value 'KILL' is not a signal that can be caught"),
        Case(
            "scenario \"x\"\n  service a\n    leaves +5 zombies\n  start\n  expect exit 0\n",
            "3:12 bad-value '+5' is not a number from 1 to 10000"),
        Case(
            "scenario \"x\"\n  service a\n    redy after 1s\n  start\n  expect exit 0\n",
            "3:5 unknown-word 'redy' is not a behaviour of a service → ready"),
        Case(
            "scenario \"x\"\n  service a\n    ready 1s\n  start\n  expect exit 0\n",
            "3:11 unexpected expected 'after', found '1s'"),
        Case(
            "scenario \"x\"\n  service a\n    ready after -1s\n  start\n  expect exit 0\n",
            "3:17 bad-value '-1s' is not a time that can pass"),
        Case(
            "scenario \"x\"\n  service a\n    exits 256 after 1s\n  start\n  expect exit 0\n",
            "3:11 bad-value '256' is not a number from 0 to 255"),
        Case(
            "scenario \"x\"\n  service a\n    exits 2\n  start\n  expect exit 0\n",
            "3:12 missing 'after' is missing here"),
        Case(
            "scenario \"x\"\n  service a\n    ignores\n  start\n  expect exit 0\n",
            "3:12 missing a signal is missing here"),
        Case(
            "scenario \"x\"\n  service a\n    ignores TERM,\n  start\n  expect exit 0\n",
            "3:18 missing a signal is missing here"),
        Case(
            "scenario \"x\"\n  service a\n    leaves 99999999999999999999 orphans living 1s\n  start\n  expect exit 0\n",
            "3:12 bad-value '99999999999999999999' is not a number from 1 to 10000"),
        Case(
            "scenario \"x\"\n  service a\n    oneshot\n  start\n  expect exit 0\n",
            "3:5 not-yet-supported 'oneshot' is a word of the language that this version cannot carry out yet"),
        Case(
            "scenario \"x\"\n  service a\n    runs\n  start\n  expect exit 0\n",
            "3:9 missing a command line is missing here"),
        Case(
            "scenario \"x\"\n  service a\n    runs sleep 1\n    stop takes 1s\n  start\n  expect exit 0\n",
            "2:11 unexpected 'a' runs a real program, which does what it does: no other behaviour can be given"),
        // What happens
        Case(
            start + "  strat\n  expect exit 0\n", "4:3 unknown-word 'strat' is not a word of a scenario → start",
            "5:3 undecidable the container has not been started before this"),
        Case(
            started + "  start\n  expect exit 0\n",
            "5:3 not-yet-supported a second 'start' is something that this version cannot carry out yet"),
        Case(
            started + "  recreate\n  expect exit 0\n",
            "5:3 not-yet-supported 'recreate' is a word of the language that this version cannot carry out yet"),
        Case(started + "  signal TERM db\n  expect exit 0\n", "5:15 unexpected expected 'to', found 'db'"),
        Case(
            started + "  crash dbb\n  expect exit 0\n", "5:3 unknown-service 'dbb' is no service of this scenario → db"),
        Case(started + "  wait for db ready\n  expect exit 0\n", "5:20 missing 'within' is missing here"),
        // What must be so
        Case(started + "  expect\n", "5:9 missing a condition is missing here"),
        Case(started + "  expect db redy\n", "5:13 unknown-word 'redy' is not a condition → ready"),
        Case(started + "  expect dbb ready\n", "5:3 unknown-service 'dbb' is no service of this scenario → db"),
        Case(started + "  expect db.1 ready\n", "5:3 unknown-service 'db.1' is no service of this scenario → db"),
        Case(
            started + "  expect runtime ready\n",
            "5:3 undecidable the runtime is no process of the container: it only sends signals"),
        Case(started + "  expect no no zombies\n", "5:13 unexpected 'no no' turns the answer round twice"),
        Case(
            started + "  expect exit 0 within 1s within 2s\n",
            "5:27 unexpected expected 'within', 'for' or the end of the line, found 'within' → within"),
        Case(started + "  expect exit 300\n", "5:15 bad-value '300' is not a number from 0 to 255"),
        Case(started + "  expect db stopped before db\n", "5:13 undecidable 'db' cannot stop before itself"),
        Case(started + "  expect stop took less than 1s\n", "5:3 undecidable nothing was stopped before this"),
        Case(
            started + "  expect exit 0 witin 1s\n",
            "5:17 unexpected expected 'within', 'for' or the end of the line, found 'witin' → within"),
        Case(
            started + "  expect restarts 3\n",
            "5:10 not-yet-supported 'restarts' is a word of the language that this version cannot carry out yet"),
        Case(started + "  expect output contains here\n", "5:26 unexpected the text stands in quotes"),
        Case(start + "  expect db ready\n  start\n", "4:3 undecidable the container has not been started before this"),
        Case("scenario \"x\"\n  service a\n", "1:1 empty-scenario nothing happens in this scenario"),
        Case(
            "scenario \"x\"\n  start\n  expect exit 0\n",
            "1:1 empty-scenario this scenario has neither a service nor a command to start"),
        Case(started, "1:1 empty-scenario nothing is expected in this scenario: it cannot fail"),
    ]

    @Test(arguments: cases)
    func saysExactlyWhatIsWrong(example: Case) {
        let found = parseScenarios(Array(example.text.utf8), file: "x").diagnostics.map { diagnostic in
            "\(diagnostic.place.line):\(diagnostic.place.column) \(diagnostic.id.rawValue) \(diagnostic.message)"
                + (diagnostic.suggestion.map { " → \($0)" } ?? "")
        }
        #expect(Set(found) == Set(example.expected.filter { !$0.isEmpty }))
    }

    @Test func everyKindHasAnExample() {
        var seen: Set<Diagnostic.ID> = []
        for example in Self.cases {
            seen.formUnion(parseScenarios(Array(example.text.utf8), file: "x").diagnostics.map(\.id))
        }
        seen.formUnion(parseScenarios([0x73, 0xFF], file: "x").diagnostics.map(\.id))
        #expect(seen == Set(Diagnostic.ID.allCases))
    }

    @Test func marksThePlaceUnderTheLine() {
        let text = "scenario \"x\"\n\tservice ä\n"
        let rendered = parseScenarios(Array(text.utf8), file: "a.scenario").diagnostics.first { $0.id == .badValue }?
            .rendered(source: text)
        #expect(
            rendered == """
                a.scenario:2:10: error: 'ä' is not a service's name: letters, digits, '-' and '_' [bad-value]
                 2 | \tservice ä
                   | \t        ^~

                """)
    }

    @Test func tellsOfEverythingInOneGo() {
        let text = "scenario \"x\"\n  tag a\n  service a\n    redy\n  strat\n  expect a redy\n"
        #expect(parseScenarios(Array(text.utf8), file: "x").diagnostics.count >= 4)
    }

    @Test(.timeLimit(.minutes(1)))
    func endsOnAnyInput() {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        for _ in 0..<2000 {
            var bytes = Array(ParserTests.whole.utf8)
            for _ in 0..<(1 + next() % 20) {
                let index = Int(next() % UInt64(bytes.count))
                switch next() % 4 {
                case 0: bytes[index] = UInt8(truncatingIfNeeded: next())
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(UInt8(truncatingIfNeeded: next() % 128), at: index)
                default: bytes.removeSubrange(index..<min(bytes.count, index + Int(next() % 40)))
                }
            }
            for diagnostic in parseScenarios(bytes, file: "x").diagnostics {
                #expect(diagnostic.place.line >= 1 && diagnostic.place.column >= 1)
                _ = diagnostic.rendered(source: String(decoding: bytes, as: UTF8.self))
            }
        }
    }
}
