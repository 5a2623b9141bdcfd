import Model
import Vocabulary

/// What must be so.
extension ScenarioParser {
    func expectation(_ reader: inout LineReader) throws(Diagnostic) -> Expectation {
        // `no zombies` and `no processes left` are conditions of their own; any other `no` turns the answer round.
        let isNegated = !beginsOwnNo(reader) && reader.take("no")
        if isNegated, let token = reader.next, token.text == "no" || token.text == "nobody" {
            throw Diagnostic(
                .unexpected, "'no \(token.text)' turns the answer round twice", at: reader.place(of: token),
                length: token.length)
        }
        var result = Expectation(try condition(&reader), isNegated: isNegated)
        while let token = reader.next {
            if result.within == nil, reader.take("within") {
                result.within = try reader.positiveDuration()
            } else if result.duration == nil, reader.take("for") {
                result.duration = try reader.positiveDuration()
            } else {
                throw Diagnostic(
                    .unexpected, "expected 'within', 'for' or the end of the line, found '\(token.text)'",
                    at: reader.place(of: token), length: token.length,
                    suggestion: nearest(to: token.text, among: ["within", "for"]))
            }
        }
        return result
    }

    private func beginsOwnNo(_ reader: LineReader) -> Bool {
        var copy = reader
        return copy.take("no", "zombies") || copy.take("no", "processes")
    }

    func condition(_ reader: inout LineReader) throws(Diagnostic) -> Condition {
        if reader.take("no", "zombies") { return .zombies(0) }
        if reader.take("no", "processes") {
            try reader.require("left")
            return .noProcessesLeft
        }
        if reader.take("nobody") {
            try reader.require("killed")
            return .nobodyKilled
        }
        if reader.take("exit") {
            if reader.take("on") { return .exitSignal(try reader.signal()) }
            return .exitCode(try reader.number(in: 0...255))
        }
        if reader.take("orphans") {
            try reader.require("reaped")
            return .orphansReaped
        }
        if reader.take("state") { return .state(try state(&reader)) }
        if reader.take("output") {
            if reader.take("contains") { return .outputContains(try reader.string("the text")) }
            try reader.require("in", "order")
            return .outputInOrder(try reader.strings("the text"))
        }
        if reader.take("stop") {
            try reader.require("took")
            if reader.take("less") {
                try reader.require("than")
                return .stopTook(.lessThan(try reader.positiveDuration()))
            }
            try reader.require("at", "least")
            return .stopTook(.atLeast(try reader.positiveDuration()))
        }
        if let first = reader.next {
            if Words.notYetConditions.contains(first.text) { throw notYet(first, reader) }
            if Int(first.text) != nil {
                let count = try reader.number(in: 0...100_000)
                if !reader.take("zombie") { try reader.require("zombies") }
                return .zombies(count)
            }
        }
        return try conditionOfParties(&reader)
    }

    private func state(_ reader: inout LineReader) throws(Diagnostic) -> Condition.State {
        let token = try reader.token("'running' or 'exited'")
        if token.text == "restarting" { throw notYet(token, reader) }
        guard let state = Condition.State(rawValue: token.text) else {
            throw reader.unknown(token, among: Condition.State.allCases.map(\.rawValue), as: "a state of a container")
        }
        return state
    }

    /// `A, B` and what is said of them.
    private func conditionOfParties(_ reader: inout LineReader) throws(Diagnostic) -> Condition {
        let first = reader.next
        let parties = try reader.list("a condition").map { Party(name: $0.text) }
        guard let word = reader.next else {
            guard let first else { throw reader.missing("a condition") }
            throw reader.unknown(first, among: Words.conditions, as: "a condition")
        }
        _ = try reader.token("a condition")
        switch word.text {
        case "ready": return .ready(parties)
        case "killed": return .killed(parties)
        case "stopped":
            try reader.require("before")
            let other = Party(name: try reader.token("a service").text)
            guard parties.count == 1 else { throw reader.bad(word, "something that can be said of several services") }
            if parties[0] == other {
                throw Diagnostic(
                    .undecidable, "'\(other)' cannot stop before itself", at: reader.place(of: word),
                    length: word.length)
            }
            return .stopped(parties[0], before: other)
        case "received":
            if reader.take("nothing") { return .receivedNothing(parties) }
            let signal = try reader.signal()
            var times: Int?
            if reader.take("once") {
                times = 1
            } else if let token = reader.next, Int(token.text) != nil {
                times = try reader.number(in: 0...1000)
                try reader.require("times")
            }
            let sender = reader.take("from") ? Party(name: try reader.token("a service").text) : nil
            return .received(parties, signal, times: times, from: sender)
        default:
            throw reader.unknown(word, among: Words.conditions, as: "a condition")
        }
    }
}
