import CLinux
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
        /// It is ending (PF_EXITING, linux/sched.h). PID 1 is so for as long as the kernel waits for the end of its namespace, before it is a
        /// zombie.
        package let isExiting: Bool
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

    /// What a process does with a signal (proc_pid_status(5): SigCgt, SigBlk, SigIgn); nil where it is gone.
    ///
    /// While a thread sleeps in sigwait(3) the kernel takes what it waits for out of its blocked set (do_sigtimedwait): what it
    /// waits for is then read from its own memory.
    package static func disposition(of pid: ProcessID, towards signal: Signal) -> SignalDisposition? {
        dispositions(of: pid, towards: [signal]).first
    }

    /// The same for several at one moment; empty where it is gone.
    package static func dispositions(of pid: ProcessID, towards signals: [Signal]) -> [SignalDisposition] {
        guard let text = Files.text(of: "/proc/\(pid)/status") else { return [] }
        var sets: [Substring: UInt64] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("Sig") {
            let parts = line.split(separator: "\t")
            if parts.count == 2 { sets[parts[0]] = UInt64(parts[1], radix: 16) }
        }
        guard let caught = sets["SigCgt:"], let blocked = sets["SigBlk:"], let ignored = sets["SigIgn:"] else {
            return []
        }
        lazy var awaited = waitedFor(by: pid)
        return signals.map { signal in
            let bit = UInt64(1) << UInt64(signal.rawValue - 1)
            if caught & bit != 0 { return .caught }
            if awaited & bit != 0 { return .blocked }
            // Before `blocked`: a shell blocks everything for a moment around a fork.
            if ignored & bit != 0 { return .ignored }
            return blocked & bit != 0 ? .blocked : .defaultAction
        }
    }

    /// The signals that are queued for a process or its first thread, and not taken (proc_pid_status(5): ShdPnd, SigPnd); nil where it is
    /// gone, or has ended.
    package static func pendingSignals(of pid: ProcessID) -> [Signal]? {
        guard let text = Files.text(of: "/proc/\(pid)/status") else { return nil }
        var set: UInt64 = 0
        for line in text.split(separator: "\n") {
            if line.hasPrefix("State:\tZ") || line.hasPrefix("State:\tX") { return nil }
            guard line.hasPrefix("ShdPnd:") || line.hasPrefix("SigPnd:") else { continue }
            set |= line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } ?? 0
        }
        return (Int32(1)...64).filter { set & 1 << UInt64($0 - 1) != 0 }.map { Signal(rawValue: $0) }
    }

    /// How many files a process has open, and how many it may have; nil where it is gone.
    package static func openFiles(of pid: ProcessID) -> (count: Int, limit: Int)? {
        // "Max open files            1024                 524288               files"
        guard
            let line = Files.text(of: "/proc/\(pid)/limits")?.split(separator: "\n").first(where: {
                $0.hasPrefix("Max open files")
            }), let limit = Int(line.split(separator: " ")[3])
        else { return nil }
        return (Files.names(in: "/proc/\(pid)/fd").count, limit)
    }

    /// What a process would lose if it were killed: a socket, or a file open for writing, that is none of its standard streams; nil where
    /// it has nothing of the kind.
    package static func stake(of pid: ProcessID) -> String? {
        for name in Files.names(in: "/proc/\(pid)/fd") {
            guard let number = Int(name), number > 2, let target = Files.target(ofLink: "/proc/\(pid)/fd/\(name)")
            else {
                continue
            }
            if target.hasPrefix("socket:") { return "a socket" }
            guard target.hasPrefix("/"), !target.hasPrefix("/dev/"), !target.hasPrefix("/proc/"),
                !target.hasPrefix("/memfd:"), !target.hasSuffix(" (deleted)")
            else { continue }
            // "flags:\t0100002": how it was opened, in octal (proc_pid_fdinfo(5)).
            let flags = Files.text(of: "/proc/\(pid)/fdinfo/\(name)")?.split(separator: "\n").first {
                $0.hasPrefix("flags:")
            }
            if let flags, let last = flags.last?.wholeNumberValue, last & 3 != 0 {
                return "\(target), open for writing"
            }
        }
        return nil
    }

    /// The processor time that a process has had in all, in clock ticks; nil where it is gone.
    package static func processorTicks(of pid: ProcessID) -> Int? {
        // "1 (sh) S 0 …": fields 14 and 15 are utime and stime (proc_pid_stat(5)).
        guard let text = Files.text(of: "/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return nil }
        return user + system
    }

    /// The TCP ports on which something listens in a process's network namespace, in order; none where it is gone.
    package static func listeningPorts(of pid: ProcessID) -> [Int] {
        var ports: Set<Int> = []
        for table in ["tcp", "tcp6"] {
            //   sl  local_address rem_address   st …
            //    0: 0100007F:1F90 00000000:0000 0A …  (proc_pid_net(5); 0A is LISTEN)
            for line in (Files.text(of: "/proc/\(pid)/net/\(table)") ?? "").split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ", maxSplits: 4)
                guard fields.count > 3, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":"),
                    let port = Int(fields[1][fields[1].index(after: colon)...], radix: 16)
                else { continue }
                ports.insert(port)
            }
        }
        return ports.sorted()
    }

    /// The set of signals that a process sleeps for in rt_sigtimedwait(2); empty where it does something else.
    private static func waitedFor(by pid: ProcessID) -> UInt64 {
        // "128 0x7ffd… 0x… …": the number of the call, and its arguments (proc_pid_syscall(5)).
        let words = (Files.text(of: "/proc/\(pid)/syscall") ?? "").split(separator: " ")
        guard words.count > 1, Int32(words[0]) == clinux_sigtimedwait_number(), words[1].hasPrefix("0x"),
            let address = UInt64(words[1].dropFirst(2), radix: 16),
            let memory = try? Descriptor.open("/proc/\(pid)/mem", .read)
        else { return 0 }
        return clinux_read_word(memory.rawValue, address)
    }

    private static func parse(_ text: String, _ pid: ProcessID) -> Process? {
        // The name is in brackets and may itself hold brackets and blanks: what counts is the last one.
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else { return nil }
        let name = String(text[text.index(after: open)..<close])
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]),
            let flags = UInt64(fields[6]), let threadCount = Int(fields[17]), let startTime = UInt64(fields[19])
        else { return nil }
        return Process(
            pid: pid, parent: ProcessID(rawValue: parent), state: state, name: name, threadCount: threadCount,
            isExiting: flags & 0x4 != 0, startTime: startTime)
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

    /// Every process whose root is an overlay that is written to below a directory: mounts of a container it cannot change.
    package static func processes(withRootIn directory: String) -> [ProcessID] {
        Files.names(in: "/proc").compactMap { Int32($0).map(ProcessID.init(rawValue:)) }.filter { pid in
            (Files.text(of: "/proc/\(pid)/mountinfo") ?? "").split(separator: "\n").contains { line in
                line.contains("upperdir=\(directory)/")
            }
        }
    }

    /// How much memory the machine has; nil where /proc does not say.
    package static var memoryInBytes: Int? {
        // MemTotal:       24600000 kB
        let line = (Files.text(of: "/proc/meminfo") ?? "").split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// How long a process has been ready and had no processor, all its threads together; nil where it is gone, or the kernel does not say.
    package static func stalledTime(of pid: ProcessID) -> Duration? {
        // Time on a processor and time in a queue, in nanoseconds, and how often (Documentation/scheduler/sched-stats.rst).
        let times = Files.names(in: "/proc/\(pid)/task").compactMap { thread in
            Files.text(of: "/proc/\(pid)/task/\(thread)/schedstat")?.split(separator: " ").dropFirst().first
                .flatMap { Int64($0) }
        }
        return times.isEmpty ? nil : .nanoseconds(times.reduce(0, +))
    }

    /// What tells a PID namespace from all others; nil where the process is gone.
    package static func pidNamespace(of pid: ProcessID) -> String? {
        Files.target(ofLink: "/proc/\(pid)/ns/pid")
    }
}
