import Model
import Vocabulary

/// What a text has given: the values that could be read, and everything that is wrong with it.
public struct Parsed<Value: Sendable>: Sendable {
    public var values: [Value]
    public var diagnostics: [Diagnostic]
}

/// Reads a scenario file.
///
/// - Parameters:
///   - bytes: UTF-8, with or without byte order mark; lines end with LF or CRLF.
///   - file: what diagnostics and places call it.
public func parseScenarios(_ bytes: [UInt8], file: String) -> Parsed<Scenario> {
    var lexer = Lexer(file: file)
    let lines = lexer.lines(of: bytes)
    var parser = ScenarioParser(file: file)
    for line in lines { parser.topLevel(line) }
    let diagnostics = (lexer.diagnostics + parser.diagnostics)
        .sorted { ($0.place.line, $0.place.column) < ($1.place.line, $1.place.column) }
    return Parsed(values: parser.scenarios, diagnostics: diagnostics)
}

struct ScenarioParser {
    let file: String
    var scenarios: [Scenario] = []
    var diagnostics: [Diagnostic] = []

    init(file: String) {
        self.file = file
    }

    /// Does what throws, and keeps the diagnostic instead.
    mutating func collect(_ body: (inout ScenarioParser) throws(Diagnostic) -> Void) {
        do {
            try body(&self)
        } catch {
            diagnostics.append(error)
        }
    }

    mutating func topLevel(_ line: Line) {
        collect { parser throws(Diagnostic) in
            var reader = LineReader(line, file: parser.file)
            let word = try reader.token("'scenario'")
            guard !word.isQuoted, word.text == "scenario" else {
                throw reader.unknown(word, among: ["scenario"], as: "'scenario'")
            }
            let place = reader.place
            let title = try reader.string("the scenario's title")
            try reader.requireEnd()
            if let other = parser.scenarios.first(where: { $0.title == title }) {
                throw Diagnostic(
                    .duplicate, "there is a scenario \"\(title)\" in this file already", at: place,
                    notes: [.init("it stands here", at: other.place)])
            }
            var scenario = Scenario(title: title, place: place)
            scenario.summary = line.comment
            let complaints = parser.diagnostics.count
            for inner in line.block { parser.scenarioLine(inner, into: &scenario) }
            parser.check(scenario, isWhole: parser.diagnostics.count == complaints)
            parser.scenarios.append(scenario)
        }
    }

    private mutating func scenarioLine(_ line: Line, into scenario: inout Scenario) {
        let before = scenario
        var result = scenario
        collect { parser throws(Diagnostic) in
            var reader = LineReader(line, file: parser.file)
            let word = try reader.token("a word")
            let isSetup = parser.isSetup(word, line)
            if isSetup, let step = before.steps.first {
                throw Diagnostic(
                    .setupAfterStep, "'\(word.text)' says what there is: it stands before the first step",
                    at: reader.place, length: word.length, notes: [.init("the first step is here", at: step.place)])
            }
            if isSetup {
                try parser.setup(word, &reader, line, &result)
            } else {
                if word.text != "service" { try reader.requireNoBlock() }
                result.steps.append(Step(try parser.step(word, &reader), place: reader.place))
            }
            try reader.requireEnd()
        }
        scenario = result
    }

    private func isSetup(_ word: Token, _ line: Line) -> Bool {
        if word.isQuoted { return false }
        switch word.text {
        case "stop": return line.tokens.count > 1 && line.tokens[1].text == "signal"
        case "restart": return line.tokens.count > 1 && line.tokens[1].text == "policy"
        default: return Words.setup.contains(word.text) || Words.notYetSetup.contains(word.text)
        }
    }

    // MARK: - What there is

    private mutating func setup(
        _ word: Token, _ reader: inout LineReader, _ line: Line, _ scenario: inout Scenario
    ) throws(Diagnostic) {
        if word.text != "service" { try reader.requireNoBlock() }
        switch word.text {
        case "tags": scenario.tags += try reader.list("a tag").map(\.text)
        case "requires":
            for token in try reader.list("an ability") {
                guard let ability = Ability(rawValue: token.text) else {
                    throw reader.unknown(token, among: Ability.allCases.map(\.rawValue), as: "an ability of an init")
                }
                scenario.requires.append(ability)
            }
        case "runtime":
            let token = try reader.token("a runtime")
            if Words.notYetRuntimes.contains(token.text) { throw notYet(token, reader) }
            if token.text != "docker" { throw reader.unknown(token, among: ["docker"], as: "a runtime") }
        case "stop":
            if scenario.stop.signal != nil { throw twice(word, reader) }
            try reader.require("signal")
            scenario.stop.signal = try reader.signal()
            if reader.take("grace") { scenario.stop.grace = try reader.duration() }
        case "hostname":
            if scenario.settings.hostname != nil { throw twice(word, reader) }
            let token = try reader.token("a host name")
            guard (1...64).contains(token.text.utf8.count) else {
                throw reader.bad(token, "a host name of 64 bytes at most")
            }
            scenario.settings.hostname = token.text
        case "env":
            let token = try reader.token("NAME=value")
            guard let equals = token.text.firstIndex(of: "="), equals != token.text.startIndex else {
                throw reader.bad(token, "of the form NAME=value")
            }
            scenario.settings.environment.append(token.text)
        case "tmpfs":
            for token in try reader.list("a path") {
                guard token.isAbsolutePath else { throw reader.bad(token, "an absolute path without '..'") }
                scenario.settings.tmpfs.append(token.text)
            }
        case "command":
            if scenario.settings.command != nil { throw twice(word, reader) }
            scenario.settings.command = try reader.rest("a command line")
        case "service": try service(&reader, line, &scenario)
        default: throw notYet(word, reader)
        }
    }

    private func twice(_ word: Token, _ reader: LineReader) -> Diagnostic {
        Diagnostic(
            .duplicate, "'\(word.text)' stands here for the second time", at: reader.place(of: word),
            length: word.length)
    }

    func notYet(_ token: Token, _ reader: LineReader) -> Diagnostic {
        Diagnostic(
            .notYetSupported, "'\(token.text)' is a word of the language that this version cannot carry out yet",
            at: reader.place(of: token), length: token.length)
    }

    // MARK: - Services

    private mutating func service(
        _ reader: inout LineReader, _ line: Line, _ scenario: inout Scenario
    ) throws(Diagnostic) {
        let token = try reader.token("a name")
        try checkName(token, reader)
        if let other = scenario.services.first(where: { $0.name == token.text }) {
            throw Diagnostic(
                .duplicate, "there is a service '\(token.text)' already", at: reader.place(of: token),
                length: token.length, notes: [.init("it stands here", at: other.place)])
        }
        var service = Service(name: token.text, place: reader.place(of: token))
        if reader.take("after") { service.after = try reader.list("a service").map(\.text) }
        for inner in line.block {
            collect { parser throws(Diagnostic) in
                var reader = LineReader(inner, file: parser.file)
                let trait = try parser.trait(&reader)
                if service.traits.contains(where: { $0.excludes(trait) }) {
                    throw Diagnostic(
                        .duplicate, "this contradicts or repeats what '\(service.name)' is told above", at: reader.place
                    )
                }
                service.traits.append(trait)
                try reader.requireEnd()
                try reader.requireNoBlock()
            }
        }
        scenario.services.append(service)
    }

    private func checkName(_ token: Token, _ reader: LineReader) throws(Diagnostic) {
        let isWord = token.text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
                || $0 == 0x5F
        }
        guard isWord, !token.text.isEmpty, !token.isQuoted else {
            throw reader.bad(token, "a service's name: letters, digits, '-' and '_'")
        }
        if Party.reservedNames.contains(token.text) {
            throw reader.bad(token, "a service's name: the word means somebody else")
        }
    }

    private func trait(_ reader: inout LineReader) throws(Diagnostic) -> Service.Trait {
        let word = try reader.token("a behaviour")
        switch word.text {
        case "ready":
            try reader.require("after")
            return .readyAfter(try reader.positiveDuration())
        case "stop":
            try reader.require("takes")
            return .stopTakes(try reader.positiveDuration())
        case "ignores":
            let start = reader.next
            let signals = try reader.signals()
            if let start, signals.contains(where: \.cannotBeCaught) {
                throw reader.bad(start, "a signal that can be caught")
            }
            return .ignores(signals)
        case "exits":
            let code = Int32(try reader.number(in: 0...255))
            if reader.take("on") {
                let start = reader.next
                let signal = try reader.signal()
                if let start, signal.cannotBeCaught { throw reader.bad(start, "a signal that can be caught") }
                return .exitsOn(code: code, signal)
            }
            try reader.require("after")
            return .exitsAfter(code: code, try reader.positiveDuration())
        case "dies":
            try reader.require("of")
            let signal = try reader.signal()
            try reader.require("after")
            return .diesOf(signal, after: try reader.positiveDuration())
        case "spawns":
            let count = try reader.number(in: 1...200)
            if !reader.take("child") { try reader.require("children") }
            return .spawns(count: count, ownSession: reader.take("in", "own", "session"))
        case "leaves":
            let count = try reader.number(in: 1...10000)
            if reader.take("zombies") || reader.take("zombie") { return .leavesZombies(count: count) }
            if !reader.take("orphan") { try reader.require("orphans") }
            try reader.require("living")
            return .leavesOrphans(count: count, living: try reader.positiveDuration())
        case "runs": return .runs(try reader.rest("a command line"))
        default:
            if Words.notYetBehaviour.contains(word.text) { throw notYet(word, reader) }
            throw reader.unknown(word, among: Words.behaviour, as: "a behaviour of a service")
        }
    }

    // MARK: - What happens

    private func step(_ word: Token, _ reader: inout LineReader) throws(Diagnostic) -> Step.Action {
        switch word.text {
        case _ where word.isQuoted: throw reader.unknown(word, among: [], as: "a word of a scenario")
        case "start": return .start
        case "stop":
            return .stop(grace: reader.take("grace") ? try reader.duration() : nil)
        case "kill": return .kill(reader.isAtEnd ? .kill : try reader.signal())
        case "signal":
            let signal = try reader.signal()
            try reader.require("to")
            return .signal(signal, to: Party(name: try reader.token("a service").text))
        case "crash": return .crash(service: try reader.token("a service").text)
        case "wait":
            guard reader.take("for") else { return .wait(try reader.positiveDuration()) }
            let condition = try condition(&reader)
            try reader.require("within")
            return .waitFor(condition, within: try reader.positiveDuration())
        case "expect": return .expect(try expectation(&reader))
        default:
            if Words.notYetSteps.contains(word.text) { throw notYet(word, reader) }
            throw reader.unknown(word, among: Words.setup + Words.steps, as: "a word of a scenario")
        }
    }
}

extension Signal {
    /// SIGKILL and SIGSTOP: no program has a say in them (signal(7)).
    fileprivate var cannotBeCaught: Bool { self == .kill || self == .stop }
}

extension Token {
    /// From the root, and never back towards it.
    var isAbsolutePath: Bool {
        text.hasPrefix("/") && text.count > 1 && !text.split(separator: "/").contains("..")
    }
}

extension Service.Trait {
    /// Whether only one of the two can be said of a service.
    fileprivate func excludes(_ other: Service.Trait) -> Bool {
        switch (self, other) {
        case (.readyAfter, .readyAfter), (.stopTakes, .stopTakes), (.spawns, .spawns), (.leavesOrphans, .leavesOrphans),
            (.leavesZombies, .leavesZombies), (.runs, .runs), (.exitsAfter, .exitsAfter), (.exitsAfter, .diesOf),
            (.diesOf, .exitsAfter), (.diesOf, .diesOf):
            true
        case (.exitsOn(_, let signal), .exitsOn(_, let again)): signal == again
        case (.exitsOn(_, let signal), .ignores(let ignored)), (.ignores(let ignored), .exitsOn(_, let signal)):
            ignored.contains(signal)
        default: false
        }
    }
}
