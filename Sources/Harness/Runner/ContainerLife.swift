import Expectations
import Journal
import Kernel
import Model
import Recorder
import Runtimes
import Sandbox
import ServiceProtocol
import Vocabulary

/// A container from its start to its removal: what it is made of, and what comes out of it.
///
/// Belongs to one thread, that of its scenario.
final class ContainerLife {
    private let session: Session
    private let container: Container
    private let inbox = Inbox()
    private let scenario: Scenario
    private let profile: InitProfile
    private let rules: RuntimeRules
    private let surroundings: RuntimeSurroundings
    private var process: Process?
    /// What was put into it from outside: an exec, a hook, a health check.
    let beside: ProcessesBeside
    private(set) var isPaused = false
    private var standardOutput: Console?
    private var standardError: Console?
    private var reports: ServiceReports
    private(set) var isRunning = false
    /// It is in a PID namespace that goes on when it has ended.
    private var sharesProcesses = false
    /// PID 1's end, and when it was seen, until it is taken.
    private var end: (status: ExitStatus, at: MonotonicInstant)?
    /// What each file was when it was last looked at.
    private var lastLooks: [String: FileFact] = [:]
    private var lastPorts: [Int]?
    /// The limits that are known to have been met.
    private(set) var notedLimits: Set<MetLimit> = []
    /// How much text of files has been kept, in bytes.
    private var keptText = 0
    /// How often words are looked for at once: who never stops talking is not waited for.
    private static let readings = 16
    /// The moment up to which everything has been taken in.
    private var completeUntil = MonotonicInstant(nanoseconds: 0)

    /// PID 1, as an object: it can be given away only once.
    private final class Process {
        let descriptor: PIDDescriptor
        init(_ descriptor: consuming PIDDescriptor) { self.descriptor = descriptor }
    }

    /// Makes the world; nothing runs in it yet.
    ///
    /// - Throws: what kept it from being made: an error of the harness or the machine, not of the init.
    init(
        _ session: Session, _ scenario: Scenario, _ profile: InitProfile, _ rules: RuntimeRules,
        _ surroundings: RuntimeSurroundings, _ volumes: VolumeStore?
    ) throws {
        self.rules = rules
        self.surroundings = surroundings
        self.session = session
        self.scenario = scenario
        self.profile = profile
        container = try Container(
            host: session.host, settings: scenario.settings(with: profile, in: surroundings),
            image: try scenario.root(),
            overlays: try profile.layerDirectories(), named: scenario.namedPaths(with: profile),
            freezes: scenario.pauses,
            lookUp: RuntimeLookUp(
                statusOfExecFailure: rules.execFailures.refused, checksAccess: rules.execFailures.checksAccess),
            volumes: volumes)
        reports = ServiceReports(
            watchesProcesses: session.tracer == nil, fakes: Files.identity(of: session.host.fakeServices))
        beside = ProcessesBeside(rules)
        session.tracer?.open(inbox)
        beside.life = self
    }

    /// Starts PID 1. When its program cannot be executed, the journal says so, and the container does not run.
    ///
    /// - Parameters:
    ///   - byPolicy: the restart policy starts it, not a person: where that fails its last status stays.
    ///   - neighbour: another container of its pod, which runs: its network, its IPC and its host name are shared.
    ///   - processes: the PID namespace that it is started in; nil: one of its own.
    ///   - besidesOthers: other containers may come to share its network.
    /// - Returns: why its program could not be executed; nil where it was.
    /// - Throws: what kept it from being started: an error of the harness or the machine, not of the init.
    func start(
        into journal: inout Journal, byPolicy: Bool, sharingWith neighbour: ContainerLife?,
        in processes: SharedProcesses?, besidesOthers: Bool
    ) throws -> Errno? {
        end = nil
        sharesProcesses = processes != nil
        let command = scenario.command(with: profile)
        let program = Container.Program(
            command: command.words,
            environment: environment,
            tmpfs: surroundings.tmpfs.filter { !profile.tmpfs.contains($0) && !scenario.settings.tmpfs.contains($0) }
                + profile.tmpfs.filter { !scenario.settings.tmpfs.contains($0) } + scenario.settings.tmpfs,
            files: profile.files(for: scenario), links: profile.links(for: scenario), boundFiles: command.files)
        isPaused = false
        let sharing = Container.Sharing(
            neighbour: neighbour?.process?.descriptor.descriptor.rawValue, processes: processes?.descriptor,
            interruption: session.cancellation.descriptor, isShared: besidesOthers)
        if let processes {
            session.tracer?.open(inbox, inNamespaceOf: processes.pid)
            journal.append(Event(at: .now, .runtime(.joined(reaper: processes.pid))))
        }
        let began = MonotonicInstant.now
        do {
            let started: Container.Started
            let isLookedAt = scenario.asksAboutFiles || !program.tmpfs.isEmpty
            if let tracer = session.tracer {
                started = try tracer.recordStart(for: inbox) {
                    try container.start(program, isLookedAt: isLookedAt, sharing)
                }
            } else {
                started = try container.start(program, isLookedAt: isLookedAt, sharing)
            }
            started.parts { process, output, errorOutput in
                self.process = Process(process)
                standardOutput = Console(output, as: .stdout)
                switch consume errorOutput {
                case .some(let stream): standardError = Console(stream, as: .stderr)
                case .none: standardError = nil
                }
            }
            isRunning = true
            guard let pid = self.process?.descriptor.pid else { return nil }
            // The fork and the exec were seen since `began`; the container counts as started from there.
            journal.append(Event(at: began, .runtime(.started(pid, program: program.command[0]))))
            return nil
        } catch let error as SpawnError {
            // Others in its PID namespace may have killed it, or kept it from its exec.
            let isTheNeighbours = processes != nil && [.noSuchProcess, .outOfMemory, .timedOut].contains(error.errno)
            if case .execute = error.stage {} else if !isTheNeighbours { throw error }
            let code = byPolicy ? nil : rules.codeOfStartFailure(error.errno.rawValue)
            journal.append(Event(at: began, .runtime(.startFailed(stage: "\(error)", code: code))))
            return error.errno
        }
    }

    /// What every process of the container finds in its environment besides what all have.
    private var environment: [String] {
        surroundings.environment + profile.environment + scenario.settings.environment
    }

    /// Starts a further process beside PID 1.
    ///
    /// - Parameter limit: how long it may be kept from its exec.
    /// - Returns: nil where PID 1 does not run.
    /// - Throws: `SpawnError`, and what kept it from being started for a reason that lies outside the container.
    func spawnBeside(_ command: [String], within limit: Duration) throws -> Container.Started? {
        guard isRunning, let process else { return nil }
        let patience = (limit, session.cancellation.descriptor)
        guard let tracer = session.tracer else {
            return try container.execute(
                command, environment: environment, besides: process.descriptor, patience: patience)
        }
        return try tracer.recordStart(for: inbox) {
            try container.execute(
                command, environment: environment, besides: process.descriptor, patience: patience)
        }
    }

    // MARK: - What else is done to it

    /// Freezes every process, or lets them go on.
    ///
    /// - Throws: `SystemCallError`.
    func setPaused(_ paused: Bool, into journal: inout Journal) throws {
        // Also where it does not succeed in time: half of it may be frozen.
        if paused { isPaused = true }
        try container.setFrozen(paused)
        isPaused = paused
        journal.append(Event(at: .now, .runtime(paused ? .paused : .resumed)))
    }

    /// Letters for its terminal or its open standard input; why they could not be written.
    func type(_ text: String) -> String? {
        do {
            if scenario.settings(with: profile).hasTerminal {
                switch standardOutput {
                case .some: try standardOutput?.descriptor.write(text)
                case .none: return "there is no terminal"
                }
            } else {
                try container.write(toInput: text)
            }
            return nil
        } catch {
            return "nothing can be typed: \(error)"
        }
    }

    func closeInput() { container.closeInput() }

    // MARK: - What comes out of it

    func addDescriptors(to poller: inout Poller) {
        if isRunning, let process { poller.add(process.descriptor.descriptor.rawValue) }
        if let output = standardOutput?.openDescriptor { poller.add(output) }
        if let output = standardError?.openDescriptor { poller.add(output) }
        beside.addDescriptors(to: &poller)
        poller.add(container.socket.listener.rawValue)
        reports.addDescriptors(to: &poller)
    }

    /// Takes in what has been printed, said and, where asked for, seen by the witness.
    ///
    /// - Returns: the moment up to which the journal is complete. Everything that was taken in is from before it, and
    ///   whatever the witness saw before it has been taken in, where it was asked.
    /// - Throws: `Errno`, when PID 1 cannot be waited for.
    @discardableResult
    func collect(into journal: inout Journal, kernel: Bool) throws -> MonotonicInstant {
        readStreams(into: &journal)
        // Before PID 1: as long as this process is not waited for, PID 1 cannot be (zap_pid_ns_processes).
        try beside.collect(into: &journal)
        let said = reports.read(from: container.socket, since: completeUntil)
        journal.append(contentsOf: said)
        if isRunning, let process, let status = try process.descriptor.reap(blocking: false) {
            isRunning = false
            if sharesProcesses { container.killRest() }
            let now = MonotonicInstant.now
            journal.append(Event(at: now, .runtime(.exited(status, code: rules.codeOfEnd(status)))))
            end = (status, now)
            readStreams(into: &journal, isFinal: true)
        } else if !kernel && said.isEmpty {
            return .now
        }
        // Also after a word of a service: the witness knows who has said it.
        guard let tracer = session.tracer else {
            completeUntil = .now
            return completeUntil
        }
        // What was said before the moment that is known is there by now. Read later it would be dated to it, perhaps after the end of the
        // process that said it, which then would never have been there. So words are read until there are no more.
        var complete = tracer.catchUp()
        for _ in 0..<ContainerLife.readings {
            let further = reports.read(from: container.socket, since: completeUntil)
            if further.isEmpty { break }
            journal.append(contentsOf: further)
            complete = tracer.catchUp()
        }
        completeUntil = complete
        journal.append(contentsOf: inbox.take(until: completeUntil))
        return completeUntil
    }

    /// How long some of its processes have been kept waiting for a processor or a disk in all; nil where the kernel does not say.
    var stalledTime: Duration? { container.stalledTime }

    /// Whether PID 1's end has been seen, and is still to be taken.
    var hasUnseenEnd: Bool { end != nil }

    /// PID 1's end, once.
    func takeEnd() -> (status: ExitStatus, at: MonotonicInstant)? { end.take() }

    private func readStreams(into journal: inout Journal, isFinal: Bool = false) {
        journal.append(
            contentsOf: (standardOutput.read(isFinal: isFinal) + standardError.read(isFinal: isFinal)).atOnce)
    }

    /// Looks which processes there are, or of those that are known to have exited, which are there no more.
    ///
    /// - Parameters:
    ///   - instant: the moment up to which the journal is complete; what is found is dated to it.
    /// - Throws: `Errno`, when /proc cannot be read.
    ///   - exited: those that are known to have exited.
    func takeCensus(of exited: [ProcessID], into journal: inout Journal, at instant: MonotonicInstant) throws {
        guard isRunning, let process else { return }
        guard session.tracer != nil else {
            return journal.append(try census(under: process.descriptor.pid, at: instant))
        }
        if let event = try absence(of: exited, at: instant) { journal.append(event) }
    }

    /// How much of a file is looked at.
    private static let lookLimitInBytes = 64 << 10
    /// How much text of files is kept in all.
    private static let textLimitInBytes = 16 << 20

    /// Looks at a file of the container, and notes what it is where that is not known already.
    ///
    /// - Throws: `Errno`, when it cannot be looked at.
    func look(at path: String, into journal: inout Journal) throws {
        let look = try container.look(at: path, limitInBytes: ContainerLife.lookLimitInBytes)
        var text = look?.beginning.map { String(decoding: $0, as: UTF8.self) }
        var isCut = look?.isCut == true
        let last = lastLooks[path]
        // The same text is kept once.
        if text == last?.status?.text { text = last?.status?.text } else { keptText += text?.utf8.count ?? 0 }
        if keptText > ContainerLife.textLimitInBytes, text != nil {
            text = ""
            isCut = true
        }
        let status = look.map { look in
            FileFact.Status(
                mode: look.mode, user: look.user, group: look.group, inode: look.inode, modified: look.modified,
                sizeInBytes: look.sizeInBytes, text: text, isCut: isCut, changed: look.changed)
        }
        let fact = FileFact(path: path, status: status)
        if last == fact { return }
        lastLooks[path] = fact
        journal.append(Event(at: .now, .looked(fact)))
    }

    /// Looks on which ports something listens, and notes it where that is not known already.
    func lookAtPorts(into journal: inout Journal) throws {
        let ports = isRunning ? process.map { ProcFS.listeningPorts(of: $0.descriptor.pid) } ?? [] : []
        if ports == lastPorts { return }
        lastPorts = ports
        journal.append(Event(at: .now, .listening(ports)))
    }

    /// Notes which limits of the container its processes have met, each once.
    ///
    /// - Parameters:
    ///   - running: those of its processes that run.
    ///   - wasKilledByKernel: the kernel has killed one of its processes. Only then can the memory that all containers have together be why:
    ///     its count does not say of which container a process was.
    func noteLimits(into journal: inout Journal, running: [ProcessID], wasKilledByKernel: Bool) {
        for limit in container.limitsMet(by: running) {
            if case .memoryOfAll = limit, !wasKilledByKernel { continue }
            guard notedLimits.insert(limit).inserted else { continue }
            journal.append(Event(at: .now, .kernel(.limitMet(limit))))
        }
    }

    /// How many of its processes the kernel has killed for want of memory.
    var outOfMemoryKillCount: Int { container.outOfMemoryKillCount }

    /// When each file that the container has written was last changed, in nanoseconds since 1970, by its path inside.
    func writtenFiles() -> [String: Int64] { container.writtenFiles() }

    /// Tells a service to do something; false when it does not listen.
    func send(_ order: Order, to pid: ProcessID) -> Bool { reports.send(order, to: pid) }

    /// A process of this container, by its number; nil when there is none, or another process has it by now.
    func open(_ pid: ProcessID) -> PIDDescriptor? {
        guard isRunning, let process, let opened = try? PIDDescriptor(opening: pid) else { return nil }
        // Asked after it was opened: what is opened cannot become another.
        let own = ProcFS.pidNamespace(of: process.descriptor.pid)
        if own == nil || ProcFS.pidNamespace(of: pid) != own { return nil }
        return opened
    }

    /// Waits for PID 1's end, for one second at most, if it is ending already.
    func awaitEndIfExiting() {
        guard isRunning, let process, ProcFS.process(process.descriptor.pid)?.isExiting == true else { return }
        process.descriptor.awaitEnd(within: .seconds(1))
    }

    // MARK: - What is done to it

    /// The number of PID 1 outside, while it runs.
    var pid: ProcessID? { isRunning ? process?.descriptor.pid : nil }

    /// Sends a signal to PID 1 from outside. False when it could not be sent.
    @discardableResult
    func send(_ signal: Signal, into journal: inout Journal) -> Bool {
        guard let process else { return false }
        let pid = process.descriptor.pid
        // What it is prepared for tells why the kernel drops the signal, if it does.
        if signal != .kill, signal != .stop {
            let signals = [signal, .chld]
            for (signal, disposition) in zip(signals, ProcFS.dispositions(of: pid, towards: signals)) {
                journal.append(Event(at: .now, .kernel(.disposition(pid, signal, disposition))))
            }
        }
        // The time before the call: what comes of the signal comes after it.
        let instant = MonotonicInstant.now
        do {
            try process.descriptor.send(signal)
            journal.append(Event(at: instant, .runtime(.sent(signal, to: pid))))
            return true
        } catch {
            journal.append(Event(at: instant, .runtime(.sendFailed(signal, to: pid, reason: "\(error)"))))
            return false
        }
    }

    /// How long a killed PID 1 is waited for: as long as Docker does (10 s, and 2 s more). What a process in
    /// uninterruptible sleep keeps alive beyond that is the guard's, when the harness ends.
    static let patienceAfterKill = Duration.seconds(12)

    /// Kills what still runs and takes the world away. Blocks until PID 1 has been waited for.
    func remove(into journal: inout Journal) {
        if isPaused { try? setPaused(false, into: &journal) }
        if isRunning, let process {
            // A mark first: what happens from here on is no longer the scenario's.
            journal.append(Event(at: .now, .runtime(.removed)))
            _ = try? process.descriptor.send(.kill)
            beside.end()
            process.descriptor.awaitEnd(within: ContainerLife.patienceAfterKill)
            let status = try? process.descriptor.reap(blocking: false)
            isRunning = false
            if let status { journal.append(Event(at: .now, .runtime(.exited(status, code: rules.codeOfEnd(status))))) }
        }
        // In a PID namespace that goes on they do not end with it.
        beside.end()
        _ = try? collect(into: &journal, kernel: true)
        var rest = reports.finish()
        standardOutput?.finish(&rest)
        standardError?.finish(&rest)
        journal.append(contentsOf: rest)
        session.tracer?.close(inbox)
        container.remove()
    }
}
