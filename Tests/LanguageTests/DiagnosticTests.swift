import Language
import Model
import Testing

/// A malformed text beside the diagnostics that it must give, and nothing else: `line:column+length id message`, the
/// suggestion behind an arrow, the notes in parentheses.
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

    @Test(arguments: linesAndSetup + settingsAndFiles + servicesAndBehaviour + steps + conditions)
    func saysExactlyWhatIsWrong(example: Case) {
        #expect(diagnostics(of: Array(example.text.utf8)) == example.expected)
    }

    // MARK: - What proves nothing

    private static let fresh = " (4:3 it has just been started here)"
    private static func nothing(_ place: String, _ cure: String) -> String {
        "\(place) proves-nothing nothing can have happened yet, so this holds of every init: wait for something first, or say for "
            + "how long with '\(cure)'" + fresh
    }
    private static let early =
        "too-early this comes before any program can have prepared for it: wait for something first ('wait for db ready within 5s')"
        + fresh

    static let warnings: [Case] = [
        Case(started + "  expect no exit 7\n", nothing("5:3+1", "within")),
        Case(started + "  expect no exit 7 within 1s\n"),
        Case(started + "  expect no exit 7 for 1s\n"),
        Case(started + "  expect nobody killed\n", nothing("5:3+1", "for")),
        Case(started + "  expect no service killed\n", nothing("5:3+1", "for")),
        Case(started + "  expect no zombies within 5s\n", nothing("5:3+1", "for")),
        Case(started + "  expect no processes left\n", nothing("5:3+1", "for")),
        Case(started + "  expect db received nothing\n", nothing("5:3+1", "for")),
        Case(started + "  expect db received TERM 0 times\n", nothing("5:3+1", "for")),
        Case(started + "  expect no output contains \"x\"\n", nothing("5:3+1", "within")),
        Case(started + "  expect nobody killed for 1s\n"),
        Case(started + "  expect db ready within 1s\n  expect nobody killed\n"),
        Case(
            started + "  wait 1s\n  restart\n  expect no zombies\n",
            nothing("7:3+1", "for").replacing("4:3", with: "6:3")),
        Case(
            started + "  wait 1s\n  expect marker /m unchanged\n",
            "6:3+1 proves-nothing there has been one life only, in which nothing could change the marker of another"),
        Case(started + "  wait 1s\n  restart\n  expect marker /m unchanged\n"),
        Case(
            started + "  expect no db ready within 1s for 1s\n",
            "5:32+3 conflict 'no … within' says already that it does not come true in that time: leave out 'for'"),
        Case(started + "  stop\n  expect exit 0\n", "5:3+1 " + early),
        Case(started + "  kill TERM\n  expect exit 0 within 1s\n", "5:3+1 " + early),
        Case(started + "  signal TERM to init\n  expect exit 0 within 1s\n", "5:3+1 " + early),
        Case(started + "  stop grace 0s\n  expect exit 137\n"),
        Case(started + "  kill\n  expect exit 137\n"),
        Case(started + "  signal TERM to db\n  expect exit 0 within 1s\n"),
    ]

    /// What holds of every init is a warning: the scenario is run, and `lint` says what it is worth.
    @Test(arguments: warnings)
    func warnsOfWhatProvesNothing(example: Case) {
        #expect(diagnostics(of: Array(example.text.utf8)) == example.expected)
        let parsed = parseScenarios(Array(example.text.utf8), file: "x")
        #expect(parsed.isWellFormed == !example.expected.contains { $0.contains(" conflict ") })
    }

    @Test func everyKindHasAnExample() {
        let all = [
            Self.linesAndSetup, Self.settingsAndFiles, Self.servicesAndBehaviour, Self.steps, Self.conditions,
            Self.warnings,
        ].joined()
        var seen: Set<Diagnostic.ID> = []
        for example in all { seen.formUnion(parseScenarios(Array(example.text.utf8), file: "x").diagnostics.map(\.id)) }
        seen.formUnion(parseScenarios([0x73, 0xFF], file: "x").diagnostics.map(\.id))
        #expect(seen == Set(Diagnostic.ID.allCases))
        #expect(all.count >= 120)
    }

    // MARK: - What is no text

    static let binary: [(bytes: [UInt8], expected: String)] = [
        ([0x73, 0xFF], "1:2+1 not-text this is not UTF-8 text"),
        ([0x61, 0x0A, 0xFF, 0x0A, 0x0A, 0x62], "2:1+1 not-text this is not UTF-8 text"),
        ([0xED, 0xA0, 0x80, 0x62], "1:1+1 not-text this is not UTF-8 text"),
        (Array("scenario \"x\"\n  service a\n  st".utf8) + [0x00], "3:5+1 not-text this is no text: here is a NUL"),
        (Array("# \u{E9}\u{E9}".utf8).dropLast(), "1:5+1 not-text this is not UTF-8 text"),
        (Array("\u{7F}ELF".utf8) + [0x02, 0x01, 0x01, 0x00], "1:8+1 not-text this is no text: here is a NUL"),
    ]

    @Test(arguments: binary.indices)
    func refusesWhatIsNoText(index: Int) {
        #expect(diagnostics(of: Self.binary[index].bytes) == [Self.binary[index].expected])
    }

    @Test func saysSoOfATextThatIsTooLong() {
        let text = [UInt8](repeating: 0x0A, count: 64 << 20 + 1)
        #expect(diagnostics(of: text) == ["1:1+1 not-text this is no text of 64 MiB at most"])
    }

    /// Ten megabytes of mistakes: every one is told, in one go and in time that grows with the text only.
    @Test(.timeLimit(.minutes(10)))
    func tellsOfEverythingInALargeFile() {
        let text = "scenario \"x\"\n" + String(repeating: "  strat\n", count: 20_000)
        #expect(parseScenarios(Array(text.utf8), file: "x").diagnostics.count == 20_000)
        let deep = (0..<3000).map { String(repeating: " ", count: $0) + "repeat 2 times\n" }.joined()
        #expect(parseScenarios(Array(("scenario \"x\"\n" + deep).utf8), file: "x").diagnostics.count >= 2900)
        let long = "scenario \"x\"\n  command " + String(repeating: "a ", count: 200_000) + "\n  stert\n"
        #expect(
            diagnostics(of: Array(long.utf8)).first == "3:3+5 unknown-word 'stert' is not a word of a scenario → start")
    }

    @Test func placesCountBytes() {
        let text = "scenario \"é\"\n\tservice a\n\tstart\n\texpect output contains \"éé\" nwo\r\n"
        #expect(
            diagnostics(of: [0xEF, 0xBB, 0xBF] + Array(text.utf8)) == [
                "4:32+3 unexpected expected 'within', 'for' or the end of the line, found 'nwo'"
            ])
    }

    private func diagnostics(of bytes: [UInt8]) -> [String] {
        parseScenarios(bytes, file: "x").diagnostics.map { diagnostic in
            let place = "\(diagnostic.place.line):\(diagnostic.place.column)+\(diagnostic.length)"
            return "\(place) \(diagnostic.id.rawValue) \(diagnostic.message)"
                + (diagnostic.suggestion.map { " → \($0)" } ?? "")
                + diagnostic.notes.map { " (\($0.place.line):\($0.place.column) \($0.message))" }.joined()
        }
    }

    // MARK: - The table

    private static let start = "scenario \"x\"\n  service db\n  service api\n"
    private static let started = start + "  start\n"

    private static let linesAndSetup: [Case] = [
        Case(
            "scenari \"x\"\n",
            "1:1+7 unknown-word 'scenari' is not 'scenario' → scenario"),
        Case(
            "scenario x\n",
            "1:10+1 unexpected expected the scenario's title in quotes, found 'x'"),
        Case(
            "scenario\n",
            "1:9+1 missing the scenario's title in quotes is missing here"),
        Case(
            "scenario \"x\" y\n",
            "1:14+1 unexpected nothing is expected after 'x', found 'y'"),
        Case(
            "  scenario \"x\"\n    service a\n    start\n    expect exit 0\n",
            "1:3+1 bad-indentation there is no line above that it could belong to"),
        Case(
            "scenario \"x\n  start\n",
            "1:10+2 unclosed this string does not end on its line"),
        Case(
            "scenario \"x\"\n  service a\n  start\n  expect output contains \"abc\n  expect exit 0\n",
            "4:26+4 unclosed this string does not end on its line"),
        Case(
            "scenario \"x\"\n  service a\n  start\n  expect file /x matches /abc\n",
            "4:26+4 unclosed this regular expression does not end on its line"),
        Case(
            start + "    stert\n  start\n  expect exit 0\n",
            "4:5+5 unknown-word 'stert' is not a behaviour of a service"),
        Case(
            started + "  expect db ready\n x\n",
            "6:2+1 bad-indentation the indentation fits neither the line above nor a block around it",
            "6:2+1 unknown-word 'x' is not a word of a scenario"),
        Case(
            started + "  expect exit 0\n    more\n",
            "6:5+1 bad-indentation 'expect' has no block, but this line is indented under it (5:3 this is the line above)"
        ),
        Case(
            "| text\n",
            "1:1+6 unexpected a line of text belongs in the block of a 'file'"),
        Case(
            start + "  | text\n  start\n  expect exit 0\n",
            "4:3+6 unexpected a line of text belongs in the block of a 'file'"),
        Case(
            "\"scenario\" x\n",
            "1:1+10 unknown-word '\"scenario\"' is not 'scenario'"),
        Case(
            "scenario \"x\"\n\tservice a\n  start\n",
            "3:3+1 bad-indentation the indentation fits neither the line above nor a block around it"),
        Case(
            "scenario \"x\"\n  tag a\n  service a\n  start\n  expect exit 0\n",
            "2:3+3 unknown-word 'tag' is not a word of a scenario → tags"),
        Case(
            "scenario \"x\"\n  tags\n  service a\n  start\n  expect exit 0\n",
            "2:7+1 missing a tag is missing here"),
        Case(
            "scenario \"x\"\n  tags a,\n  service a\n  start\n  expect exit 0\n",
            "2:10+1 missing a tag is missing here"),
        Case(
            "scenario \"x\"\n  tags a,, b\n  service a\n  start\n  expect exit 0\n",
            "2:10+1 missing a tag is missing before this ','"),
        Case(
            "scenario \"x\"\n  tags , a\n  service a\n  start\n  expect exit 0\n",
            "2:8+1 missing a tag is missing before this ','"),
        Case(
            "scenario \"x\"\n  tags a b\n  service a\n  start\n  expect exit 0\n",
            "2:10+1 unexpected nothing is expected after 'a', found 'b'"),
        Case(
            "scenario \"x\"\n  requires reapin\n  service a\n  start\n  expect exit 0\n",
            "2:12+6 bad-value 'reapin' is not an ability of an init → reaping"),
        Case(
            "scenario \"x\"\n  requires\n  service a\n  start\n  expect exit 0\n",
            "2:11+1 missing an ability of an init is missing here"),
        Case(
            "scenario \"x\"\n  requires reaping supervision\n  service a\n  start\n  expect exit 0\n",
            "2:20+11 unexpected nothing is expected after 'reaping', found 'supervision'"),
        Case(
            "scenario \"x\"\n  runtime dockr\n  service a\n  start\n  expect exit 0\n",
            "2:11+5 bad-value 'dockr' is not a runtime → docker"),
        Case(
            "scenario \"x\"\n  runtime\n  service a\n  start\n  expect exit 0\n",
            "2:10+1 missing a runtime is missing here"),
        Case(
            "scenario \"x\"\n  runtime docker podman\n  service a\n  start\n  expect exit 0\n",
            "2:18+6 unexpected expected 'with', a number from 0 to 100000 or the end of the line, found 'podman'"),
        Case(
            "scenario \"x\"\n  runtime docker\n  runtime docker\n  service a\n  start\n  expect exit 0\n",
            "3:3+7 duplicate 'runtime' is set a second time (2:3 it is set here)"),
        Case(
            "scenario \"x\"\n  stop signal SIGTREM\n  service a\n  start\n  expect exit 0\n",
            "2:15+7 bad-value 'SIGTREM' is not a signal → SIGTERM"),
        Case(
            "scenario \"x\"\n  stop signal TERM grace ten\n  service a\n  start\n  expect exit 0\n",
            "2:26+3 bad-value 'ten' is not a duration, such as 250ms or 10s"),
        Case(
            "scenario \"x\"\n  stop signal TERM after 1s\n  service a\n  start\n  expect exit 0\n",
            "2:20+5 unexpected expected 'grace' or the end of the line, found 'after'"),
        Case(
            "scenario \"x\"\n  stop signal\n  service a\n  start\n  expect exit 0\n",
            "2:14+1 missing a signal is missing here"),
        Case(
            "scenario \"x\"\n  stop sginal TERM\n  service a\n  start\n  expect exit 0\n",
            "2:8+6 unexpected expected 'signal', 'grace', 'at' or the end of the line, found 'sginal' → signal"),
        Case(
            "scenario \"x\"\n  stop signal 65\n  service a\n  start\n  expect exit 0\n",
            "2:15+2 bad-value '65' is not a signal"),
        Case(
            "scenario \"x\"\n  stop signal SIGRTMIN+31\n  service a\n  start\n  expect exit 0\n",
            "2:15+11 bad-value 'SIGRTMIN+31' is not a signal"),
        Case(
            "scenario \"x\"\n  stop signal TERM\n  stop signal HUP\n  service a\n  start\n  expect exit 0\n",
            "3:3+11 duplicate 'stop signal' is set a second time (2:3 it is set here)"),
        Case(
            "scenario \"x\"\n  restart policy sometimes\n  service a\n  start\n  expect exit 0\n",
            "2:18+9 bad-value 'sometimes' is not a restart policy: no, always, unless-stopped, on-failure or on-failure:N"
        ),
        Case(
            "scenario \"x\"\n  restart policy on-failure:x\n  service a\n  start\n  expect exit 0\n",
            "2:18+12 bad-value 'on-failure:x' is not a restart policy: no, always, unless-stopped, on-failure or on-failure:N → on-failure"
        ),
        Case(
            "scenario \"x\"\n  volume v /v\n  service a\n  start\n  expect exit 0\n",
            "2:12+2 unexpected expected 'at', found '/v'"),
        Case(
            "scenario \"x\"\n  volume v at v\n  service a\n  start\n  expect exit 0\n",
            "2:15+1 bad-value 'v' is not an absolute path without '..'"),
        Case(
            "scenario \"x\"\n  volume at /v\n  service a\n  start\n  expect exit 0\n",
            "2:13+2 unexpected expected 'at', found '/v'"),
    ]

    private static let settingsAndFiles: [Case] = [
        Case(
            "scenario \"x\"\n  volume v at /v/../w\n  service a\n  start\n  expect exit 0\n",
            "2:15+7 bad-value '/v/../w' is not an absolute path without '..'"),
        Case(
            "scenario \"x\"\n  volume v at /v\n  volume v at /w\n  service a\n  start\n  expect exit 0\n",
            "3:10+1 duplicate there is a volume 'v' already (2:10 it is set here)"),
        Case(
            "scenario \"x\"\n  volume v at /v\n  tmpfs /v\n  service a\n  start\n  expect exit 0\n",
            "2:15+2 conflict a volume and a tmpfs are both at /v"),
        Case(
            "scenario \"x\"\n  tmpfs run\n  service a\n  start\n  expect exit 0\n",
            "2:9+3 bad-value 'run' is not an absolute path without '..'"),
        Case(
            "scenario \"x\"\n  tmpfs /a/../b\n  service a\n  start\n  expect exit 0\n",
            "2:9+7 bad-value '/a/../b' is not an absolute path without '..'"),
        Case(
            "scenario \"x\"\n  tmpfs\n  service a\n  start\n  expect exit 0\n",
            "2:8+1 missing an absolute path without '..' is missing here"),
        Case(
            "scenario \"x\"\n  tmpfs /run /tmp relative\n  service a\n  start\n  expect exit 0\n",
            "2:19+8 bad-value 'relative' is not an absolute path without '..'"),
        Case(
            "scenario \"x\"\n  cgroup x\n  service a\n  start\n  expect exit 0\n",
            "2:10+1 bad-value 'x' is not 'rw', 'ro', 'host-rw', 'host-ro' or 'none'"),
        Case(
            "scenario \"x\"\n  cgroup\n  service a\n  start\n  expect exit 0\n",
            "2:9+1 missing 'rw', 'ro', 'host-rw', 'host-ro' or 'none' is missing here"),
        Case(
            "scenario \"x\"\n  terminal\n  service a\n  start\n  expect exit 0\n",
            "2:11+1 missing 'on' is missing here"),
        Case(
            "scenario \"x\"\n  terminal off\n  service a\n  start\n  expect exit 0\n",
            "2:12+3 unexpected expected 'on', found 'off'"),
        Case(
            "scenario \"x\"\n  env A\n  service a\n  start\n  expect exit 0\n",
            "2:7+1 bad-value 'A' is not of the form NAME=value"),
        Case(
            "scenario \"x\"\n  env =b\n  service a\n  start\n  expect exit 0\n",
            "2:7+2 bad-value '=b' is not of the form NAME=value"),
        Case(
            "scenario \"x\"\n  env\n  service a\n  start\n  expect exit 0\n",
            "2:6+1 missing NAME=value is missing here"),
        Case(
            "scenario \"x\"\n  env A=b c\n  service a\n  start\n  expect exit 0\n",
            "2:11+1 unexpected nothing is expected after 'A=b', found 'c'"),
        Case(
            "scenario \"x\"\n  user root\n  service a\n  start\n  expect exit 0\n",
            "2:8+4 bad-value 'root' is not an owner: the numbers of a user and a group, such as 568:568"),
        Case(
            "scenario \"x\"\n  user 1000\n  service a\n  start\n  expect exit 0\n",
            "2:8+4 bad-value '1000' is not an owner: the numbers of a user and a group, such as 568:568"),
        Case(
            "scenario \"x\"\n  user 1:-1\n  service a\n  start\n  expect exit 0\n",
            "2:8+4 bad-value '1:-1' is not an owner: the numbers of a user and a group, such as 568:568"),
        Case(
            "scenario \"x\"\n  hostname\n  service a\n  start\n  expect exit 0\n",
            "2:11+1 missing a host name of 64 bytes at most is missing here"),
        Case(
            "scenario \"x\"\n  hostname aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n  service a\n  start\n  expect exit 0\n",
            "2:12+65 bad-value 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…' is not a host name of 64 bytes at most"
        ),
        Case(
            "scenario \"x\"\n  rootfs\n  service a\n  start\n  expect exit 0\n",
            "2:9+1 missing a directory is missing here"),
        Case(
            "scenario \"x\"\n  pids limit 0\n  service a\n  start\n  expect exit 0\n",
            "2:14+1 bad-value '0' is not a number from 1 to 10000"),
        Case(
            "scenario \"x\"\n  pids limits 5\n  service a\n  start\n  expect exit 0\n",
            "2:8+6 unexpected expected 'limit', found 'limits' → limit"),
        Case(
            "scenario \"x\"\n  pids limit many\n  service a\n  start\n  expect exit 0\n",
            "2:14+4 bad-value 'many' is not a number from 1 to 10000"),
        Case(
            "scenario \"x\"\n  memory limit 64MB2\n  service a\n  start\n  expect exit 0\n",
            "2:16+5 bad-value '64MB2' is not a size, such as 64MiB or 512k"),
        Case(
            "scenario \"x\"\n  memory limit 0\n  service a\n  start\n  expect exit 0\n",
            "2:16+1 bad-value '0' is not a size, such as 64MiB or 512k"),
        Case(
            "scenario \"x\"\n  memory 64m\n  service a\n  start\n  expect exit 0\n",
            "2:10+3 unexpected expected 'limit', found '64m'"),
        Case(
            "scenario \"x\"\n  pre-stop kill -TERM 1\n  service a\n  start\n  expect exit 0\n",
            "2:3+8 conflict docker has no pre-stop hook; kubernetes and compose have"),
        Case(
            "scenario \"x\"\n  runtime podman\n  post-start true\n  service a\n  start\n  expect exit 0\n",
            "3:3+10 conflict podman has no post-start hook; kubernetes and compose have"),
        Case(
            "scenario \"x\"\n  runtime nspawn\n  pid namespace shared\n  service a\n  start\n  expect exit 0\n",
            "3:3+3 conflict each machine of nspawn has a PID namespace of its own"),
        Case(
            "scenario \"x\"\n  pid namespace own\n  service a\n  start\n  expect exit 0\n",
            "2:17+3 unexpected expected 'shared', found 'own'"),
        Case(
            "scenario \"x\"\n  service a\n  start\n  client goes away\n  expect exit 0\n",
            "4:3+1 impossible nothing was begun with 'begin stop' or 'begin restart' before this"),
        Case(
            "scenario \"x\"\n  service a\n  start\n  wait for a ready within 5s\n  begin stop\n  expect nobody killed\n",
            "6:3+1 proves-nothing nothing can have come of it yet, so this holds of every init: wait for something first, or say for how long "
                + "with 'for' (5:3 it has just been begun here)"),
        Case(
            "scenario \"x\"\n  runtime docker\n  service a\n  start\n  wait for a ready within 5s\n  begin stop\n  expect state stopping\n",
            "7:16+8 undecidable docker calls it running until it has ended: only Podman has this state"),
        Case(
            "scenario \"x\"\n  service a\n  start\n  begin kill\n  expect exit 0\n",
            "4:9+4 unexpected expected 'start', 'stop' or 'restart', found 'kill'"),
        Case(
            "scenario \"x\"\n  command\n  service a\n  start\n  expect exit 0\n",
            "2:10+1 missing a command line is missing here"),
        Case(
            "scenario \"x\"\n  command a\n  command b\n  start\n  expect exit 0\n",
            "3:3+7 duplicate 'command' is set a second time (2:3 it is set here)"),
        Case(
            "scenario \"x\"\n  command sleep 1\n  service a\n  start\n  expect exit 0\n",
            "3:11+1 conflict what the init is to run is given twice: by 'command' and by this service"),
        Case(
            "scenario \"x\"\n  entrypoint initialise marker /m steps a then b\n  service a\n  start\n  expect exit 0\n",
            "2:14+10 unexpected expected 'initialises', found 'initialise' → initialises"),
        Case(
            "scenario \"x\"\n  entrypoint initialises marker m steps a then b\n  service a\n  start\n  expect exit 0\n",
            "2:33+1 bad-value 'm' is not an absolute path without '..'"),
        Case(
            "scenario \"x\"\n  entrypoint initialises marker /m steps a each 1 then b\n  service a\n  start\n  expect exit 0\n",
            "2:49+1 bad-value '1' is not a duration, such as 250ms or 10s"),
        Case(
            "scenario \"x\"\n  entrypoint initialises marker /m steps a each 1s\n  service a\n  start\n  expect exit 0\n",
            "2:51+1 missing 'then' is missing here"),
        Case(
            "scenario \"x\"\n  file x\n  service a\n  start\n  expect exit 0\n",
            "2:8+1 bad-value 'x' is not an absolute path without '..'"),
        Case(
            "scenario \"x\"\n  file /x mode 999\n  service a\n  start\n  expect exit 0\n",
            "2:16+3 bad-value '999' is not permissions in octal, such as 644 or 1777"),
        Case(
            "scenario \"x\"\n  file /x mode rw\n  service a\n  start\n  expect exit 0\n",
            "2:16+2 bad-value 'rw' is not permissions in octal, such as 644 or 1777"),
        Case(
            "scenario \"x\"\n  file /x owner me\n  service a\n  start\n  expect exit 0\n",
            "2:17+2 bad-value 'me' is not an owner: the numbers of a user and a group, such as 568:568"),
        Case(
            "scenario \"x\"\n  file /x owner 1:1 mode 644\n  service a\n  start\n  expect exit 0\n",
            "2:21+4 unexpected nothing is expected after '1:1', found 'mode'"),
        Case(
            "scenario \"x\"\n  file /x\n    text\n  service a\n  start\n  expect exit 0\n",
            "3:5+1 unexpected the lines of a file begin with '| ' (2:3 the file is this)"),
        Case(
            "scenario \"x\"\n  file /x\n    |text\n  service a\n  start\n  expect exit 0\n",
            "3:6+1 unexpected a space is expected after '|'"),
        Case(
            "scenario \"x\"\n  file /x\n    | a\n      | b\n  service a\n  start\n  expect exit 0\n",
            "4:7+1 bad-indentation the lines of a file are aligned (2:3 the file is this)"),
    ]

    private static let servicesAndBehaviour: [Case] = [
        Case(
            "scenario \"x\"\n  file /x\n    |\\\n  service a\n  start\n  expect exit 0\n",
            "3:5+1 unexpected there is no line above that could end here"),
        Case(
            "scenario \"x\"\n  file /x\n    | a\n    |\\\n    | b\n  service a\n  start\n  expect exit 0\n",
            "5:5+1 unexpected the text has ended in the line above"),
        Case(
            "scenario \"x\"\n  file /x\n  file /x\n  service a\n  start\n  expect exit 0\n",
            "3:8+2 duplicate there is a file /x already (2:8 it is set here)"),
        Case(
            "scenario \"x\"\n  file /proc/x\n  service a\n  start\n  expect exit 0\n",
            "2:8+7 conflict /proc is not the scenario's to write to"),
        Case(
            "scenario \"x\"\n  memory limit 5m\n  service a\n  start\n  expect exit 0\n",
            "2:3+12 bad-value a container needs 6MiB of memory at least"),
        Case(
            "scenario \"x\"\n  layer limit 5k\n  service a\n  start\n  expect exit 0\n",
            "2:3+11 bad-value a layer needs 64KiB at least"),
        Case(
            "scenario \"x\"\n  volume v at /v limit 5k\n  service a\n  start\n  expect exit 0\n",
            "2:18+5 bad-value a volume needs 64KiB at least"),
        Case(
            "scenario \"x\"\n  ulimit nofiles 5\n  service a\n  start\n  expect exit 0\n",
            "2:10+7 bad-value 'nofiles' is not a resource → nofile"),
        Case(
            "scenario \"x\"\n  ulimit nofile 5:4\n  service a\n  start\n  expect exit 0\n",
            "2:17+3 bad-value '5:4' is not a limit: N, SOFT:HARD with the soft one not above the hard one, or 'unlimited'"
        ),
        Case(
            "scenario \"x\"\n  ulimit nofile unlimited:4\n  service a\n  start\n  expect exit 0\n",
            "2:17+11 bad-value 'unlimited:4' is not a limit: N, SOFT:HARD with the soft one not above the hard one, or 'unlimited'"
        ),
        Case(
            "scenario \"x\"\n  service\n  service a\n  start\n  expect exit 0\n",
            "2:10+1 missing a service's name is missing here"),
        Case(
            "scenario \"x\"\n  service ä\n  service a\n  start\n  expect exit 0\n",
            "2:11+2 bad-value 'ä' is not a service's name: letters, digits, '-' and '_'"),
        Case(
            "scenario \"x\"\n  service init\n  service a\n  start\n  expect exit 0\n",
            "2:11+4 bad-value 'init' is not a service's name: the word has another meaning here"),
        Case(
            "scenario \"x\"\n  service a.b\n  service a\n  start\n  expect exit 0\n",
            "2:11+3 bad-value 'a.b' is not a service's name: letters, digits, '-' and '_'"),
        Case(
            "scenario \"x\"\n  service b after\n  service a\n  start\n  expect exit 0\n",
            "2:18+1 missing a service is missing here"),
        Case(
            "scenario \"x\"\n  service b afer a\n  service a\n  start\n  expect exit 0\n",
            "2:13+4 unexpected expected 'after' or the end of the line, found 'afer' → after"),
        Case(
            "scenario \"x\"\n  service b c\n  service a\n  start\n  expect exit 0\n",
            "2:13+1 unexpected expected 'after' or the end of the line, found 'c'"),
        Case(
            "scenario \"x\"\n  service b after c\n  service a\n  start\n  expect exit 0\n",
            "2:19+1 unknown-service 'c' is no service of this scenario → a"),
        Case(
            start + "  service db\n  start\n  expect exit 0\n",
            "4:11+2 duplicate there is a service 'db' already (2:11 it is set here)"),
        Case(
            "scenario \"x\"\n  service a after b\n  service b after c\n  service c after a\n  start\n  expect exit 0\n",
            "2:11+1 cycle each of these comes after the next: a, b, c, a (3:11 'b' comes after 'c') (4:11 'c' comes after 'a')"
        ),
        Case(
            "scenario \"x\"\n  service a after a\n  start\n  expect exit 0\n",
            "2:11+1 cycle each of these comes after the next: a, a"),
        Case(
            started + "  expect exit 0\nscenario \"x\"\n  service a\n  start\n  expect exit 0\n",
            "6:1+1 duplicate there is a scenario \"x\" in this file already (1:1 it is set here)"),
        Case(
            started + "  expect exit 0\n  tags a\n",
            "6:3+4 setup-after-step 'tags' says what there is: it comes before the first step (4:3 the first step is here)"
        ),
        Case(
            "scenario \"x\"\n  ready after 1s\n  service a\n  start\n  expect exit 0\n",
            "2:3+5 unknown-word 'ready' is not a word of a scenario, but a behaviour of a service"),
        Case(
            "scenario \"x\"\n  service a\n    ready after 1s\n    ready after 2s\n  start\n  expect exit 0\n",
            "4:5+1 conflict this contradicts or repeats what 'a' is told above"),
        Case(
            "scenario \"x\"\n  service a\n    exits 1 after 1s\n    dies of HUP after 2s\n  start\n  expect exit 0\n",
            "4:5+1 conflict this contradicts or repeats what 'a' is told above"),
        Case(
            "scenario \"x\"\n  service a\n    ignores KILL\n  start\n  expect exit 0\n",
            "3:13+4 bad-value 'KILL' is not a signal that can be caught"),
        Case(
            "scenario \"x\"\n  service a\n    ignores\n  start\n  expect exit 0\n",
            "3:12+1 missing a signal that can be caught is missing here"),
        Case(
            "scenario \"x\"\n  service a\n    ignores TERM,\n  start\n  expect exit 0\n",
            "3:18+1 missing a signal that can be caught is missing here"),
        Case(
            "scenario \"x\"\n  service a\n    ignores TERM TREM\n  start\n  expect exit 0\n",
            "3:18+4 bad-value 'TREM' is not a signal → TERM"),
        Case(
            "scenario \"x\"\n  service a\n    redy after 1s\n  start\n  expect exit 0\n",
            "3:5+4 unknown-word 'redy' is not a behaviour of a service → ready"),
        Case(
            "scenario \"x\"\n  service a\n    ready 1s\n  start\n  expect exit 0\n",
            "3:11+2 unexpected expected 'after', found '1s'"),
        Case(
            "scenario \"x\"\n  service a\n    ready after\n  start\n  expect exit 0\n",
            "3:16+1 missing a duration, such as 250ms or 10s, is missing here"),
        Case(
            "scenario \"x\"\n  service a\n    ready after -1s\n  start\n  expect exit 0\n",
            "3:17+3 bad-value '-1s' is not a duration, such as 250ms or 10s"),
        Case(
            "scenario \"x\"\n  service a\n    ready after 1\n  start\n  expect exit 0\n",
            "3:17+1 bad-value '1' is not a duration, such as 250ms or 10s"),
        Case(
            "scenario \"x\"\n  service a\n    ready after 1s 2s\n  start\n  expect exit 0\n",
            "3:20+2 unexpected nothing is expected after '1s', found '2s'"),
        Case(
            "scenario \"x\"\n  service a\n    exits 256 after 1s\n  start\n  expect exit 0\n",
            "3:11+3 bad-value '256' is not a number from 0 to 255"),
        Case(
            "scenario \"x\"\n  service a\n    exits 2\n  start\n  expect exit 0\n",
            "3:12+1 missing 'after' or 'on' is missing here"),
        Case(
            "scenario \"x\"\n  service a\n    exits 2 at TERM\n  start\n  expect exit 0\n",
            "3:13+2 unexpected expected 'after' or 'on', found 'at'"),
        Case(
            "scenario \"x\"\n  service a\n    exits 2 on KILL\n  start\n  expect exit 0\n",
            "3:16+4 bad-value 'KILL' is not a signal that can be caught"),
        Case(
            "scenario \"x\"\n  service a\n    dies of SEGV\n  start\n  expect exit 0\n",
            "3:17+1 missing 'after' is missing here"),
        Case(
            "scenario \"x\"\n  service a\n    dies SEGV after 1s\n  start\n  expect exit 0\n",
            "3:10+4 unexpected expected 'of', found 'SEGV'"),
        Case(
            "scenario \"x\"\n  service a\n    leaves +5 zombies\n  start\n  expect exit 0\n",
            "3:12+2 bad-value '+5' is not a number from 1 to 10000"),
        Case(
            "scenario \"x\"\n  service a\n    leaves 0 zombies\n  start\n  expect exit 0\n",
            "3:12+1 bad-value '0' is not a number from 1 to 10000"),
        Case(
            "scenario \"x\"\n  service a\n    leaves 5 zombis\n  start\n  expect exit 0\n",
            "3:14+6 unexpected expected 'orphans', 'orphan', 'zombies' or 'zombie', found 'zombis' → zombie"),
        Case(
            "scenario \"x\"\n  service a\n    leaves 5 orphans\n  start\n  expect exit 0\n",
            "3:21+1 missing 'living' is missing here"),
        Case(
            "scenario \"x\"\n  service a\n    spawns 201 children\n  start\n  expect exit 0\n",
            "3:12+3 bad-value '201' is not a number from 1 to 200"),
        Case(
            "scenario \"x\"\n  service a\n    spawns 2 children in their session\n  start\n  expect exit 0\n",
            "3:26+5 unexpected expected 'own', found 'their'"),
        Case(
            "scenario \"x\"\n  service a\n    forks with pidfile\n  start\n  expect exit 0\n",
            "3:23+1 missing an absolute path without '..' is missing here"),
    ]

    private static let steps: [Case] = [
        Case(
            started + "  expect not db ready\n", "5:10+3 unknown-word 'not' is not a condition → no"),
        Case(
            "scenari \"x\"\n  service a\n    redy\n  strat\n",
            "1:1+7 unknown-word 'scenari' is not 'scenario' → scenario",
            "3:5+4 unknown-word 'redy' is not a behaviour of a service → ready",
            "4:3+5 unknown-word 'strat' is not a word of a scenario → start"),
        Case(
            "scenario \"x\"\n  service a afer b\n    redy\n  service b\n  start\n  expect a ready\n",
            "2:13+4 unexpected expected 'after' or the end of the line, found 'afer' → after",
            "3:5+4 unknown-word 'redy' is not a behaviour of a service → ready"),
        Case(
            started + "  expect file /x matches /a/b/\n",
            "5:26+5 bad-value '/a/b/' is not a regular expression between slashes"),
        Case(
            started + "  wait 1s\n  stop\n  expect stop took at least 0s\n",
            "7:29+2 undecidable every stop takes 0s at least"),
        Case(
            start + "  sweep kill at every event\n    start\n    wait 1s\n    stop\n  expect stop took less than 1s\n",
            "8:3+1 undecidable the container has not been started before this (5:5 it is started here)"),
        Case(
            "scenario \"x\"\n  tmpfs /run\n  volume d at /run/./\n  volume e at //run\n  service a\n  start\n  expect exit 0\n",
            "3:10+1 conflict a volume and a tmpfs are both at /run",
            "4:10+1 duplicate there is a volume at /run already (3:10 it is set here)",
            "4:10+1 conflict a volume and a tmpfs are both at /run"),
        Case(
            "scenario \"x\"\n  runtime docker\n  service a\n  start\n  expect runtime ready\n",
            "5:10+7 undecidable the runtime is no process of the container: it only sends signals"),
        Case(
            started + "  wait 0.1ns\n  expect exit 0\n",
            "5:8+5 unexpected expected 'for' or a duration, such as 250ms or 10s, found '0.1ns'"),
        Case(
            "scenario \"x\"\n  service a\n    writes PATH\n  start\n  expect exit 0\n",
            "3:12+4 unexpected expected 'data', found 'PATH' → data"),
        Case(
            "scenario \"x\"\n  service a\n    writes data x\n  start\n  expect exit 0\n",
            "3:17+1 bad-value 'x' is not an absolute path without '..'"),
        Case(
            "scenario \"x\"\n  service a\n    runs\n  start\n  expect exit 0\n",
            "3:9+1 missing a command line is missing here"),
        Case(
            "scenario \"x\"\n  service a\n    runs sleep 1\n    stop takes 1s\n  start\n  expect exit 0\n",
            "4:5+1 conflict this contradicts or repeats what 'a' is told above"),
        Case(
            "scenario \"x\"\n  service a\n    start\n  start\n  expect exit 0\n",
            "3:5+5 unknown-word 'start' is not a behaviour of a service, but a word of a scenario"),
        Case(
            "scenario \"x\"\n  service a\n    ready after 1s\n      more\n  start\n  expect exit 0\n",
            "4:7+1 bad-indentation 'ready' has no block, but this line is indented under it (3:5 this is the line above)"
        ),
        Case(
            "scenario \"x\"\n  service a\n    writes data /x\n  service b\n    writes data /x\n  start\n  expect exit 0\n",
            "4:11+1 conflict 'a' writes to /x as well (2:11 it is set here)"),
        Case(
            start + "  strat\n  expect exit 0\n",
            "4:3+5 unknown-word 'strat' is not a word of a scenario → start"),
        Case(
            started + "  stop now\n  expect exit 0\n",
            "5:8+3 unexpected expected 'signal', 'grace', 'at' or the end of the line, found 'now'"),
        Case(
            started + "  kill SIGFOO\n  expect exit 0\n",
            "5:8+6 bad-value 'SIGFOO' is not a signal → SIGFPE"),
        Case(
            started + "  restart 3\n  expect exit 0\n",
            "5:12+1 missing 'times' is missing here"),
        Case(
            started + "  remove volume v\n  expect exit 0\n",
            "5:17+1 unknown-volume 'v' is no volume of this scenario"),
        Case(
            started + "  pause\n  pause\n  expect exit 0\n",
            "6:3+1 impossible the container is paused already (5:3 it is paused here)"),
        Case(
            started + "  resume\n  expect exit 0\n",
            "5:3+1 impossible the container is not paused here"),
        Case(
            started + "  signal TERM db\n  expect exit 0\n",
            "5:15+2 unexpected expected 'to', found 'db'"),
        Case(
            started + "  signal TERM to dbb\n  expect exit 0\n",
            "5:18+3 unknown-service 'dbb' is no service of this scenario → db"),
        Case(
            started + "  signal TERM to runtime\n  expect exit 0\n",
            "5:18+7 undecidable the runtime is no process of the container: it only sends signals"),
        Case(
            started + "  crash dbb\n  expect exit 0\n",
            "5:9+3 unknown-service 'dbb' is no service of this scenario → db"),
        Case(
            started + "  crash\n  expect exit 0\n",
            "5:8+1 missing a service is missing here"),
        Case(
            started + "  orphan 5 from dbb living 1s\n  expect exit 0\n",
            "5:17+3 unknown-service 'dbb' is no service of this scenario → db"),
        Case(
            started + "  orphan 5 of db living 1s\n  expect exit 0\n",
            "5:12+2 unexpected expected 'from', found 'of'"),
        Case(
            started + "  type \"a\"\n  expect exit 0\n",
            "5:3+1 impossible without 'terminal on' or 'stdin open' there is nothing to type on"),
        Case(
            started + "  close stdin\n  expect exit 0\n",
            "5:3+1 impossible without 'stdin open' there is nothing to close"),
        Case(
            "scenario \"x\"\n  capability SYS_BOOOT\n  service a\n  start\n  expect exit 0\n",
            "2:14+9 bad-value 'SYS_BOOOT' is not a capability → SYS_BOOT"),
        Case(
            "scenario \"x\"\n  inherits ignored SIGKILL\n  service a\n  start\n  expect exit 0\n",
            "2:20+7 bad-value 'SIGKILL' is not a signal that can be caught"),
        Case(
            "scenario \"x\"\n  inherits SIGTERM\n  service a\n  start\n  expect exit 0\n",
            "2:12+7 unexpected expected 'ignored' or 'blocked', found 'SIGTERM'"),
        Case(
            started + "  exec\n  expect exit 0\n",
            "5:7+1 missing 'within' or a command line is missing here"),
        Case(
            started + "  wait\n  expect exit 0\n",
            "5:7+1 missing 'for' or a duration, such as 250ms or 10s is missing here"),
        Case(
            started + "  wait 5\n  expect exit 0\n",
            "5:8+1 unexpected expected 'for' or a duration, such as 250ms or 10s, found '5'"),
        Case(
            started + "  wait for db ready\n  expect exit 0\n",
            "5:20+1 missing 'within' is missing here"),
        Case(
            started + "  wait for db redy within 1s\n  expect exit 0\n",
            "5:15+4 unknown-word 'redy' is not a condition → ready"),
        Case(
            started + "  repeat 3\n    stop\n  expect exit 0\n",
            "5:11+1 missing 'times' is missing here"),
        Case(
            started + "  repeat 3 times\n  expect exit 0\n",
            "5:3+1 incomplete the steps that 'repeat' is about are missing: they go below it, indented"),
        Case(
            started + "  repeat 0 times\n    kill\n  expect exit 0\n",
            "5:10+1 impossible what is done no times is not done"),
        Case(
            start + "  repeat 2 times\n    tags a\n  expect exit 0\n",
            "5:5+4 unknown-word 'tags' is not a step, but a word of a scenario"),
        Case(
            start + "  sweep kill from 5ms to 1ms step 1ms\n    start\n    expect exit 0\n",
            "4:3+1 bad-value the last moment, 1ms, is before the first, 5ms"),
        Case(
            start + "  sweep kill from 0s to 1s step 0s\n    start\n    expect exit 0\n",
            "4:3+1 bad-value a step of no time leads nowhere"),
        Case(
            start + "  sweep kill at any event\n    start\n    expect exit 0\n",
            "4:17+3 unexpected expected 'every', found 'any'"),
        Case(
            start + "  stop\n  start\n  expect exit 0\n",
            "4:3+1 impossible the container has not been started before this (5:3 it is started here)"),
        Case(
            started + "  expect\n",
            "5:9+1 missing a condition is missing here"),
        Case(
            started + "  expect db redy\n",
            "5:13+4 unknown-word 'redy' is not a condition → ready"),
        Case(
            started + "  expect db\n",
            "5:12+1 missing a condition is missing here"),
        Case(
            started + "  expect dbb ready\n",
            "5:10+3 unknown-service 'dbb' is no service of this scenario → db"),
        Case(
            started + "  expect db.1 ready\n",
            "5:10+4 unknown-service 'db.1' is no service of this scenario → db"),
        Case(
            started + "  expect runtime ready\n",
            "5:10+7 undecidable the runtime is no process of the container: it only sends signals"),
    ]

    private static let conditions: [Case] = [
        Case(
            started + "  expect no no zombies\n",
            "5:13+2 unexpected 'no no' turns the answer round twice"),
        Case(
            started + "  expect no nobody killed\n",
            "5:13+6 unexpected 'no nobody' turns the answer round twice"),
        Case(
            started + "  expect exit 0 within 1s within 2s\n",
            "5:27+6 unexpected expected 'for' or the end of the line, found 'within'"),
        Case(
            started + "  expect exit 0 witin 1s\n",
            "5:17+5 unexpected expected 'within', 'for' or the end of the line, found 'witin' → within"),
        Case(
            started + "  expect exit 300\n",
            "5:15+3 unexpected expected 'on' or a number from 0 to 255, found '300'"),
        Case(
            started + "  expect exit\n",
            "5:14+1 missing 'on' or a number from 0 to 255 is missing here"),
        Case(
            started + "  expect exit on KILLED\n",
            "5:18+6 bad-value 'KILLED' is not a signal → KILL"),
        Case(
            started + "  expect db stopped before db\n",
            "5:10+2 undecidable 'db' cannot stop before itself"),
        Case(
            started + "  expect db, api stopped before db\n",
            "5:18+7 bad-value 'stopped' is said of one service"),
        Case(
            started + "  expect db stopped\n",
            "5:20+1 missing 'before' is missing here"),
        Case(
            started + "  expect db received\n",
            "5:21+1 missing 'nothing' or a signal is missing here"),
        Case(
            started + "  expect db received SIGTREM\n",
            "5:22+7 bad-value 'SIGTREM' is not a signal → SIGTERM"),
        Case(
            started + "  expect db received TERM twice\n",
            "5:27+5 unexpected expected 'once', 'from', 'within', 'for', a number from 0 to 100000 or the end of the line, found 'twice'"
        ),
        Case(
            started + "  expect db received TERM 2\n",
            "5:28+1 missing 'times' is missing here"),
        Case(
            started + "  expect db received TERM from dbb\n",
            "5:32+3 unknown-service 'dbb' is no service of this scenario → db"),
        Case(
            started + "  expect runtime received TERM\n",
            "5:10+7 undecidable the runtime is no process of the container: it only sends signals"),
        Case(
            started + "  expect at least 0 zombies\n",
            "5:19+1 undecidable there are always at least 0 zombies"),
        Case(
            started + "  expect exec exit 0\n",
            "5:3+1 undecidable nothing was executed with 'exec' before this"),
        Case(
            started + "  expect exec output line \"a\"\n",
            "5:3+1 undecidable nothing was executed with 'exec' before this"),
        Case(started + "  exec true\n  expect exec exit 0\n"),
        Case(
            started + "  expect stop took less than 1s\n",
            "5:3+1 undecidable nothing was stopped before this"),
        Case(
            started + "  stop\n  expect stop took more than 1s\n",
            "6:20+4 unexpected expected 'less' or 'at', found 'more'"),
        Case(
            started + "  expect orphans reaped\n",
            "5:3+1 undecidable nothing in this scenario makes orphans before this"),
        Case(
            started + "  expect orphans gone\n",
            "5:18+4 unexpected expected 'reaped', found 'gone'"),
        Case(
            started + "  expect 5 zomby\n",
            "5:12+5 unknown-word 'zomby' is not a condition → zombie"),
        Case(
            started + "  expect state runing\n",
            "5:16+6 bad-value 'runing' is not a state of a container → running"),
        Case(
            started + "  expect restarts 3\n",
            "5:3+1 undecidable without a restart policy nothing is restarted by the runtime"),
        Case(
            started + "  expect state removed\n",
            "5:3+1 undecidable without 'auto-remove on' no container is removed"),
        Case(
            "scenario \"x\"\n  auto-remove on\n  restart policy always\n  service a\n  start\n  expect state running\n",
            "2:3+11 conflict what removes itself when it has ended cannot be started again by a policy"),
        Case(
            "scenario \"x\"\n  service a\n  daemon stops\n  start\n  expect state created\n",
            "3:10+5 unexpected expected 'restarts' or 'crashes', found 'stops'"),
        Case(
            "scenario \"x\"\n  service a\n  daemon restarts\n  expect state created\n  expect exit 0\n  start\n",
            "5:3+1 undecidable the container has not been started before this (6:3 it is started here)"),
        Case(
            started + "  expect state restarting\n",
            "5:3+1 undecidable without a restart policy nothing is restarted by the runtime"),
        Case(
            started + "  expect output contains here\n",
            "5:26+4 unexpected expected a text in quotes, found 'here'"),
        Case(
            started + "  expect output \"here\"\n",
            "5:17+6 unexpected expected 'of', 'contains', 'line', 'in' or 'lines', found 'here'"),
        Case(
            started + "  expect output in order \"a\" \"b\"\n",
            "5:30+3 unexpected expected 'within', 'for' or the end of the line, found 'b'"),
        Case(
            started + "  expect marker /m written twice\n",
            "5:28+5 unexpected expected 'once', found 'twice'"),
        Case(
            started + "  expect file /x matches (a)\n",
            "5:26+3 bad-value '(a)' is not a regular expression between slashes"),
        Case(
            started + "  expect file /x matches /(a/\n",
            "5:26+4 bad-value this is no regular expression: a ')' is missing"),
        Case(
            started + "  expect file /x has \"a\"\n",
            "5:18+3 unexpected expected 'exists', 'contains', 'matches', 'owner' or 'mode', found 'has'"),
        Case(
            started + "  expect file x exists\n",
            "5:15+1 bad-value 'x' is not an absolute path without '..'"),
        Case(
            started + "  expect file /x owner root\n",
            "5:24+4 bad-value 'root' is not an owner: the numbers of a user and a group, such as 568:568"),
        Case(
            started + "  expect initialised once\n",
            "5:3+1 undecidable this scenario has no 'entrypoint' that would say so"),
        Case(
            started + "  expect data /x clean\n",
            "5:15+2 undecidable no service of this scenario writes data to /x"),
        Case(
            started + "  expect nobody kill\n",
            "5:17+4 unexpected expected 'killed', found 'kill' → killed"),
        Case(
            "scenario \"x\"\n  entrypoint initialises marker /m steps schema, users then sleep 1\n  start\n  expect step shcema ran once\n",
            "4:15+6 undecidable 'shcema' is no step of the entrypoint → schema"),
        Case(
            start + "  expect db ready\n  start\n",
            "4:3+1 undecidable the container has not been started before this (5:3 it is started here)"),
        Case(
            "scenario \"x\"\n  service a\n",
            "1:1+1 incomplete nothing happens in this scenario"),
        Case(
            "scenario \"x\"\n  start\n  expect exit 0\n",
            "1:1+1 incomplete this scenario has neither a service, a command nor an image to start"),
        Case(
            started + "",
            "1:1+1 incomplete nothing is expected in this scenario: it cannot fail"),
        Case(
            "scenario \"x\"\n",
            "1:1+1 incomplete nothing happens in this scenario",
            "1:1+1 incomplete this scenario has neither a service, a command nor an image to start"),
    ]
}
