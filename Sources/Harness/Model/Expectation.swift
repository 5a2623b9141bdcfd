import Vocabulary

/// A condition that must hold, and when.
public struct Expectation: Hashable, Sendable {
    public var condition: Condition
    /// `expect no …`: the condition must not hold.
    public var isNegated = false
    /// It has this long to come true; nil: it must be true now.
    public var within: Duration?
    /// It must stay so for this long.
    public var duration: Duration?

    public init(_ condition: Condition, isNegated: Bool = false, within: Duration? = nil, for duration: Duration? = nil)
    {
        self.condition = condition
        self.isNegated = isNegated
        self.within = within
        self.duration = duration
    }
}

/// A question to the journal that has the answer yes or no.
public enum Condition: Hashable, Sendable {
    case ready([Party])
    case stopped(Party, before: Party)
    case received([Party], Signal, times: Int?, from: Party?)
    case receivedNothing([Party])
    case nobodyKilled
    case killed([Party])
    case exitCode(Int)
    case exitSignal(Signal)
    case zombies(Int)
    case orphansReaped
    case noProcessesLeft
    case state(State)
    case outputContains(String)
    case outputInOrder([String])
    case stopTook(Bound)

    public enum State: String, CaseIterable, Hashable, Sendable {
        case running, exited
    }

    public enum Bound: Hashable, Sendable {
        case lessThan(Duration)
        case atLeast(Duration)
    }

    /// The name of its kind, the same for all its arguments; a test goes through these.
    public var kind: Kind {
        switch self {
        case .ready: .ready
        case .stopped: .stoppedBefore
        case .received: .received
        case .receivedNothing: .receivedNothing
        case .nobodyKilled: .nobodyKilled
        case .killed: .killed
        case .exitCode: .exitCode
        case .exitSignal: .exitSignal
        case .zombies: .zombies
        case .orphansReaped: .orphansReaped
        case .noProcessesLeft: .noProcessesLeft
        case .state: .state
        case .outputContains: .outputContains
        case .outputInOrder: .outputInOrder
        case .stopTook: .stopTook
        }
    }

    public enum Kind: String, CaseIterable, Hashable, Sendable {
        case ready, stoppedBefore, received, receivedNothing, nobodyKilled, killed, exitCode, exitSignal, zombies
        case orphansReaped, noProcessesLeft, state, outputContains, outputInOrder, stopTook
    }

    /// The services that it speaks of.
    public var parties: [Party] {
        switch self {
        case .ready(let parties), .receivedNothing(let parties), .killed(let parties): parties
        case .stopped(let first, let second): [first, second]
        case .received(let parties, _, _, let sender): parties + (sender.map { [$0] } ?? [])
        default: []
        }
    }
}

extension Condition: CustomStringConvertible {
    /// As it is written in a scenario.
    public var description: String {
        switch self {
        case .ready(let parties): "\(Condition.list(parties)) ready"
        case .stopped(let first, let second): "\(first) stopped before \(second)"
        case .received(let parties, let signal, let times, let sender):
            "\(Condition.list(parties)) received \(signal)"
                + (times.map { $0 == 1 ? " once" : " \($0) times" } ?? "") + (sender.map { " from \($0)" } ?? "")
        case .receivedNothing(let parties): "\(Condition.list(parties)) received nothing"
        case .nobodyKilled: "nobody killed"
        case .killed(let parties): "\(Condition.list(parties)) killed"
        case .exitCode(let code): "exit \(code)"
        case .exitSignal(let signal): "exit on \(signal)"
        case .zombies(0): "no zombies"
        case .zombies(let count): "\(count) zombies"
        case .orphansReaped: "orphans reaped"
        case .noProcessesLeft: "no processes left"
        case .state(let state): "state \(state.rawValue)"
        case .outputContains(let text): "output contains \(Condition.quoted(text))"
        case .outputInOrder(let texts): "output in order \(texts.map(Condition.quoted).joined(separator: ", "))"
        case .stopTook(.lessThan(let time)): "stop took less than \(time.text)"
        case .stopTook(.atLeast(let time)): "stop took at least \(time.text)"
        }
    }

    private static func list(_ parties: [Party]) -> String {
        parties.map(\.description).joined(separator: ", ")
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
    }
}

extension Expectation: CustomStringConvertible {
    public var description: String {
        (isNegated ? "no " : "") + condition.description + (within.map { " within \($0.text)" } ?? "")
            + (duration.map { " for \($0.text)" } ?? "")
    }
}
