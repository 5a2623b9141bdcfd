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
    /// Hooks that were cancelled and have not ended: as long as one is not waited for, PID 1 cannot be.
    private var cancelled: [Execution] = []
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
            journal.append(Event(at: began, .runtime(.hookStarted(execution.pid, program: command[0]))))
        case .failed(let stage, let code):
            hookCode = code
            journal.append(Event(at: began, .runtime(.hookFailed(stage: stage))))
        case nil: hookCode = 126
        }
    }

    /// The hook that runs is killed, and its end says nothing.
    func cancelHook(into journal: inout Journal) {
        if let hook {
            Self.kill(hook)
            try? collect(into: &journal)
        }
        if let hook { cancelled.append(hook) }
        (hook, hookCode) = (nil, nil)
    }

    /// Kills one and waits for its end, for one second at most: what is in the middle of a system call may be kept there.
    private static func kill(_ execution: Execution) {
        try? execution.descriptor.send(.kill)
        execution.descriptor.awaitEnd(within: .seconds(1))
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
        if let execution, try collect(execution, as: .exec, into: &journal) != nil { self.execution = nil }
        if let hook, let code = try collect(hook, as: .hook, into: &journal) {
            self.hook = nil
            hookCode = code
        }
        try collectCheck(into: &journal)
        try cancelled.removeAll { try collect($0, as: .hook, into: &journal) != nil }
    }

    /// Whose process it is.
    private enum Purpose {
        case exec, hook
    }

    /// - Returns: what it has ended with; nil while it runs.
    private func collect(_ execution: Execution, as purpose: Purpose, into journal: inout Journal) throws -> Int? {
        journal.append(contentsOf: (execution.output.read() + execution.errorOutput.read()).atOnce)
        guard let status = try execution.descriptor.reap(blocking: false) else { return nil }
        let rest = execution.output.read(isFinal: true) + execution.errorOutput.read(isFinal: true)
        journal.append(contentsOf: rest.atOnce)
        let code = DockerExit.code(of: status)
        let event =
            switch purpose {
            case .exec: RuntimeEvent.execEnded(execution.pid, status, code: code)
            case .hook: RuntimeEvent.hookEnded(execution.pid, status)
            }
        journal.append(Event(at: .now, .runtime(event)))
        return code
    }

    /// Kills them, and waits for each, for one second at most.
    func end() {
        for execution in [execution, hook, check].compactMap(\.self) + cancelled {
            Self.kill(execution)
            _ = try? execution.descriptor.reap(blocking: false)
        }
        (execution, hook, check, cancelled) = (nil, nil, nil, [])
    }
}
