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
    private var process: Process?
    private var standardOutput: Console?
    private var standardError: Console?
    private var reports: ServiceReports
    private(set) var isRunning = false
    /// What each file was when it was last looked at.
    private var lastLooks: [String: FileFact] = [:]
    /// How much text of files has been kept, in bytes.
    private var keptText = 0
    /// The moment up to which everything has been taken in.
    private var completeUntil = MonotonicInstant(nanoseconds: 0)

    /// PID 1, as an object: it can be given away only once.
    private final class Process {
        let descriptor: PIDDescriptor
        init(_ descriptor: consuming PIDDescriptor) { self.descriptor = descriptor }
    }

    /// Makes the world and starts PID 1 in it. When PID 1's program cannot be executed, the journal says so and there
    /// is a container that does not run.
    ///
    /// - Throws: what kept the world from being made: an error of the harness or the machine, not of the init.
    static func start(
        _ scenario: Scenario, _ profile: InitProfile, _ volumes: VolumeStore?, in session: Session,
        into journal: inout Journal
    ) throws -> ContainerLife {
        let life = try ContainerLife(session, scenario, volumes)
        do {
            try life.start(scenario, profile, into: &journal)
        } catch {
            life.remove(into: &journal)
            throw error
        }
        return life
    }

    private init(_ session: Session, _ scenario: Scenario, _ volumes: VolumeStore?) throws {
        self.session = session
        container = try Container(
            host: session.host, settings: scenario.settings, lower: try scenario.rootDirectory(), volumes: volumes)
        reports = ServiceReports(watchesProcesses: session.tracer == nil)
        session.tracer?.open(inbox)
    }

    private func start(_ scenario: Scenario, _ profile: InitProfile, into journal: inout Journal) throws {
        let command = profile.commandLine(for: scenario)
        let environment = profile.environment + scenario.settings.environment
        let tmpfs = profile.tmpfs + scenario.settings.tmpfs
        let began = MonotonicInstant.now
        do {
            let started: Container.Started
            let isLookedAt = scenario.asksAboutFiles
            if let tracer = session.tracer {
                started = try tracer.recordStart(for: inbox) {
                    try container.start(command, environment: environment, tmpfs: tmpfs, isLookedAt: isLookedAt)
                }
            } else {
                started = try container.start(command, environment: environment, tmpfs: tmpfs, isLookedAt: isLookedAt)
            }
            started.parts { process, output, errorOutput in
                self.process = Process(process)
                standardOutput = Console(output, as: .stdout)
                switch consume errorOutput {
                case .some(let stream): standardError = Console(stream, as: .stderr)
                case .none: break
                }
            }
            isRunning = true
            guard let pid = self.process?.descriptor.pid else { return }
            // The fork and the exec were seen since `began`; the container counts as started from there.
            journal.append(Event(at: began, .runtime(.started(pid, program: command[0]))))
        } catch let error as SpawnError {
            guard case .execute = error.stage else { throw error }
            let code = DockerExit.code(ofStartFailure: error.errno.rawValue)
            journal.append(Event(at: began, .runtime(.startFailed(stage: "\(error)", code: code))))
        }
    }

    // MARK: - What comes out of it

    func addDescriptors(to poller: inout Poller) {
        if isRunning, let process { poller.add(process.descriptor.descriptor.rawValue) }
        if let output = standardOutput?.openDescriptor { poller.add(output) }
        if let output = standardError?.openDescriptor { poller.add(output) }
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
        let said = reports.read(from: container.socket, since: completeUntil)
        journal.append(contentsOf: said)
        if isRunning, let process, let status = try process.descriptor.reap(blocking: false) {
            isRunning = false
            journal.append(Event(at: .now, .runtime(.exited(status))))
            readStreams(into: &journal, isFinal: true)
        } else if !kernel && said.isEmpty {
            return .now
        }
        // Also after a word of a service: the witness knows who has said it.
        guard let tracer = session.tracer else {
            completeUntil = .now
            return completeUntil
        }
        completeUntil = tracer.catchUp()
        journal.append(contentsOf: inbox.take(until: completeUntil))
        return completeUntil
    }

    private func readStreams(into journal: inout Journal, isFinal: Bool = false) {
        if let events = standardOutput?.read(isFinal: isFinal) { journal.append(contentsOf: events) }
        if let events = standardError?.read(isFinal: isFinal) { journal.append(contentsOf: events) }
    }

    /// Looks which processes there are, or of those that are known to have exited, which are there no more.
    ///
    /// - Parameter instant: the moment up to which the journal is complete; what is found is dated to it.
    /// - Throws: `Errno`, when /proc cannot be read.
    func takeCensus(into journal: inout Journal, at instant: MonotonicInstant) throws {
        guard isRunning, let process else { return }
        guard session.tracer != nil else {
            return journal.append(try census(under: process.descriptor.pid, at: instant))
        }
        let tree = ProcessTree(journal)
        let exited = tree.zombies().map { tree.processes[$0].pid }
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
                sizeInBytes: look.sizeInBytes, text: text, isCut: isCut)
        }
        let fact = FileFact(path: path, status: status)
        if last == fact { return }
        lastLooks[path] = fact
        journal.append(Event(at: .now, .looked(fact)))
    }

    /// Tells a service to do something; false when it does not listen.
    func send(_ order: Order, to pid: ProcessID) -> Bool { reports.send(order, to: pid) }

    /// A process of this container, by its number; nil when there is none, or it is somebody else's by now.
    func open(_ pid: ProcessID) -> PIDDescriptor? {
        guard isRunning, let process, let opened = try? PIDDescriptor(opening: pid) else { return nil }
        // Asked after it was opened: what is opened cannot become another.
        let own = ProcFS.pidNamespace(of: process.descriptor.pid)
        if own == nil || ProcFS.pidNamespace(of: pid) != own { return nil }
        return opened
    }

    // MARK: - What is done to it

    /// Sends a signal to PID 1 from outside. False when it could not be sent.
    @discardableResult
    func send(_ signal: Signal, into journal: inout Journal) -> Bool {
        guard let process else { return false }
        let pid = process.descriptor.pid
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
        if isRunning, let process {
            // A mark first: what happens from here on is no longer the scenario's.
            journal.append(Event(at: .now, .runtime(.removed)))
            _ = try? process.descriptor.send(.kill)
            var poller = Poller()
            poller.add(process.descriptor.descriptor.rawValue)
            try? poller.wait(until: .now.advanced(by: ContainerLife.patienceAfterKill))
            let status = try? process.descriptor.reap(blocking: false)
            isRunning = false
            if let status { journal.append(Event(at: .now, .runtime(.exited(status)))) }
        }
        _ = try? collect(into: &journal, kernel: true)
        var rest = reports.finish()
        standardOutput?.finish(&rest)
        standardError?.finish(&rest)
        journal.append(contentsOf: rest)
        session.tracer?.close(inbox)
        container.remove()
    }
}

extension Scenario {
    /// Whether a condition somewhere in it is about a file.
    fileprivate var asksAboutFiles: Bool {
        func asks(_ steps: [Step]) -> Bool {
            steps.contains { step in
                switch step.action {
                case .expect(let expectation): expectation.condition.path != nil
                case .waitFor(let condition, _): condition.path != nil
                case .repeated(_, let inner), .sweep(_, let inner): asks(inner)
                default: false
                }
            }
        }
        return asks(steps)
    }

    /// What the container finds under `/`, on the host.
    ///
    /// - Throws: `CannotRun`, where there is no such directory.
    fileprivate func rootDirectory() throws -> String {
        guard let directory = settings.rootDirectory else { return "/" }
        let folder = place.file.lastIndex(of: "/").map { String(place.file[...$0]) } ?? ""
        let path = directory.hasPrefix("/") ? directory : folder + directory
        guard let found = Files.realPath(path), Files.isDirectory(found) else {
            throw CannotRun(reason: "\(place): rootfs: there is no directory \(path)", remedy: "make it first")
        }
        return found
    }
}

extension Console {
    /// Its descriptor, as long as there is something to wait for.
    fileprivate var openDescriptor: Int32? { isAtEnd ? nil : descriptor.rawValue }
}
