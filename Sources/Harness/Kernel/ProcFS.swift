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
        package let threadCount: Int
        /// When it was started, in clock ticks since boot: with the pid, an identity that no later process has.
        package let startTime: UInt64

        /// Whether it has exited: a leader that has, but whose threads go on, has the letter too.
        package var isZombie: Bool { (state == "Z" || state == "X") && threadCount <= 1 }
    }

    /// A process, or nil when there is none of this number (any more), or it cannot be read.
    package static func process(_ pid: ProcessID) -> Process? {
        (try? find(pid)) ?? nil
    }

    /// A process, or nil when there is none of this number (any more).
    ///
    /// - Throws: any other reason, such as too many open files.
    package static func find(_ pid: ProcessID) throws(Errno) -> Process? {
        let bytes: [UInt8]
        do {
            bytes = try Files.bytes(of: "/proc/\(pid)/stat")
        } catch  where error == .noSuchFileOrDirectory || error == .noSuchProcess {
            return nil
        }
        return parse(String(decoding: bytes, as: UTF8.self), pid)
    }

    /// Whether a process has a handler for a signal, or waits for it blocked (proc_pid_status(5), SigCgt and SigBlk).
    package static func hears(_ pid: ProcessID, _ signal: Signal) -> Bool {
        let bit = UInt64(1) << UInt64(signal.rawValue - 1)
        return (Files.text(of: "/proc/\(pid)/status") ?? "").split(separator: "\n").contains { line in
            guard line.hasPrefix("SigCgt:") || line.hasPrefix("SigBlk:"), let word = line.split(separator: "\t").last
            else {
                return false
            }
            return (UInt64(word, radix: 16) ?? 0) & bit != 0
        }
    }

    private static func parse(_ text: String, _ pid: ProcessID) -> Process? {
        // The name stands in brackets and may itself hold brackets and blanks: what counts is the last one.
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else { return nil }
        let name = String(text[text.index(after: open)..<close])
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]),
            let threadCount = Int(fields[17]), let startTime = UInt64(fields[19])
        else { return nil }
        return Process(
            pid: pid, parent: ProcessID(rawValue: parent), state: state, name: name, threadCount: threadCount,
            startTime: startTime)
    }

    /// A process and all that descend from it, parents before children.
    ///
    /// In a PID namespace every process descends from its PID 1, orphans too: they are handed to it. A process that is
    /// handed on while the tree is being walked can be missed; it is found the next time.
    ///
    /// - Throws: what kept /proc from being read, other than the end of a process.
    package static func tree(under root: ProcessID) throws(Errno) -> [Process] {
        var result: [Process] = []
        var waiting = [root]
        while let pid = waiting.popLast() {
            guard let process = try find(pid) else { continue }
            result.append(process)
            guard Files.exists("/proc/thread-self/children") else {
                throw .notSupported  // CONFIG_PROC_CHILDREN
            }
            for thread in Files.names(in: "/proc/\(pid)/task") {
                guard let children = Files.text(of: "/proc/\(pid)/task/\(thread)/children") else { continue }
                waiting += children.split(separator: " ").compactMap { Int32($0).map(ProcessID.init(rawValue:)) }
            }
        }
        return result
    }

    /// What tells a PID namespace from all others; nil where the process is gone.
    package static func pidNamespace(of pid: ProcessID) -> String? {
        Files.target(ofLink: "/proc/\(pid)/ns/pid")
    }
}
