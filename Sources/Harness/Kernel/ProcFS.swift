import Vocabulary

/// Questions to /proc.
package enum ProcFS {
    /// One line of /proc/PID/stat, as far as it is of use here.
    package struct Process: Hashable, Sendable {
        package let pid: ProcessID
        package let parent: ProcessID
        /// The state's letter: R, S, D, Z, T, … (proc_pid_stat(5)).
        package let state: Character
        package let name: String
        /// When it was started, in clock ticks since boot: with the pid, an identity that no later process has.
        package let startTime: UInt64

        package var isZombie: Bool { state == "Z" || state == "X" }
    }

    /// A process, or nil when there is none of this number (any more).
    package static func process(_ pid: ProcessID) -> Process? {
        guard let text = Files.text(of: "/proc/\(pid)/stat") else { return nil }
        // The name stands in brackets and may itself hold brackets and blanks: what counts is the last one.
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else { return nil }
        let name = String(text[text.index(after: open)..<close])
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]),
            let startTime = UInt64(fields[19])
        else { return nil }
        return Process(
            pid: pid, parent: ProcessID(rawValue: parent), state: state, name: name, startTime: startTime)
    }

    /// A process and all that descend from it, parents before children.
    ///
    /// In a PID namespace every process descends from its PID 1, orphans too: they are handed to it. A process that is
    /// handed on while the tree is being walked can be missed; it is found the next time.
    package static func tree(under root: ProcessID) -> [Process] {
        var result: [Process] = []
        var waiting = [root]
        while let pid = waiting.popLast() {
            guard let process = process(pid) else { continue }
            result.append(process)
            for thread in Files.names(in: "/proc/\(pid)/task") {
                guard let children = Files.text(of: "/proc/\(pid)/task/\(thread)/children") else { continue }
                waiting += children.split(separator: " ").compactMap { Int32($0).map(ProcessID.init(rawValue:)) }
            }
        }
        return result
    }

    /// The bit sets of /proc/PID/status that say what a process does with signals.
    package struct SignalSets: Hashable, Sendable {
        package let caught: UInt64
        package let ignored: UInt64
        package let blocked: UInt64

        package static func contains(_ signal: Signal, in set: UInt64) -> Bool {
            set >> UInt64(signal.rawValue - 1) & 1 == 1
        }
    }

    package static func signalSets(of pid: ProcessID) -> SignalSets? {
        guard let text = Files.text(of: "/proc/\(pid)/status") else { return nil }
        func set(_ key: String) -> UInt64 {
            guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else { return 0 }
            return UInt64(line.split(separator: "\t").last ?? "", radix: 16) ?? 0
        }
        return SignalSets(caught: set("SigCgt:"), ignored: set("SigIgn:"), blocked: set("SigBlk:"))
    }
}
