import Model
import Vocabulary

extension Happenings {
    /// Why a text says no happenings: the word, where it is, and what would be one.
    public struct Mistake: Error, Hashable, Sendable {
        /// Of the word in the text, from 1, in bytes.
        public let column: Int
        public let message: String
    }

    /// Reads clauses with `;` between them:
    ///
    ///     exits N | dies of SIGNAL  after D [N times]     how a life ends by itself; clauses follow one another
    ///     on stop | on SIGNAL  exits N | dies of SIGNAL | nothing  [after D]
    ///     hook takes D
    ///     start | stop [grace D] | restart [grace D] | kill [SIGNAL] | pause | resume | recreate | daemon restarts | daemon crashes  at D
    ///     until D
    ///
    /// - Throws: `Mistake`.
    public init(text: String) throws(Mistake) {
        self.init()
        for clause in Clause.all(of: text) {
            var clause = clause
            try read(&clause)
            if let word = clause.next { throw clause.mistake("'\(shown(word))' is one word too many") }
        }
        asks.sort { $0.at < $1.at }
    }

    private static let verbs = [
        "exits", "dies", "on", "hook", "start", "stop", "restart", "kill", "pause", "resume", "recreate", "daemon",
        "until",
    ]

    private mutating func read(_ clause: inout Clause) throws(Mistake) {
        let word = try clause.word(of: Happenings.verbs)
        switch word {
        case "exits", "dies":
            let ending = try clause.ending(after: word)
            try clause.expect("after")
            var life = Life(ending, after: try clause.time())
            if clause.next != nil {
                life.times = try clause.number(in: 1...100_000)
                try clause.expect(life.times == 1 ? "time" : "times")
            }
            if let last = lives.last, last.times == nil {
                throw clause.mistake("nothing comes after lives without number: say how many times before")
            }
            lives.append(life)
        case "on":
            let signal = try clause.signal(or: "stop")
            let how = try clause.word(of: ["exits", "dies", "nothing"])
            let ending = how == "nothing" ? nil : try clause.ending(after: how)
            var time = Duration.zero
            if clause.next != nil {
                try clause.expect("after")
                time = try clause.time()
            }
            let reaction = ending.map { Reaction(ending: $0, after: time) }
            if let signal { onSignal[signal] = reaction } else { onStop = reaction }
        case "hook":
            try clause.expect("takes")
            hookTakes = try clause.time()
        case "until": end = try clause.time()
        default:
            let action = try self.action(word, &clause)
            try clause.expect("at")
            asks.append(Ask(action, at: try clause.time()))
        }
    }

    private func action(_ word: String, _ clause: inout Clause) throws(Mistake) -> Action {
        switch word {
        case "stop": return .stop(grace: try clause.grace())
        case "restart": return .restart(grace: try clause.grace())
        case "kill": return .kill(clause.next == "at" ? .kill : try clause.signal(or: nil) ?? .kill)
        case "pause": return .pause
        case "resume": return .resume
        case "recreate": return .recreate
        case "daemon":
            return try clause.word(of: ["restarts", "crashes"]) == "restarts" ? .daemonRestarts : .daemonCrashes
        default: return .start
        }
    }
}

/// The words of one clause, each with its column.
private struct Clause {
    private var words: ArraySlice<(text: String, column: Int)>
    private let end: Int

    static func all(of text: String) -> [Clause] {
        var clauses: [Clause] = []
        var words: [(String, Int)] = []
        var word = ""
        var begin = 1
        var column = 0
        func close() {
            if !word.isEmpty { words.append((word, begin)) }
            word = ""
        }
        for byte in text.unicodeScalars {
            column += 1
            switch byte {
            case ";", "\n":
                close()
                if !words.isEmpty { clauses.append(Clause(words: words[...], end: column)) }
                words = []
            // A comma may be anywhere between words.
            case " ", "\t", ",": close()
            default:
                if word.isEmpty { begin = column }
                word.unicodeScalars.append(byte)
            }
        }
        close()
        if !words.isEmpty { clauses.append(Clause(words: words[...], end: column + 1)) }
        return clauses
    }

    private init(words: ArraySlice<(String, Int)>, end: Int) {
        self.words = words.map { (text: $0.0, column: $0.1) }[...]
        self.end = end
    }

    var next: String? { words.first?.text }

    func mistake(_ message: String) -> Happenings.Mistake {
        Happenings.Mistake(column: words.first?.column ?? end, message: message)
    }

    /// The next word, which must be there.
    private func some(_ what: String) throws(Happenings.Mistake) -> String {
        guard let next else { throw mistake("\(what) is missing here") }
        return next
    }

    mutating func word(of known: [String]) throws(Happenings.Mistake) -> String {
        let list = known.map { "'\($0)'" }.joined(separator: ", ")
        let word = try some(known.count == 1 ? list : "one of \(list)")
        guard known.contains(word) else {
            if let near = nearest(to: word, among: known) {
                throw mistake("'\(shown(word))' is not known here; did you mean '\(near)'?")
            }
            throw mistake("expected \(list), found '\(shown(word))'")
        }
        words.removeFirst()
        return word
    }

    mutating func expect(_ word: String) throws(Happenings.Mistake) { _ = try self.word(of: [word]) }

    mutating func time() throws(Happenings.Mistake) -> Duration {
        let word = try some("a duration, such as 250ms or 10s,")
        guard let time = Duration(text: word), time >= .zero, time <= .seconds(1_000_000_000) else {
            throw mistake("'\(shown(word))' is not a duration, such as 250ms or 10s")
        }
        words.removeFirst()
        return time
    }

    mutating func grace() throws(Happenings.Mistake) -> Duration? {
        guard next == "grace" else { return nil }
        words.removeFirst()
        let word = try some("a duration, such as 10s,")
        guard let time = Duration(text: word) else {
            throw mistake("'\(shown(word))' is not a duration, such as 250ms or 10s")
        }
        words.removeFirst()
        return time
    }

    mutating func number(in range: ClosedRange<Int>) throws(Happenings.Mistake) -> Int {
        let word = try some("a number from \(range.lowerBound) to \(range.upperBound)")
        guard word.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(word), range.contains(number)
        else {
            throw mistake("'\(shown(word))' is not a number from \(range.lowerBound) to \(range.upperBound)")
        }
        words.removeFirst()
        return number
    }

    /// A signal, or another word, which is nil.
    mutating func signal(or other: String?) throws(Happenings.Mistake) -> Signal? {
        let word = try some(other.map { "a signal or '\($0)'" } ?? "a signal")
        if word == other {
            words.removeFirst()
            return nil
        }
        guard let signal = Signal(word) else { throw mistake("'\(shown(word))' is not a signal") }
        words.removeFirst()
        return signal
    }

    /// What comes after `exits` or `dies`.
    mutating func ending(after verb: String) throws(Happenings.Mistake) -> ExitStatus {
        if verb == "exits" { return .exited(Int32(try number(in: 0...255))) }
        try expect("of")
        return .signaled(try signal(or: nil) ?? .kill, dumpedCore: false)
    }
}
