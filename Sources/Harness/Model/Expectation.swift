import Vocabulary

/// A condition that must hold, and when.
public struct Expectation: Hashable, Sendable {
    /// The question.
    public var condition: Condition
    /// `expect no …`: the condition must not hold.
    public var isNegated = false
    /// It has this long to come true; nil: it must be true now.
    public var within: Duration?
    /// It must stay so for this long.
    public var duration: Duration?

    /// A question, and when it must have which answer.
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
    /// No service, and nothing that a service has started.
    case noServiceKilled
    case killed([Party])
    case exitCode(Int)
    case exitSignal(Signal)
    /// How the last `exec` has ended.
    case execExit(Int)
    case zombies(Int, orMore: Bool = false)
    case orphansReaped
    case noProcessesLeft
    case state(State)
    /// The runtime has refused what was last asked of it, for a reason with this text in it; nil: any.
    case refused(String?)
    /// How often the restart policy has started it again.
    case restarts(Int)
    /// The times between an end and the restart that the policy made of it, in their order.
    case restartDelays([Duration])
    /// A line with the text in it.
    case outputContains(String, in: Output = .presentLife)
    /// A line that is the text, and nothing else.
    case outputLine(String, in: Output = .presentLife)
    /// Lines with these texts in them, one after the other.
    case outputInOrder([String], in: Output = .presentLife)
    /// Lines that are these texts, one after the other.
    case outputLinesInOrder([String], in: Output = .presentLife)
    case markerWrittenOnce(path: String)
    /// Content, times (ctime among them), owner, mode and inode are those of the first writing.
    case markerUnchanged(path: String)
    case file(path: String, FileState)
    /// How often a fake entrypoint has gone through all its steps.
    case initialised(times: Int)
    case stepRan(String, times: Int)
    case data(path: String, DataState)
    /// Something in the container's network listens on a TCP port.
    case portOpen(Int)
    case stopTook(Bound)

    /// Whose words are meant.
    public enum Output: Hashable, Sendable, CaseIterable {
        /// Standard output and error of PID 1, and of what has inherited them, since the last start.
        case presentLife
        /// The same since the first start.
        case allLives
        /// Of the last `exec`.
        case exec
    }

    /// What `docker ps` says of a container.
    public enum State: String, CaseIterable, Hashable, Sendable {
        case created, running, exited, restarting
        /// Podman alone says so, of what is being stopped; with others it is running.
        case stopping
        /// It runs, and its health check says so, or has failed too often.
        case healthy, unhealthy
        /// It has removed itself: `docker ps` knows nothing of it.
        case removed
    }

    /// What is said of a file of the container.
    public enum FileState: Hashable, Sendable {
        case exists
        case contains(String)
        /// A regular expression that its whole text, without the newline at its end, matches somewhere.
        case matches(String)
        case owner(Owner)
        case mode(UInt16)
    }

    /// What a service's data file holds.
    public enum DataState: String, CaseIterable, Hashable, Sendable {
        case clean, dirty
    }

    /// A limit to a time.
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
        case .noServiceKilled: .noServiceKilled
        case .killed: .killed
        case .exitCode: .exitCode
        case .exitSignal: .exitSignal
        case .execExit: .execExit
        case .zombies: .zombies
        case .orphansReaped: .orphansReaped
        case .noProcessesLeft: .noProcessesLeft
        case .state: .state
        case .refused: .refused
        case .restarts: .restarts
        case .restartDelays: .restartDelays
        case .outputContains(_, .exec), .outputLine(_, .exec), .outputInOrder(_, .exec),
            .outputLinesInOrder(_, .exec):
            .execOutput
        case .outputContains: .outputContains
        case .outputLine: .outputLine
        case .outputInOrder: .outputInOrder
        case .outputLinesInOrder: .outputLinesInOrder
        case .markerWrittenOnce: .markerWrittenOnce
        case .markerUnchanged: .markerUnchanged
        case .file(_, .exists): .fileExists
        case .file(_, .contains): .fileContains
        case .file(_, .matches): .fileMatches
        case .file(_, .owner): .fileOwner
        case .file(_, .mode): .fileMode
        case .initialised: .initialised
        case .stepRan: .stepRan
        case .data: .data
        case .portOpen: .portOpen
        case .stopTook: .stopTook
        }
    }

    /// What is asked, whatever it is asked of.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        case ready, stoppedBefore, received, receivedNothing, nobodyKilled, noServiceKilled, killed, exitCode,
            exitSignal, execExit,
            zombies
        case orphansReaped, noProcessesLeft, state, refused, restarts, restartDelays, outputContains, outputLine,
            outputInOrder,
            outputLinesInOrder, execOutput
        case markerWrittenOnce, markerUnchanged, fileExists, fileContains, fileMatches, fileOwner, fileMode
        case initialised, stepRan, data, stopTook, portOpen
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

    /// It is about what listens on ports, which must be looked at before it can be answered.
    public var isAboutPorts: Bool { if case .portOpen = self { true } else { false } }

    /// The file of the container that must be looked at before it can be answered.
    public var path: String? {
        switch self {
        case .file(let path, _), .data(let path, _), .markerWrittenOnce(let path), .markerUnchanged(let path): path
        default: nil
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
            "\(Condition.list(parties)) received \(signal.spelling)" + (times.map { " " + Condition.times($0) } ?? "")
                + (sender.map { " from \($0)" } ?? "")
        case .receivedNothing(let parties): "\(Condition.list(parties)) received nothing"
        case .nobodyKilled: "nobody killed"
        case .noServiceKilled: "no service killed"
        case .killed(let parties): "\(Condition.list(parties)) killed"
        case .exitCode(let code): "exit \(code)"
        case .exitSignal(let signal): "exit on \(signal.spelling)"
        case .execExit(let code): "exec exit \(code)"
        case .zombies(0, orMore: false): "no zombies"
        case .zombies(let count, let orMore):
            "\(orMore ? "at least " : "")\(count) \(count == 1 ? "zombie" : "zombies")"
        case .orphansReaped: "orphans reaped"
        case .noProcessesLeft: "no processes left"
        case .state(let state): "state \(state.rawValue)"
        case .refused(let text): "refused" + (text.map { " \(Spelling.quoted($0))" } ?? "")
        case .restarts(let count): "restarts \(count)"
        case .restartDelays(let delays): "restart delays \(delays.map(\.text).joined(separator: ", "))"
        case .outputContains(let text, let output): "\(output) contains \(Spelling.quoted(text))"
        case .outputLine(let text, let output): "\(output) line \(Spelling.quoted(text))"
        case .outputInOrder(let texts, let output):
            "\(output) in order \(texts.map(Spelling.quoted).joined(separator: ", "))"
        case .outputLinesInOrder(let texts, let output):
            "\(output) lines in order \(texts.map(Spelling.quoted).joined(separator: ", "))"
        case .markerWrittenOnce(let path): "marker \(Spelling.word(path)) written once"
        case .markerUnchanged(let path): "marker \(Spelling.word(path)) unchanged"
        case .portOpen(let port): "port \(port) open"
        case .file(let path, .exists): "file \(Spelling.word(path)) exists"
        case .file(let path, .contains(let text)): "file \(Spelling.word(path)) contains \(Spelling.quoted(text))"
        case .file(let path, .matches(let pattern)):
            "file \(Spelling.word(path)) matches \(Spelling.regularExpression(pattern))"
        case .file(let path, .owner(let owner)): "file \(Spelling.word(path)) owner \(owner)"
        case .file(let path, .mode(let mode)): "file \(Spelling.word(path)) mode \(Spelling.octal(mode))"
        case .initialised(let times): "initialised \(Condition.times(times))"
        case .stepRan(let name, let times): "step \(Spelling.word(name)) ran \(Condition.times(times))"
        case .data(let path, let state): "data \(Spelling.word(path)) \(state.rawValue)"
        case .stopTook(.lessThan(let time)): "stop took less than \(time.text)"
        case .stopTook(.atLeast(let time)): "stop took at least \(time.text)"
        }
    }

    /// The opposite, as it is written: `no zombies` has a `no` of its own.
    public var negated: String { self == .zombies(0, orMore: false) ? "no 0 zombies" : "no \(self)" }

    /// Whether it says that something has not happened: it holds as long as nothing has.
    public var isAbsence: Bool {
        switch self {
        case .receivedNothing, .nobodyKilled, .noServiceKilled, .zombies(0, orMore: false), .noProcessesLeft,
            .received(_, _, times: 0, from: _), .initialised(times: 0), .stepRan(_, times: 0):
            true
        default: false
        }
    }

    private static func list(_ parties: [Party]) -> String {
        parties.map(\.description).joined(separator: ", ")
    }

    /// `once`, or `N times`.
    public static func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }
}

extension Expectation: CustomStringConvertible {
    public var description: String {
        (isNegated ? condition.negated : condition.description) + (within.map { " within \($0.text)" } ?? "")
            + (duration.map { " for \($0.text)" } ?? "")
    }
}

extension Condition.Output: CustomStringConvertible {
    /// As a condition about it begins.
    public var description: String {
        switch self {
        case .presentLife: "output"
        case .allLives: "output of all lives"
        case .exec: "exec output"
        }
    }
}
