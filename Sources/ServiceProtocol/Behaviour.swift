import Vocabulary

/// How a fake service behaves: what a scenario says of it, and what its command line carries.
///
/// A default value is a well-behaved daemon: ready at once, stops at once on SIGTERM and SIGINT, exits 0.
public struct Behaviour: Hashable, Sendable {
    /// A way in which it ends without having been asked to stop.
    public enum Ending: Hashable, Sendable {
        /// It exits with a status, so long after it was ready.
        case exits(code: Int32, after: Duration)
        /// It sends itself a signal with the default action restored, so long after it was ready.
        case dies(of: Signal, after: Duration)
    }

    /// From its start to its readiness.
    public var readyAfter: Duration = .zero
    /// From the stop signal to its exit.
    public var stopTakes: Duration = .zero
    /// Signals that begin its orderly stop.
    public var stopSignals: [Signal] = [.term, .int]
    /// Signals that it catches and does nothing about.
    public var ignoredSignals: [Signal] = []
    /// Exit statuses by signal: on this signal it exits at once with this status.
    public var exitCodes: [Signal: Int32] = [:]
    public var ending: Ending?
    /// Processes that it keeps, each a well-behaved service named after it with `.1`, `.2`, …; an orderly stop waits
    /// for those in its own session and tells them nothing.
    public var children = 0
    public var childrenHaveOwnSession = false
    /// Processes that it leaves to the init before it says that it is ready, each of which exits after this time.
    public var orphans = 0
    public var orphansLive: Duration = .zero
    /// Children that exit at once, before it says that it is ready, and that it never waits for.
    public var zombies = 0
    /// A file that it keeps dirty while it runs, and leaves clean after an orderly stop.
    public var data: String?

    /// It leaves a daemon in its place, whose number it writes there, and exits when the daemon is ready.
    public var pidFile: String?
    /// It says that it is ready over sd_notify(3) too.
    public var notifies = false

    /// What is in a data file.
    public static let dirtyData = "dirty\n"
    /// See `dirtyData`.
    public static let cleanData = "clean\n"

    public init() {}

    /// The name of a child, counted from 1.
    public static func childName(_ index: Int, of service: String) -> String { "\(service).\(index)" }
}

extension Behaviour {
    /// What is on the command line; only what differs from a well-behaved daemon.
    public var arguments: [String] {
        let usual = Behaviour()
        var result: [String] = []
        if readyAfter != usual.readyAfter { result.append("ready-after=\(readyAfter.text)") }
        if stopTakes != usual.stopTakes { result.append("stop-takes=\(stopTakes.text)") }
        if stopSignals != usual.stopSignals { result.append("stops-on=\(Behaviour.list(stopSignals))") }
        if !ignoredSignals.isEmpty { result.append("ignores=\(Behaviour.list(ignoredSignals))") }
        for (signal, code) in exitCodes.sorted(by: { $0.key < $1.key }) { result.append("exits=\(code):\(signal)") }
        switch ending {
        case .exits(let code, let delay): result.append("exits-after=\(code):\(delay.text)")
        case .dies(let signal, let delay): result.append("dies-after=\(signal):\(delay.text)")
        case nil: break
        }
        if children > 0 { result.append("children=\(children)\(childrenHaveOwnSession ? ":own-session" : "")") }
        if orphans > 0 { result.append("orphans=\(orphans):\(orphansLive.text)") }
        if zombies > 0 { result.append("zombies=\(zombies)") }
        if let data { result.append("data=\(data)") }
        if let pidFile { result.append("pidfile=\(pidFile)") }
        if notifies { result.append("notifies=yes") }
        return result
    }

    /// Reads what `arguments` has written.
    ///
    /// - Throws: `BadArgument` for the first word that is none of these.
    public init(arguments: some Sequence<String>) throws(BadArgument) {
        self.init()
        for argument in arguments {
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, apply(key: parts[0], value: parts[1]) else { throw BadArgument(text: argument) }
        }
    }

    /// A word of the command line that a fake does not understand.
    public struct BadArgument: Error {
        public let text: String
    }

    private mutating func apply(key: String, value: String) -> Bool {
        let fields = value.split(separator: ":").map(String.init)
        switch key {
        case "ready-after":
            guard let time = Duration(text: value) else { return false }
            readyAfter = time
        case "stop-takes":
            guard let time = Duration(text: value) else { return false }
            stopTakes = time
        case "stops-on":
            guard let signals = Behaviour.signals(value) else { return false }
            stopSignals = signals
        case "ignores":
            guard let signals = Behaviour.signals(value) else { return false }
            ignoredSignals = signals
        case "exits":
            guard fields.count == 2, let code = Int32(fields[0]), let signal = Signal(fields[1]) else { return false }
            exitCodes[signal] = code
        case "exits-after":
            guard fields.count == 2, let code = Int32(fields[0]), let time = Duration(text: fields[1])
            else { return false }
            ending = .exits(code: code, after: time)
        case "dies-after":
            guard fields.count == 2, let signal = Signal(fields[0]), let time = Duration(text: fields[1])
            else { return false }
            ending = .dies(of: signal, after: time)
        case "children":
            guard let count = Int(fields.first ?? ""), fields.count == 1 || fields[1] == "own-session"
            else { return false }
            children = count
            childrenHaveOwnSession = fields.count == 2
        case "orphans":
            guard fields.count == 2, let count = Int(fields[0]), let time = Duration(text: fields[1])
            else { return false }
            orphans = count
            orphansLive = time
        case "zombies":
            guard let count = Int(value) else { return false }
            zombies = count
        case "data": data = value
        case "pidfile": pidFile = value
        case "notifies":
            guard value == "yes" else { return false }
            notifies = true
        default: return false
        }
        return true
    }

    /// What stands for an empty list.
    private static let noSignals = "none"

    private static func list(_ signals: [Signal]) -> String {
        signals.isEmpty ? noSignals : signals.map(\.description).joined(separator: ",")
    }

    private static func signals(_ text: String) -> [Signal]? {
        if text == noSignals { return [] }
        let signals = text.split(separator: ",").map { Signal($0) }
        return signals.contains(nil) ? nil : signals.compactMap(\.self)
    }
}
