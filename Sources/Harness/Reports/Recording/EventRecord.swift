import Journal
import Model
import Vocabulary

/// An event as a line of a recorded journal has it (docs/JOURNAL.md): who vouches for it, what happened, and what it is about.
///
/// A field that an event does not need is absent. Processes are numbers in the harness's own PID namespace, times are in nanoseconds.
struct EventRecord: Codable, Equatable {
    var by: String
    var what: String
    /// Whom it is about.
    var pid: Int32?
    /// The other process: a parent, a child, a sender.
    var other: Int32?
    /// Of a signal's sender: `process`, `neighbour` or `kernel`.
    var from: String?
    var signal: String?
    /// What became of a signal; what a process does with one.
    var fate: String?
    var text: String?
    /// A path, or a name.
    var name: String?
    var code: Int?
    var exit: Int32?
    var core: Bool?
    var count: Int?
    var time: Int64?
    var is_so: Bool?
    var signals: [String]?
    var names: [String]?
    var pids: [Int32]?
    var processes: [ProcessRecord]?
    var file: FileRecord?

    init(_ by: String, _ what: String) { (self.by, self.what) = (by, what) }

    /// A line of a census.
    struct ProcessRecord: Codable, Equatable {
        var pid, parent: Int32
        var name: String
        var is_zombie: Bool
    }

    /// What was found at a path.
    struct FileRecord: Codable, Equatable {
        var mode: UInt16
        var user, group: UInt32
        var inode: UInt64
        var modified, changed, size: Int64
        var text: String?
        var is_cut: Bool
    }

    /// The same record with fields filled in.
    fileprivate func with(_ fill: (inout EventRecord) -> Void) -> EventRecord {
        var result = self
        fill(&result)
        return result
    }
}

/// A line of a recorded journal that is none of this version.
struct UnknownRecord: Error, CustomStringConvertible {
    let description: String
}

// MARK: - Writing

extension EventRecord {
    init(_ kind: Event.Kind) {
        switch kind {
        case .runtime(let fact): self.init(fact)
        case .kernel(let fact): self.init(fact)
        case .said(let word, let pid):
            self.init(word)
            self.pid = pid.rawValue
        case .printed(let text, let stream, let isWhole):
            self.init("output", "printed")
            (self.text, name, is_so) = (text, stream.rawValue, isWhole ? nil : false)
        case .looked(let fact):
            self.init("harness", "looked")
            name = fact.path
            file = fact.status.map {
                FileRecord(
                    mode: $0.mode, user: $0.user, group: $0.group, inode: $0.inode, modified: $0.modified,
                    changed: $0.changed, size: $0.sizeInBytes, text: $0.text, is_cut: $0.isCut)
            }
        case .listening(let ports):
            self.init("harness", "listening")
            names = ports.map(String.init)
        case .dropped(let bytes, let source):
            self.init("harness", "dropped")
            count = bytes
            if case .stream(let stream) = source { name = stream.rawValue }
        case .late(let lateness):
            self.init("harness", "late")
            (time, count) = (lateness.container.inNanoseconds, Int(lateness.harness.inNanoseconds))
        case .mark(.stepBegan(let step)):
            self.init("scenario", "step-began")
            count = step
        case .mark(.asked(let step)):
            self.init("scenario", "asked")
            count = step
        case .mark(.timeIsOver(let step)):
            self.init("scenario", "time-is-over")
            count = step
        case .mark(.overdue): self.init("scenario", "overdue")
        }
    }

    private init(_ fact: RuntimeEvent) {
        func record(_ what: String, _ fill: (inout EventRecord) -> Void = { _ in }) -> EventRecord {
            EventRecord("runtime", what).with(fill)
        }
        func program(_ what: String, _ pid: ProcessID, _ path: String) -> EventRecord {
            record(what) { ($0.pid, $0.name) = (pid.rawValue, path) }
        }
        self =
            switch fact {
            case .started(let pid, let path): program("started", pid, path)
            case .startRequested: record("start-requested")
            case .restartScheduled(let time, let count):
                record("restart-scheduled") { ($0.time, $0.count) = (time.inNanoseconds, count) }
            case .restartCancelled: record("restart-cancelled")
            case .execStarted(let pid, let path): program("exec-started", pid, path)
            case .execFailed(let stage, let code): record("exec-failed") { ($0.text, $0.code) = (stage, code) }
            case .execTimedOut(let pid): record("exec-timed-out") { $0.pid = pid.rawValue }
            case .execEnded(let pid, let status, let code):
                record("exec-ended") {
                    ($0.pid, $0.code) = (pid.rawValue, code)
                    $0.set(status)
                }
            case .hookStarted(let pid, let path): program("hook-started", pid, path)
            case .hookFailed(let stage): record("hook-failed") { $0.text = stage }
            case .hookEnded(let pid, let status):
                record("hook-ended") {
                    $0.pid = pid.rawValue
                    $0.set(status)
                }
            case .checkStarted(let pid, let path): program("check-started", pid, path)
            case .checkEnded(let pid, let code): record("check-ended") { ($0.pid, $0.code) = (pid?.rawValue, code) }
            case .becameHealthy(let isHealthy): record("became-healthy") { $0.is_so = isHealthy }
            case .paused: record("paused")
            case .resumed: record("resumed")
            case .recreated(let paths): record("recreated") { $0.names = paths }
            case .volumeRemoved(let name, let path): record("volume-removed") { ($0.text, $0.name) = (name, path) }
            case .startFailed(let stage, let code): record("start-failed") { ($0.text, $0.code) = (stage, code) }
            case .stopRequested(let signal, let grace):
                record("stop-requested") { ($0.signal, $0.time) = (signal.spelling, grace.inNanoseconds) }
            case .joined(let reaper): record("joined") { $0.pid = reaper.rawValue }
            case .stopping: record("stopping")
            case .clientGone: record("client-gone")
            case .sent(let signal, let pid): record("sent") { ($0.signal, $0.pid) = (signal.spelling, pid.rawValue) }
            case .sendFailed(let signal, let pid, let reason):
                record("send-failed") { ($0.signal, $0.pid, $0.text) = (signal.spelling, pid.rawValue, reason) }
            case .graceExpired: record("grace-expired")
            case .exited(let status, let code):
                record("exited") {
                    $0.code = code
                    $0.set(status)
                }
            case .refused(let reason): record("refused") { $0.text = reason }
            case .stopFinished: record("stop-finished")
            case .stopFailed(let reason): record("stop-failed") { $0.text = reason }
            case .removed: record("removed")
            case .daemonEnded(let isKilled): record("daemon-ended") { $0.is_so = isKilled }
            case .daemonStarted: record("daemon-started")
            }
    }

    private init(_ fact: KernelEvent) {
        func record(_ what: String, _ fill: (inout EventRecord) -> Void) -> EventRecord {
            EventRecord("kernel", what).with(fill)
        }
        func about(_ what: String, _ pid: ProcessID) -> EventRecord { record(what) { $0.pid = pid.rawValue } }
        self =
            switch fact {
            case .forked(let child, let parent, let asSibling):
                record("forked") {
                    ($0.pid, $0.other, $0.is_so) = (child.rawValue, parent.rawValue, asSibling ? true : nil)
                }
            case .executed(let pid, let path): record("executed") { ($0.pid, $0.name) = (pid.rawValue, path) }
            case .exited(let pid): about("exited", pid)
            case .ended(let pid, let manner):
                record("ended") { ($0.pid, $0.fate) = (pid.rawValue, manner == .exited ? "exited" : "killed") }
            case .freed(let pid): about("freed", pid)
            case .waited(let pid, let target):
                record("waited") { ($0.pid, $0.other) = (pid.rawValue, target?.rawValue) }
            case .waitEnded(let pid, let outcome):
                record("wait-ended") { ($0.pid, $0.fate) = (pid.rawValue, Names.outcomes[outcome]) }
            case .traced(let pid): about("traced", pid)
            case .signalled(let signal, let target, let sender, let fate):
                record("signalled") {
                    ($0.signal, $0.pid, $0.fate) = (signal.spelling, target.rawValue, Names.fates[fate])
                    switch sender {
                    case .process(let pid): ($0.from, $0.other) = ("process", pid.rawValue)
                    case .neighbour(let pid): ($0.from, $0.other) = ("neighbour", pid.rawValue)
                    case .kernel(let pid): ($0.from, $0.other) = ("kernel", pid.rawValue)
                    }
                }
            case .delivered(let signal, let pid, let hasHandler):
                record("delivered") {
                    ($0.signal, $0.pid, $0.is_so) = (signal.spelling, pid.rawValue, hasHandler)
                }
            case .disposition(let pid, let signal, let disposition):
                record("disposition") {
                    ($0.pid, $0.signal, $0.fate) = (pid.rawValue, signal.spelling, Names.dispositions[disposition])
                }
            case .pending(let pid, let signals):
                record("pending") { ($0.pid, $0.signals) = (pid.rawValue, signals.map(\.spelling)) }
            case .census(let entries):
                record("census") {
                    $0.processes = entries.map {
                        ProcessRecord(
                            pid: $0.pid.rawValue, parent: $0.parent.rawValue, name: $0.name, is_zombie: $0.isZombie)
                    }
                }
            case .absent(let pids): record("absent") { $0.pids = pids.map(\.rawValue) }
            case .limitMet(let limit): record("limit-met") { $0.set(limit) }
            case .lost(let count): record("lost") { $0.count = count }
            }
    }

    private init(_ word: ServiceWord) {
        func record(_ what: String, _ fill: (inout EventRecord) -> Void = { _ in }) -> EventRecord {
            EventRecord("service", what).with(fill)
        }
        self =
            switch word {
            case .hello(let name): record("hello") { $0.name = name }
            case .claimed(let name): record("claimed") { $0.name = name }
            case .executes(let path): record("executes") { $0.name = path }
            case .ready: record("ready")
            case .caught(let signal, let sender):
                record("caught") { ($0.signal, $0.other) = (signal.spelling, sender) }
            case .stopping: record("stopping")
            case .finished(let code): record("finished") { $0.code = Int(code) }
            case .orphaned(let count): record("orphaned") { $0.count = count }
            case .ran(let step): record("ran") { $0.name = step }
            case .wroteMarker: record("wrote-marker")
            case .initialised: record("initialised")
            case .cannot(let what): record("cannot") { $0.text = what }
            }
    }

    private mutating func set(_ status: ExitStatus) {
        switch status {
        case .exited(let code): exit = code
        case .signaled(let signal, let dumpedCore): (self.signal, core) = (signal.spelling, dumpedCore ? true : nil)
        }
    }

    private mutating func set(_ limit: MetLimit) {
        switch limit {
        case .processes(let number): (fate, count) = ("processes", number)
        case .memory(let bytes): (fate, count) = ("memory", bytes)
        case .memoryOfAll(let bytes): (fate, count) = ("memory-of-all", bytes)
        case .space(.layer, let bytes): (fate, count) = ("layer", bytes)
        case .space(.volume(let volume), let bytes): (fate, name, count) = ("volume", volume, bytes)
        case .space(.volumes, let bytes): (fate, count) = ("volumes", bytes)
        case .space(.tmpfs(let path), let bytes): (fate, name, count) = ("tmpfs", path, bytes)
        case .openFiles(let process, let number): (fate, pid, count) = ("open-files", process.rawValue, number)
        }
    }
}

/// What values are called in a recorded journal.
private enum Names {
    static let outcomes: [WaitOutcome: String] = [.child: "child", .nothing: "nothing", .perhaps: "perhaps"]
    static let fates: [SignalFate: String] = [
        .queued: "queued", .ignored: "dropped", .alreadyPending: "merged", .queueFull: "lost",
        .informationLost: "queued-without-sender",
    ]
    static let dispositions: [SignalDisposition: String] = [
        .caught: "caught", .blocked: "blocked", .ignored: "ignored", .defaultAction: "default",
    ]

    static func value<Value>(_ name: String?, in table: [Value: String]) -> Value? {
        table.first { $0.value == name }?.key
    }
}

// MARK: - Reading

extension EventRecord {
    /// The event that it records.
    ///
    /// - Throws: `UnknownRecord` where there is none of this version.
    func kind() throws(UnknownRecord) -> Event.Kind {
        let kind: Event.Kind?
        switch by {
        case "runtime": kind = runtimeEvent.map(Event.Kind.runtime)
        case "kernel": kind = kernelEvent.map(Event.Kind.kernel)
        case "service":
            if let word, let pid { kind = .said(word, by: ProcessID(rawValue: pid)) } else { kind = nil }
        case "output":
            guard let text, let stream = name.flatMap(Event.Stream.init) else { throw unknown }
            kind = .printed(text, on: stream, isWhole: is_so ?? true)
        case "harness": kind = own
        case "scenario": kind = mark.map(Event.Kind.mark)
        default: kind = nil
        }
        guard let kind else { throw unknown }
        return kind
    }

    private var unknown: UnknownRecord {
        UnknownRecord(description: "there is no event '\(what)' by '\(by)' with these fields")
    }

    private var process: ProcessID? { pid.map(ProcessID.init(rawValue:)) }
    private var otherProcess: ProcessID? { other.map(ProcessID.init(rawValue:)) }
    private var namedSignal: Signal? { signal.flatMap { Signal($0) } }
    private var duration: Duration? { time.map { .nanoseconds($0) } }

    private var status: ExitStatus? {
        if let exit { return .exited(exit) }
        return namedSignal.map { .signaled($0, dumpedCore: core ?? false) }
    }

    private var own: Event.Kind? {
        switch what {
        case "looked":
            name.map { path in
                .looked(
                    FileFact(
                        path: path,
                        status: file.map {
                            FileFact.Status(
                                mode: $0.mode, user: $0.user, group: $0.group, inode: $0.inode, modified: $0.modified,
                                sizeInBytes: $0.size, text: $0.text, isCut: $0.is_cut, changed: $0.changed)
                        }))
            }
        case "listening": names.map { .listening($0.compactMap { Int($0) }) }
        case "dropped":
            count.map { .dropped(bytes: $0, of: name.flatMap(Event.Stream.init).map(Event.Source.stream) ?? .reports) }
        case "late":
            duration.map { .late(Lateness(container: $0, harness: .nanoseconds(Int64(count ?? 0)))) }
        default: nil
        }
    }

    /// No scenario has more steps.
    private static let steps = 0..<10_000_000

    private var mark: Mark? {
        let step = count.flatMap { EventRecord.steps.contains($0) ? $0 : nil }
        return switch what {
        case "step-began": step.map(Mark.stepBegan)
        case "asked": step.map { .asked(step: $0) }
        case "time-is-over": step.map { .timeIsOver(step: $0) }
        case "overdue": .overdue
        default: nil
        }
    }

    private var runtimeEvent: RuntimeEvent? {
        switch what {
        case "started": both(process, name).map { .started($0, program: $1) }
        case "start-requested": .startRequested
        case "restart-scheduled": both(duration, count).map { .restartScheduled(after: $0, count: $1) }
        case "restart-cancelled": .restartCancelled
        case "exec-started": both(process, name).map { .execStarted($0, program: $1) }
        case "exec-failed": both(text, code).map { .execFailed(stage: $0, code: $1) }
        case "exec-timed-out": process.map(RuntimeEvent.execTimedOut)
        case "exec-ended":
            both(process, status).flatMap { process, status in code.map { .execEnded(process, status, code: $0) } }
        case "hook-started": both(process, name).map { .hookStarted($0, program: $1) }
        case "hook-failed": text.map { .hookFailed(stage: $0) }
        case "hook-ended": both(process, status).map { .hookEnded($0, $1) }
        case "check-started": both(process, name).map { .checkStarted($0, program: $1) }
        case "check-ended": code.map { .checkEnded(process, code: $0) }
        case "became-healthy": is_so.map(RuntimeEvent.becameHealthy)
        case "paused": .paused
        case "resumed": .resumed
        case "recreated": .recreated(keeping: names ?? [])
        case "volume-removed": both(text, name).map { .volumeRemoved($0, at: $1) }
        case "start-failed": text.map { .startFailed(stage: $0, code: code) }
        case "stop-requested": both(namedSignal, duration).map { .stopRequested($0, grace: $1) }
        case "joined": process.map { .joined(reaper: $0) }
        case "stopping": .stopping
        case "client-gone": .clientGone
        case "sent": both(namedSignal, process).map { .sent($0, to: $1) }
        case "send-failed":
            both(namedSignal, process).flatMap { signal, process in
                text.map { .sendFailed(signal, to: process, reason: $0) }
            }
        case "grace-expired": .graceExpired
        case "exited": both(status, code).map { .exited($0, code: $1) }
        case "refused": text.map { .refused(reason: $0) }
        case "stop-finished": .stopFinished
        case "stop-failed": text.map { .stopFailed(reason: $0) }
        case "removed": .removed
        case "daemon-ended": is_so.map { .daemonEnded(isKilled: $0) }
        case "daemon-started": .daemonStarted
        default: nil
        }
    }

    private var kernelEvent: KernelEvent? {
        switch what {
        case "forked": both(process, otherProcess).map { .forked(child: $0, by: $1, asSibling: is_so ?? false) }
        case "executed": both(process, name).map { .executed($0, path: $1) }
        case "exited": process.map(KernelEvent.exited)
        case "ended": process.map { .ended($0, fate == "exited" ? .exited : .killed) }
        case "freed": process.map(KernelEvent.freed)
        case "waited": process.map { .waited(by: $0, for: otherProcess) }
        case "wait-ended": both(process, Names.value(fate, in: Names.outcomes)).map { .waitEnded(by: $0, $1) }
        case "traced": process.map(KernelEvent.traced)
        case "signalled": signalled
        case "delivered":
            both(namedSignal, process).flatMap { signal, process in
                is_so.map { .delivered(signal, to: process, hasHandler: $0) }
            }
        case "disposition":
            both(process, namedSignal).flatMap { process, signal in
                Names.value(fate, in: Names.dispositions).map { .disposition(process, signal, $0) }
            }
        case "pending": process.map { .pending($0, (signals ?? []).compactMap { Signal($0) }) }
        case "census":
            .census(
                (processes ?? []).map {
                    CensusEntry(
                        pid: ProcessID(rawValue: $0.pid), parent: ProcessID(rawValue: $0.parent), name: $0.name,
                        isZombie: $0.is_zombie)
                })
        case "absent": .absent((pids ?? []).map(ProcessID.init(rawValue:)))
        case "limit-met": limit.map(KernelEvent.limitMet)
        case "lost": count.map { .lost(count: $0) }
        default: nil
        }
    }

    private var signalled: KernelEvent? {
        guard let namedSignal, let process, let otherProcess, let fate = Names.value(fate, in: Names.fates) else {
            return nil
        }
        let sender: SignalSender
        switch from {
        case "process": sender = .process(otherProcess)
        case "neighbour": sender = .neighbour(otherProcess)
        case "kernel": sender = .kernel(during: otherProcess)
        default: return nil
        }
        return .signalled(namedSignal, to: process, from: sender, fate: fate)
    }

    private var limit: MetLimit? {
        guard let count else { return nil }
        return switch fate {
        case "processes": .processes(count)
        case "memory": .memory(count)
        case "memory-of-all": .memoryOfAll(count)
        case "layer": .space(.layer, count)
        case "volume": name.map { .space(.volume($0), count) }
        case "volumes": .space(.volumes, count)
        case "tmpfs": name.map { .space(.tmpfs($0), count) }
        case "open-files": process.map { .openFiles($0, count) }
        default: nil
        }
    }

    private var word: ServiceWord? {
        switch what {
        case "hello": name.map { .hello(name: $0) }
        case "claimed": name.map { .claimed(name: $0) }
        case "executes": name.map { .executes(program: $0) }
        case "ready": .ready
        case "caught": both(namedSignal, other).map { .caught($0, sender: $1) }
        case "stopping": .stopping
        case "finished": code.map { .finished(code: Int32(truncatingIfNeeded: $0)) }
        case "orphaned": count.map { .orphaned(count: $0) }
        case "ran": name.map { .ran(step: $0) }
        case "wrote-marker": .wroteMarker
        case "initialised": .initialised
        case "cannot": text.map(ServiceWord.cannot)
        default: nil
        }
    }
}

/// Both values, where there are both.
private func both<First, Second>(_ first: First?, _ second: Second?) -> (First, Second)? {
    if let first, let second { (first, second) } else { nil }
}
