import Journal
import Kernel
import Recorder
import Runtimes
import Sandbox
import Vocabulary

/// The processes that were put into a container from outside: what a person executes there, a hook of the runtime, a health check; one of each at
/// a time.
///
/// They are children of the harness in the container's PID namespace: as long as one is not waited for, PID 1 cannot be (zap_pid_ns_processes).
final class ProcessesBeside {
    weak var life: ContainerLife?
    private let rules: RuntimeRules
    private var execution: Execution?
    private var hook: Execution?
    /// What the last hook has ended with, until it is taken.
    private var hookCode: Int?
    /// The health check that runs, and when it is killed.
    private var check: Execution?
    private var checkDeadline = MonotonicInstant.distantFuture
    /// What the last health check has ended with, and when, until it is taken.
    private var checkEnd: (code: Int, at: MonotonicInstant)?

    /// How long the exec of such a process may take, where the scenario says nothing: PID 1 may keep it from it.
    private static let patience = Duration.seconds(10)

    /// - Parameter rules: what is reported of a program that cannot be started.
    init(_ rules: RuntimeRules) { self.rules = rules }

    /// One such process.
    private final class Execution {
        let descriptor: PIDDescriptor
        var output: Console?
        var errorOutput: Console?

        init(_ descriptor: consuming PIDDescriptor) { self.descriptor = descriptor }

        /// Outside.
        var pid: ProcessID { descriptor.pid }

        static func made(of started: consuming Container.Started) -> Execution {
            started.parts { process, output, errorOutput in
                let execution = Execution(process)
                execution.output = Console(output, as: .execStdout)
                switch consume errorOutput {
                case .some(let stream): execution.errorOutput = Console(stream, as: .execStderr)
                case .none: break
                }
                return execution
            }
        }
    }

    /// What a start has come to.
    private enum Outcome {
        case started(Execution)
        /// The container's own fault, and the status that the runtime reports.
        case failed(stage: String, code: Int)
    }

    /// - Returns: nil where PID 1 does not run.
    private func spawn(_ command: [String], within limit: Duration) throws -> Outcome? {
        do {
            guard let started = try life?.spawnBeside(command, within: limit) else { return nil }
            return .started(Execution.made(of: started))
        } catch let error as SpawnError {
            // Where PID 1 is ending no process can be made in its namespace any more, and none is left to join; and PID 1 may keep
            // it from its exec (ptrace).
            let isTheContainers = [Errno.outOfMemory, .noSuchProcess, .timedOut].contains(error.errno)
            if case .execute = error.stage {} else if !isTheContainers { throw error }
            if error.errno == .timedOut {
                return .failed(stage: "it was kept from its exec for \(limit.text), and was killed", code: 137)
            }
            let code =
                error.errno == .noSuchFileOrDirectory
                ? rules.execFailures.missingInExec : DockerExit.code(ofStartFailure: error.errno.rawValue)
            return .failed(stage: "\(error)", code: code)
        }
    }

    // MARK: - Exec

    /// Whether a process that was started by `execute` still runs.
    var isExecuting: Bool { execution != nil }

    /// Starts a further process, as `docker exec` does.
    ///
    /// - Throws: what kept it from being started for a reason that lies outside the container.
    func execute(_ command: [String], within limit: Duration?, into journal: inout Journal) throws {
        let began = MonotonicInstant.now
        switch try spawn(command, within: limit ?? ProcessesBeside.patience) {
        case .started(let execution):
            self.execution = execution
            journal.append(Event(at: began, .runtime(.execStarted(execution.pid, program: command[0]))))
        case .failed(let stage, let code):
            journal.append(Event(at: began, .runtime(.execFailed(stage: stage, code: code))))
        case nil: break
        }
    }

    /// The time of the further process is over: it is killed, it alone.
    func killExecution(into journal: inout Journal) {
        guard let execution else { return }
        journal.append(Event(at: .now, .runtime(.execTimedOut(execution.pid))))
        try? execution.descriptor.send(.kill)
    }

    // MARK: - Hooks

    /// Starts a hook; what comes of it is `takeHook`.
    ///
    /// - Throws: what kept it from being started for a reason that lies outside the container.
    func runHook(_ command: [String], into journal: inout Journal) throws {
        cancelHook(into: &journal)
        let began = MonotonicInstant.now
        switch try spawn(command, within: ProcessesBeside.patience) {
        case .started(let execution):
            hook = execution
            journal.append(Event(at: began, .runtime(.execStarted(execution.pid, program: command[0]))))
        case .failed(let stage, let code):
            hookCode = code
            journal.append(Event(at: began, .runtime(.execFailed(stage: stage, code: code))))
        case nil: hookCode = 126
        }
    }

    /// The hook that runs is killed, and its end says nothing.
    func cancelHook(into journal: inout Journal) {
        guard let hook else { return }
        Self.kill(hook)
        try? collect(into: &journal)
        hookCode = nil
    }

    /// Kills one and waits for it, not for ever: what is in the middle of a system call may be kept there.
    private static func kill(_ execution: Execution) {
        try? execution.descriptor.send(.kill)
        var poller = Poller()
        poller.add(execution.descriptor.descriptor.rawValue)
        try? poller.wait(until: .now.advanced(by: .seconds(1)))
    }

    /// Whether a hook has been started, and has not ended.
    var isRunningHook: Bool { hook != nil }

    /// What the last hook has ended with, once.
    func takeHook() -> Int? { hookCode.take() }

    // MARK: - Health checks

    /// Starts the health check; what comes of it is `takeCheck`.
    ///
    /// - Throws: what kept it from being started for a reason that lies outside the container.
    func check(_ command: [String], within limit: Duration, into journal: inout Journal) throws {
        // What would be born frozen could not even be killed.
        if life?.isPaused == true { return }
        let began = MonotonicInstant.now
        switch try spawn(command, within: limit) {
        case .started(let execution):
            check = execution
            checkDeadline = began.advanced(by: limit)
            journal.append(Event(at: began, .runtime(.checkStarted(execution.pid, program: command[0]))))
        case .failed(_, let code):
            checkEnd = (code, began)
            journal.append(Event(at: began, .runtime(.checkEnded(nil, code: code))))
        case nil: break
        }
    }

    /// The health check that runs is not waited for any more: its end says nothing.
    func cancelCheck(into journal: inout Journal) {
        guard let check else { return }
        Self.kill(check)
        try? collectCheck(into: &journal)
        checkEnd = nil
    }

    private func collectCheck(into journal: inout Journal) throws {
        guard let check else { return }
        // Nobody asks what it prints.
        _ = check.output.read() + check.errorOutput.read()
        if MonotonicInstant.now >= checkDeadline {
            checkDeadline = .distantFuture
            try? check.descriptor.send(.kill)
        }
        guard let status = try check.descriptor.reap(blocking: false) else { return }
        let end = (code: DockerExit.code(of: status), at: MonotonicInstant.now)
        checkEnd = end
        journal.append(Event(at: end.at, .runtime(.checkEnded(check.pid, code: end.code))))
        self.check = nil
    }

    /// What the last health check has ended with, once.
    func takeCheck() -> (code: Int, at: MonotonicInstant)? { checkEnd.take() }

    /// When the health check that runs is killed.
    var checkEndsAt: MonotonicInstant? { check == nil ? nil : checkDeadline }

    // MARK: - All of them

    /// Something has ended that nobody has asked about yet.
    var hasNews: Bool { hookCode != nil || checkEnd != nil }

    func addDescriptors(to poller: inout Poller) {
        for execution in [execution, hook, check].compactMap(\.self) {
            poller.add(execution.descriptor.descriptor.rawValue)
            if let output = execution.output.openDescriptor { poller.add(output) }
            if let output = execution.errorOutput.openDescriptor { poller.add(output) }
        }
    }

    /// Takes in what they have printed, and their ends.
    ///
    /// - Throws: `Errno`, when one cannot be waited for.
    func collect(into journal: inout Journal) throws {
        if let execution, try collect(execution, into: &journal) != nil { self.execution = nil }
        if let hook, let code = try collect(hook, into: &journal) {
            self.hook = nil
            hookCode = code
        }
        try collectCheck(into: &journal)
    }

    /// - Returns: what it has ended with; nil while it runs.
    private func collect(_ execution: Execution, into journal: inout Journal) throws -> Int? {
        journal.append(contentsOf: (execution.output.read() + execution.errorOutput.read()).atOnce)
        guard let status = try execution.descriptor.reap(blocking: false) else { return nil }
        let rest = execution.output.read(isFinal: true) + execution.errorOutput.read(isFinal: true)
        journal.append(contentsOf: rest.atOnce)
        let code = DockerExit.code(of: status)
        journal.append(Event(at: .now, .runtime(.execEnded(execution.pid, status, code: code))))
        return code
    }

    /// Kills them, and waits for them.
    func end() {
        for execution in [execution, hook, check].compactMap(\.self) {
            _ = try? execution.descriptor.send(.kill)
            _ = try? execution.descriptor.reap(blocking: true)
        }
        (execution, hook, check) = (nil, nil, nil)
    }
}
