import CLinux
import Glibc
import ServiceProtocol
import Vocabulary

/// The reference init: what a PID 1 ought to do, in as few lines as it takes.
///
/// With one command it forwards every signal to it, reaps whatever is handed to it, and leaves with its status. With
/// services it starts each when those it comes after are ready, and stops them in reverse order on the stop signal. In
/// both cases it leaves nothing behind: what still runs when its services are gone is asked to stop too, and waited for.
///
/// With `--defect NAME` it does one thing wrong; each of these is where the right thing is done.
struct ReferenceInit {
    /// One service, from its place on the command line to its end.
    private struct Service {
        let name: String
        var after: [String]
        var command: [String]
        var pid: Int32?
        /// The reading end of its readiness pipe, until it is ready.
        var readiness: Int32?
        /// What makes it ready: to be there, to say so, to have left a daemon, or to have ended well.
        var kind = Kind.simple
        /// Where a daemon's number is to be found.
        var pidFile: String?
        var isReady = false
        var status: Int32?
    }

    /// In systemd's words.
    private enum Kind: String {
        case simple, forking, notify, oneshot
    }

    /// What only defects need to remember.
    private struct Misdeeds {
        var hasForwarded = false
        var hasRestarted = false
        var stopRequests = 0
        var nextReaping = MonotonicInstant(nanoseconds: 0)
        /// The way of the child's output through this process.
        var relay: (from: Int32, to: Int32)?
    }

    private var services: [Service]
    private let defect: Defect?
    private let startedAt = now()
    /// What it was started with, and starts its children with.
    private var inheritedSignals: (mask: UInt64, ignoresChildren: Bool) = (0, false)
    /// Descriptors that were open at its start.
    private var inherited = (3..<256).filter { fcntl($0, F_GETFD) >= 0 }
    /// What only defects need to remember.
    private var misdeeds = Misdeeds()
    private let options: Options
    private let signals: Int32
    private var isStopping = false
    /// The status with which the first service to end on its own has ended.
    private var firstEnd: Int32?

    /// How long a service may take to stop before it is killed, and other choices of the command line.
    private struct Options {
        var stopTimeout: Duration = .seconds(5)
        var stopSignal: Signal = .term
        var signalsGroup = false
        var defect: Defect?
    }

    static func main(arguments: [String]) -> Never {
        var options = Options()
        var services: [Service] = []
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--stop-timeout":
                guard let time = Duration(text: rest.popFirst() ?? "") else {
                    fail("init: --stop-timeout takes a time")
                }
                options.stopTimeout = time
            case "--stop-signal":
                guard let signal = Signal(rest.popFirst() ?? "") else { fail("init: --stop-signal takes a signal") }
                options.stopSignal = signal
            case "--defect":
                guard let defect = Defect(rawValue: rest.popFirst() ?? "") else {
                    fail("init: --defect takes one of \(Defect.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                options.defect = defect
            case "--group": options.signalsGroup = true
            case "--service":
                services.append(service(from: &rest))
            case "--":
                services.append(Service(name: "main", after: [], command: Array(rest)))
                rest = []
            default: fail("init: '\(word)' is not an option")
            }
        }
        guard !services.isEmpty, services.allSatisfy({ !$0.command.isEmpty }) else { fail("init: nothing to start") }
        var this = ReferenceInit(services: services, options: options)
        this.run()
    }

    /// `NAME [--after A,B] [--kind K] [--pidfile P] -- COMMAND…`, up to the next `--service`.
    private static func service(from rest: inout ArraySlice<String>) -> Service {
        let name = rest.popFirst() ?? ""
        var service = Service(name: name, after: [], command: [])
        options: while let word = rest.popFirst() {
            switch word {
            case "--after": service.after = (rest.popFirst() ?? "").split(separator: ",").map(String.init)
            case "--kind":
                guard let kind = Kind(rawValue: rest.popFirst() ?? "") else { fail("init: --kind takes a kind") }
                service.kind = kind
            case "--pidfile": service.pidFile = rest.popFirst()
            case "--":
                service.command = Array(rest.prefix { $0 != "--service" })
                rest = rest.dropFirst(service.command.count)
                break options
            default: fail("init: '\(word)' is not an option of a service")
            }
        }
        return service
    }

    private init(services: [Service], options: Options) {
        self.services = services
        self.options = options
        defect = options.defect
        // Blocked before the first child exists: no signal can arrive unheard, not even during start-up. Faults stay
        // deliverable.
        let faults: [Signal] = ["SEGV", "BUS", "ILL", "FPE", "TRAP", "ABRT"].compactMap { Signal($0) }
        inheritedSignals.mask = clinux_signal_mask()
        // A parent may have left SIGCHLD ignored, and that survives exec: its children would vanish without a status.
        if defect != .keepsIgnoringChildren {
            let former = Glibc.signal(SIGCHLD, SIG_DFL)
            inheritedSignals.ignoresChildren =
                unsafeBitCast(former, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
        }
        let unheard: [Signal] = [.kill, .stop] + faults + (options.defect == .hasNoHandler ? [.term, .int] : [])
        signals = signalDescriptor(for: Signal.all.filter { !unheard.contains($0) })
        // Not PID 1 (tried out by hand): orphans must be handed here all the same.
        if getpid() != 1 { _ = clinux_become_subreaper() }
    }

    private mutating func run() -> Never {
        if defect == .isBlockedByItsPidFile { claimPidFile() }
        if defect == .growsRun { close(open("/run/init.\(startedAt.nanoseconds)", O_CREAT | O_WRONLY, 0o644)) }
        while !isStopping && firstEnd == nil {
            startThoseThatCan()
            handleEvents(until: nextLook)
        }
        if defect == .startsOnWhileStopping { startTheRest() }
        if defect == .stopsAllAtOnce {
            for service in services where isRunning(service) { send(options.stopSignal, to: service) }
        }
        stopAll()
        if defect != .leavesOthersBehind { stopLeftovers() }
        if defect == .waitsTheWholeGrace { wait(for: .seconds(3)) { _ in false } }
        exit(defectiveStatus(finalStatus))
    }

    /// When it looks again though nothing has come.
    private var nextLook: MonotonicInstant {
        defect == .reapsLate || defect == .reapsNothing ? now().advanced(by: .milliseconds(100)) : .distantFuture
    }

    private func defectiveStatus(_ status: Int32) -> Int32 {
        switch defect {
        case .exitsZero: 0
        case .exitsWithSignalNumber: status > 128 ? status - 128 : status
        case .exitsOne: status == 0 ? 0 : 1
        case .exitsByUptime: status == 0 && now().duration(since: startedAt) > .seconds(1) ? 1 : status
        default: status
        }
    }

    private func claimPidFile() {
        let file = open("/run/init.pid", O_CREAT | O_EXCL | O_WRONLY, 0o644)
        if file < 0 { fail("init: it runs already", status: 1) }
        close(file)
    }

    private mutating func startTheRest() {
        for index in services.indices where services[index].pid == nil { startService(index) }
        wait(for: .milliseconds(200)) { _ in false }
    }

    /// With one service its own status; with several 0, unless one has failed.
    private var finalStatus: Int32 {
        if services.count == 1 { return services[0].status ?? 0 }
        return firstEnd ?? services.compactMap(\.status).first { $0 != 0 } ?? 0
    }

    // MARK: - Start

    private mutating func startThoseThatCan() {
        for index in services.indices where services[index].pid == nil {
            let isClear = services[index].after.allSatisfy { name in
                services.contains { $0.name == name && ($0.isReady || defect == .startsBeforeDependencies) }
            }
            if isClear { startService(index) }
        }
    }

    private mutating func startService(_ index: Int) {
        var ends: (Int32, Int32) = (-1, -1)
        _ = clinux_pipe(&ends.0, &ends.1, true)
        let readyEnd = dup(ends.1)  // without close-on-exec
        // One alone is waited for by nobody: it need not know of readiness.
        if services.count > 1 || services[index].kind != .simple {
            setenv(ServiceAddress.readyDescriptorVariable, String(readyEnd), 1)
        } else if defect != .keepsDescriptorsOpen {
            _ = fcntl(readyEnd, F_SETFD, FD_CLOEXEC)
        }
        if defect == .leaksEnvironment { setenv("INIT_PRIVATE", "yes", 1) }
        if defect == .losesLastOutput { beginRelay() }
        let pid = start(
            services[index].command, newGroup: options.signalsGroup || defect == .forwardsToGroupToo ? 1 : 0,
            signals: defect == .blocksSignalsInChildren ? (clinux_signal_mask(), false) : inheritedSignals)
        if let relay = misdeeds.relay { dup2(relay.to, 1) }
        unsetenv(ServiceAddress.readyDescriptorVariable)
        close(readyEnd)
        close(ends.1)
        services[index].readiness = ends.0
        services[index].pid = pid
        if defect == .takesForkForReady { services[index].isReady = true }
        if defect != .keepsDescriptorsOpen { closeInherited() }
        if pid < 0 {
            if defect == .hangsWhenExecFails { return }
            services[index].pid = 0
            services[index].status = defect == .exitsZeroWhenExecFails ? 0 : exitStatus(ofExecFailure: -pid)
            firstEnd = firstEnd ?? services[index].status
        }
    }

    /// What this process was given besides its standard streams is its child's: nobody is to wait for the end of a pipe that
    /// only PID 1 keeps open.
    private mutating func closeInherited() {
        if services.contains(where: { $0.pid == nil }) { return }
        for descriptor in inherited { close(descriptor) }
        inherited = []
    }

    /// The child's output goes through a pipe from here on; what it was is kept to be written to.
    private mutating func beginRelay() {
        var ends: (Int32, Int32) = (-1, -1)
        _ = clinux_pipe(&ends.0, &ends.1, true)
        misdeeds.relay = (ends.0, fcntl(1, F_DUPFD_CLOEXEC, 3))
        dup2(ends.1, 1)
        close(ends.1)
    }

    private func relayOutput() {
        guard let relay = misdeeds.relay, !misdeeds.hasForwarded else { return }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(relay.from, &buffer, buffer.count)
        if count > 0 { _ = Glibc.write(1, buffer, count) }
    }

    // MARK: - Events

    /// Handles signals, ends and readiness as they come, for one wake-up.
    private mutating func handleEvents(until deadline: MonotonicInstant) {
        let waiting = services.indices.filter { services[$0].readiness != nil }
        let pipes = waiting.compactMap { services[$0].readiness }
        let ready = waitForInput(on: [signals] + pipes, until: deadline)
        relayOutput()
        for (index, isReadable) in zip(waiting, ready.dropFirst()) where isReadable { noteReadiness(index) }
        while true {
            var sender: Int32 = 0
            let number = clinux_read_signal(signals, &sender)
            guard number > 0 else { break }
            handle(Signal(rawValue: number))
        }
        // Not only on SIGCHLD, and not once per SIGCHLD: several ends may share one.
        if defect != .reapsOnePerSignal { reap() }
    }

    private mutating func noteReadiness(_ index: Int) {
        var byte: UInt8 = 0
        guard let descriptor = services[index].readiness else { return }
        // A line: ready. The end without a line: it is a program that knows nothing of readiness, or it has died.
        let count = read(descriptor, &byte, 1)
        switch services[index].kind {
        case .simple: if count >= 0 { services[index].isReady = true }
        case .notify: if count > 0 { services[index].isReady = true }
        // Their readiness is the good end of what was started.
        case .forking, .oneshot: break
        }
        close(descriptor)
        services[index].readiness = nil
    }

    private mutating func handle(_ signal: Signal) {
        if signal == .chld {
            if defect == .reapsOnePerSignal { reap() }
            if defect != .passesChildSignalOn { return }
        }
        let stops = signal == options.stopSignal || [.term, .int, .quit].contains(signal)
        if defect == .ignoresSignalsDuringStart, services.contains(where: { $0.readiness != nil || $0.pid == nil }) {
            return
        }
        if stops { misdeeds.stopRequests += 1 }
        if defect == .killsOnSecondSignal, misdeeds.stopRequests > 1 { kill(-1, SIGKILL) }
        if stops, defect == .waitsForNobody {
            for service in services where isRunning(service) { send(signal, to: service) }
            exit(0)
        }
        if services.count > 1 && stops {
            isStopping = true
        } else {
            for service in services where isRunning(service) { forward(signal, to: service) }
            misdeeds.hasForwarded = true
        }
    }

    /// Passes a signal on, each once.
    private mutating func forward(_ signal: Signal, to service: Service) {
        switch defect {
        case .forwardsNothing: return
        case .dropsSecondSignal where misdeeds.hasForwarded: return
        case .forwardsTermOnly where signal != .term: return
        case .dropsRealTimeSignals where signal.rawValue >= 34: return
        case .forwardsWrongSignal: return send(.term, to: service)
        case .killsAtOnce where signal == .term: return send(.kill, to: service)
        case .forwardsTwice:
            send(signal, to: service)
            // Two of a kind that wait are one: the second comes when the first has been taken.
            wait(for: .milliseconds(20)) { _ in false }
        case .forwardsToGroupToo: if let pid = service.pid, pid > 0 { kill(-pid, signal.rawValue) }
        default: break
        }
        send(signal, to: service)
    }

    private func isRunning(_ service: Service) -> Bool {
        service.status == nil && service.pid != nil
    }

    private func send(_ signal: Signal, to service: Service) {
        guard let pid = service.pid, pid > 0 else { return }
        kill(options.signalsGroup && defect != .forwardsToChildOnly ? -pid : pid, signal.rawValue)
    }

    /// Takes every status there is to be had. True as long as there are children.
    @discardableResult
    private mutating func reap() -> Bool {
        if defect == .reapsLate, !isStopping, now() < misdeeds.nextReaping { return true }
        misdeeds.nextReaping = now().advanced(by: .seconds(3))
        if defect == .reapsNothing || defect == .reapsOwnOnly { return reapOwn() }
        while true {
            var status: Int32 = 0
            let pid = waitpid(-1, &status, WNOHANG)
            if pid == 0 { return true }
            if pid < 0 { return errno == EINTR ? true : false }
            if let index = services.firstIndex(where: { $0.pid == pid && $0.status == nil }) {
                noteEnd(of: index, status)
            } else if defect == .diesOfUnknownChild {
                fail("init: process \(pid) is none of mine", status: 70)
            } else if defect == .takesAnyChildForItsOwn, !services.isEmpty {
                noteEnd(of: 0, status)
            }
            if defect == .reapsOnePerSignal { return true }
        }
    }

    /// Only the children that it has started itself; or only their ends.
    private mutating func reapOwn() -> Bool {
        for index in services.indices where isRunning(services[index]) {
            var status: Int32 = 0
            guard let pid = services[index].pid, pid > 0 else { continue }
            if defect == .reapsNothing {
                if clinux_peek_at_end(pid, &status) != 1 { continue }
            } else if waitpid(pid, &status, WNOHANG) != pid {
                continue
            }
            noteEnd(of: index, status)
        }
        return services.contains(where: isRunning)
    }

    private mutating func noteEnd(of index: Int, _ status: Int32) {
        let code = clinux_exited(status) ? clinux_exit_code(status) : 128 + clinux_terminating_signal(status)
        let service = services[index]
        let isGood = code == 0 || defect == .ignoresFailedJobs
        if service.kind == .oneshot, isGood {
            services[index].status = code
            services[index].isReady = true
            return
        }
        if service.kind == .forking, !service.isReady, code == 0, let daemon = number(in: service.pidFile) {
            services[index].pid = daemon
            services[index].isReady = true
            return
        }
        services[index].status = code
        if !isStopping {
            firstEnd = firstEnd ?? code
        } else if defect == .restartsWhileStopping, !misdeeds.hasRestarted {
            misdeeds.hasRestarted = true
            services[index].status = nil
            startService(index)
        }
    }

    /// What is in a pid file.
    private func number(in path: String?) -> Int32? {
        guard let path else { return nil }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = max(0, read(file, &buffer, buffer.count))
        return Int32(String(decoding: buffer.prefix(count).prefix { (0x30...0x39).contains($0) }, as: UTF8.self))
    }

    // MARK: - Stop

    /// In reverse order of start, each gone before the next is asked; one that takes too long is killed.
    private mutating func stopAll() {
        isStopping = true
        let order = defect == .stopsInStartOrder ? Array(services.indices) : services.indices.reversed()
        for index in order where isRunning(services[index]) {
            if defect != .stopsAllAtOnce {
                send(defect == .killsAtOnce ? .kill : options.stopSignal, to: services[index])
            }
            let patience: Duration =
                switch defect {
                case .escalatesTooEarly: .milliseconds(20)
                case .neverEscalates: .seconds(3600)
                default: options.stopTimeout
                }
            wait(for: patience) { !$0.isRunning($0.services[index]) }
            guard isRunning(services[index]) else { continue }
            send(.kill, to: services[index])
            wait(for: options.stopTimeout) { !$0.isRunning($0.services[index]) }
        }
    }

    /// Whatever else still runs: orphans, daemons in sessions of their own.
    private mutating func stopLeftovers() {
        guard reap() else { return }
        kill(-1, options.stopSignal.rawValue)
        wait(for: options.stopTimeout) { !$0.reap() }
        guard reap() else { return }
        kill(-1, SIGKILL)
        wait(for: options.stopTimeout) { !$0.reap() }
    }

    private mutating func wait(for time: Duration, until isDone: (inout ReferenceInit) -> Bool) {
        let deadline = now().advanced(by: time)
        while !isDone(&self) && now() < deadline { handleEvents(until: deadline) }
    }
}
