/// A signal number of Linux, with the names that people and runtimes use for it.
///
/// Numbers are those of x86 and ARM (signal(7), "Signal numbering for standard signals").
public struct Signal: RawRepresentable, Hashable, Comparable, Sendable {
    /// The number that the kernel knows it by, 1 to 64.
    public let rawValue: Int32

    /// Takes any number; whether there is such a signal is not checked.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Hang-up; many daemons reload on it.
    public static let hup = Signal(rawValue: 1)
    /// Interrupt; what a terminal sends on ^C.
    public static let int = Signal(rawValue: 2)
    /// Quit; what a terminal sends on ^\.
    public static let quit = Signal(rawValue: 3)
    /// For a program's own use.
    public static let usr1 = Signal(rawValue: 10)
    /// Ends a process without asking it.
    public static let kill = Signal(rawValue: 9)
    /// For a program's own use.
    public static let usr2 = Signal(rawValue: 12)
    /// Asks a process to end; Docker's default stop signal.
    public static let term = Signal(rawValue: 15)
    /// A child has ended, stopped or gone on.
    public static let chld = Signal(rawValue: 17)
    /// Goes on after a stop.
    public static let cont = Signal(rawValue: 18)
    /// Stops a process without asking it.
    public static let stop = Signal(rawValue: 19)

    /// glibc keeps 32 and 33 to itself, so that SIGRTMIN is 34 there (signal(7), "Real-time signals").
    public static let rtmin = Signal(rawValue: 34)
    public static let rtmax = Signal(rawValue: 64)

    /// Every number that a process can be sent by name: 1 to 31, and 34 to 64.
    public static var all: [Signal] {
        (Array(Int32(1)...31) + Array(Int32(34)...64)).map(Signal.init(rawValue:))
    }

    public static func < (left: Signal, right: Signal) -> Bool { left.rawValue < right.rawValue }

    private static let names: [String] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ]

    /// Every spelling of a standard signal, with SIG in front; what a "did you mean" may choose from.
    public static let knownNames: [String] = names.map { "SIG" + $0 }

    /// Reads `SIGTERM`, `TERM`, `sigterm`, `15`, `SIGRTMIN+3` or `RTMAX-2`; nil for anything else, 0 and KILL+1 included.
    public init?(_ text: some StringProtocol) {
        if let number = Int32(text) {
            guard (1...64).contains(number), text.first != "+" else { return nil }
            self.init(rawValue: number)
            return
        }
        var name = text.uppercased()
        if name.hasPrefix("SIG") { name.removeFirst(3) }
        switch name {
        case "IOT": name = "ABRT"
        case "POLL": name = "IO"
        case "CLD": name = "CHLD"
        default: break
        }
        if let index = Signal.names.firstIndex(of: name) {
            self.init(rawValue: Int32(index + 1))
        } else if name == "RTMIN" {
            self = .rtmin
        } else if name == "RTMAX" {
            self = .rtmax
        } else if name.hasPrefix("RTMIN+"), let offset = Int32(name.dropFirst(6)), (0...30).contains(offset) {
            self.init(rawValue: Signal.rtmin.rawValue + offset)
        } else if name.hasPrefix("RTMAX-"), let offset = Int32(name.dropFirst(6)), (0...30).contains(offset) {
            self.init(rawValue: Signal.rtmax.rawValue - offset)
        } else {
            return nil
        }
    }
}

extension Signal: CustomStringConvertible {
    /// `SIGTERM`, `SIGRTMIN+3`; `signal 33` for one of the two that have no name, 32 and 33.
    public var description: String { hasName ? spelling : "signal \(rawValue)" }

    /// Whether signal(7) has a name for it.
    private var hasName: Bool { rawValue != 32 && rawValue != 33 && (1...64).contains(rawValue) }

    /// What reads it back: its name, or the number where it has none.
    public var spelling: String {
        if (1...31).contains(rawValue) { return "SIG" + Signal.names[Int(rawValue) - 1] }
        if rawValue == Signal.rtmin.rawValue { return "SIGRTMIN" }
        if (Signal.rtmin...Signal.rtmax).contains(self) { return "SIGRTMIN+\(rawValue - Signal.rtmin.rawValue)" }
        return String(rawValue)
    }
}
