import Expectations
import Journal
import Kernel
import Model
import Runtimes
import Sandbox
import Vocabulary

/// What is done to the container as a whole: the runtime's lifecycle says what, this carries it out.
extension ScenarioRun {
    // MARK: - Requests

    /// Asks the runtime for something, and carries out what it makes of it until it answers.
    ///
    /// - Parameter isUrgent: without a look at what has happened until now.
    /// - Returns: why it refuses; nil where it does not.
    @discardableResult
    func request(_ request: Request, isUrgent: Bool = false) throws -> String? {
        // One at a time.
        if isAskedByGroup { try pump(until: .now.advanced(by: ScenarioRun.patience.1)) { !isAskedByGroup } }
        isAskedByGroup = false
        if !isUrgent {
            try collect()
            try handleEnds()
        }
        answer = nil
        let asked = MonotonicInstant.now
        try tell(.asked(request))
        while answer == nil {
            if wakeAt != nil {
                try pump(until: .distantFuture) { answer != nil || wakeAt == nil }
            } else if life?.beside.isRunningHook == true {
                let deadline = MonotonicInstant.now.advanced(by: ScenarioRun.patienceWithHooks)
                try pump(until: deadline) { answer != nil || wakeAt != nil || life?.beside.isRunningHook != true }
                if MonotonicInstant.now >= deadline {
                    return "its hook still runs after \(ScenarioRun.patienceWithHooks.text)"
                }
            } else if try !endsInTime() {
                // A stop without limit, of which nothing comes.
                break
            }
        }
        try judgeSlowKill(since: asked)
        if case .refused(let reason)? = answer { return reason }
        return nil
    }

    /// The runtime has given up waiting for the end of what it has killed: on a machine that keeps it waiting that says nothing of it.
    private func judgeSlowKill(since asked: MonotonicInstant) throws {
        guard let life, life.isRunning, let pid = life.pid else { return }
        let isKilled = journal.events.reversed().prefix { $0.instant >= asked }
            .contains { $0.kind == .runtime(.sent(.kill, to: pid)) }
        guard isKilled else { return }
        let late = lateness.total - notedLateness
        guard late >= ScenarioRun.lateForKill else { return }
        throw CannotRun(
            reason:
                "\(tooSlowToJudge): PID 1 had not ended \(MonotonicInstant.now.duration(since: asked).rounded) after SIGKILL; "
                + "the machine kept it all waiting for \(late.rounded)", remedy: "")
    }

    private static let lateForKill = Duration.seconds(1)

    /// Asks the runtime for something without waiting: the answer comes later.
    func post(_ request: Request) throws {
        try collect()
        try handleEnds()
        answer = nil
        isAskedByGroup = true
        try tell(.asked(request))
    }

    /// The same as a step, which ends the run where it is refused and the next step does not ask about that.
    ///
    /// - Returns: whether it was done.
    @discardableResult
    func perform(_ request: Request, _ step: Step) throws -> Bool {
        guard let reason = try self.request(request) else { return true }
        refuse(reason, step)
        return false
    }

    /// Asks for it and goes on.
    func begin(_ request: Request, _ step: Step) throws {
        try collect()
        try handleEnds()
        answer = nil
        try tell(.begun(request))
        if case .refused(let reason)? = answer { refuse(reason, step) }
    }

    /// The run ends where a step is refused and the next does not ask about that.
    func refuse(_ reason: String, _ step: Step) {
        record(.runtime(.refused(reason: reason)))
        if !asksAboutRefusal { interrupt(step, reason) }
    }

    /// What the lifecycle has answered.
    enum Answer {
        case done
        case refused(String)
    }

    /// How long a hook without limit is waited for.
    private static let patienceWithHooks = Duration.seconds(300)

    /// How long a stop without limit is waited for: a minute, and less where the signal is known to have been dropped.
    private static let patience = (Duration.seconds(5), Duration.seconds(60))

    /// Whether a stop that has no limit comes to its end; it is noted where it does not.
    private func endsInTime() throws -> Bool {
        let began = MonotonicInstant.now
        // The signal may still come, after a hook, and then there may be a limit.
        try pump(until: began.advanced(by: ScenarioRun.patience.0)) { answer != nil || wakeAt != nil }
        try collect()
        try handleEnds()
        if answer == nil, wakeAt == nil, !view.hasDroppedSignal {
            try pump(until: began.advanced(by: ScenarioRun.patience.1)) { answer != nil || wakeAt != nil }
        }
        if answer != nil || wakeAt != nil { return true }
        let time = MonotonicInstant.now.duration(since: began).rounded
        record(.runtime(.stopFailed(reason: "not over after \(time), and there is no limit to it")))
        return false
    }

    // MARK: - Commands

    /// Tells the lifecycle what has happened, and carries out what it wants done, with what comes of that.
    ///
    /// - Parameter now: when it has happened.
    func tell(_ input: LifecycleInput, at now: MonotonicInstant = .now) throws {
        var inputs = [(input, now)]
        while !inputs.isEmpty {
            let (input, now) = inputs.removeFirst()
            for command in lifecycle.handle(input, at: now) {
                if let outcome = try carryOut(command, at: now) { inputs.append((outcome, .now)) }
            }
        }
    }

    private func carryOut(_ command: LifecycleCommand, at now: MonotonicInstant) throws -> LifecycleInput? {
        switch command {
        case .start(let byPolicy, let onNewLayer): return try start(byPolicy: byPolicy, onNewLayer: onNewLayer)
        case .send(let signal):
            // Whatever runs may have ended meanwhile: it is told next.
            if let life, life.send(signal, into: &journal) { return nil }
            return .sendFailed(signal)
        case .freeze:
            life?.beside.cancelCheck(into: &journal)
            if let commands = health?.paused() { try carryOut(commands) }
            try life?.setPaused(true, into: &journal)
        case .thaw:
            try life?.setPaused(false, into: &journal)
            if let commands = health?.resumed() { try carryOut(commands) }
        case .runHook(let command): try life?.beside.runHook(command, into: &journal)
        case .cancelHook: life?.beside.cancelHook(into: &journal)
        case .wake(let time): setWake(time.map { .now.advanced(by: $0) })
        case .wakeAt(let moment): setWake(moment)
        case .note(let note): journal.append(Event(at: moment(of: note, now), .runtime(event(note))))
        case .remove:
            endLife()
            knownUntil = .now
        case .done: answer = .done
        case .refuse(let reason): answer = .refused(reason)
        }
        return nil
    }

    private func setWake(_ moment: MonotonicInstant?) {
        (wakeAt, postponedTo, isOverdue) = (moment, nil, false)
        guard moment != nil, life?.isRunning == true else { return }
        (wakeSetAt, latenessAtWake) = (.now, lateness.total)
        noteLateness()
    }

    /// - Parameter end: when the check has ended of which this comes: a question from then on is to know of it.
    func carryOut(_ commands: [HealthMonitor.Command], at end: MonotonicInstant = .now) throws {
        for command in commands {
            switch command {
            case .run(let command, let limit): try life?.beside.check(command, within: limit, into: &journal)
            case .wake(let time): checkAt = time.map { .now.advanced(by: $0) }
            case .became(let health):
                journal.append(Event(at: end, .runtime(.becameHealthy(health == .healthy))))
                if health == .unhealthy { try tell(.unhealthy) }
            }
        }
    }

    /// How the container is, as far as others wait for it.
    var memberState: MemberState {
        switch lifecycle.state {
        case .created: hasFailedToStart ? .failedToStart : .created
        case .removed: .created
        case .restarting: .restarting
        case .exited: hasFailedToStart ? .failedToStart : .ended(code: lastCode ?? 0)
        case .running, .paused:
            switch health?.health {
            case .healthy: .healthy
            case .unhealthy: .unhealthy
            case .starting, nil: .running
            }
        }
    }

    /// What is scheduled is dated to the end itself: a question from then on is to know of it.
    private func moment(of note: LifecycleNote, _ now: MonotonicInstant) -> MonotonicInstant {
        if case .restartScheduled = note { now } else { .now }
    }

    private func event(_ note: LifecycleNote) -> RuntimeEvent {
        switch note {
        case .startRequested: .startRequested
        case .stopRequested(let signal, let grace): .stopRequested(signal, grace: grace)
        case .graceExpired: .graceExpired
        case .stopFinished: .stopFinished
        case .stopping: .stopping
        case .stopFailed(let reason): .stopFailed(reason: reason)
        case .restartScheduled(let delay, let count): .restartScheduled(after: delay, count: count)
        case .restartCancelled: .restartCancelled
        case .removed: .removed
        case .recreated: .recreated(keeping: scenario.settings.volumes.map(\.path))
        case .daemonEnded(let isKilled): .daemonEnded(isKilled: isKilled)
        case .daemonStarted: .daemonStarted
        }
    }

    private func start(byPolicy: Bool, onNewLayer: Bool) throws -> LifecycleInput {
        if volumes == nil, !scenario.settings.volumes.isEmpty {
            volumes = try VolumeStore(host: session.host, try scenario.volumesWithSources(by: rules))
        }
        if onNewLayer { endLife() }
        let life =
            try self.life ?? timed { try ContainerLife(session, scenario, profile, rules, surroundings, volumes) }
        self.life = life
        startedAt = .now
        lifeCount += 1
        let failure = try timed { try start(life, byPolicy: byPolicy) }
        hasFailedToStart = failure != nil
        if failure == nil, let commands = health?.started(at: .now) { try carryOut(commands) }
        return failure.map { .startFailed($0.rawValue) } ?? .started
    }

    /// Starts PID 1, of a pod beside another container that runs: that may just end, and then there is none to join.
    private func start(_ life: ContainerLife, byPolicy: Bool) throws -> Errno? {
        let processes = try group?.sharedProcesses() ?? sharedProcesses()
        while let neighbour = try group?.neighbour(of: self) {
            do {
                return try life.start(
                    into: &journal, byPolicy: byPolicy, sharingWith: neighbour, in: processes, besidesOthers: true)
            } catch let error as SpawnError where error.errno == .noSuchProcess {
                continue
            }
        }
        return try life.start(
            into: &journal, byPolicy: byPolicy, sharingWith: nil, in: processes, besidesOthers: group != nil)
    }

    /// The PID namespace that it is started in, where that is not its own; made at the first start.
    private func sharedProcesses() throws -> SharedProcesses? {
        if processes == nil, scenario.sharesProcesses { processes = try SharedProcesses(session) }
        return processes
    }

    /// Tells the lifecycle of the ends that have been seen: PID 1's, and that of a hook.
    func handleEnds() throws {
        try handleEnd()
        guard let code = life?.beside.takeHook() else { return }
        // PID 1 that ends kills the hook, and is to be waited for only when that has been (zap_pid_ns_processes): its end is told first.
        if code == DockerExit.code(of: .signaled(.kill, dumpedCore: false)) {
            life?.awaitEndIfExiting()
            try collect(kernel: false)
            try handleEnd()
        }
        try tell(.hookEnded(code: code))
    }

    /// Tells the lifecycle of an end that has just been seen.
    private func handleEnd() throws {
        guard let life, let (status, instant) = life.takeEnd() else { return }
        if let moment = wakeAt { noteOverdue(moment, at: instant) }
        lastCode = rules.codeOfEnd(status)
        if let commands = health?.ended() { try carryOut(commands) }
        onEnd?(self)
        for marker in markers { try life.look(at: marker, into: &journal) }
        try tell(.ended(status), at: instant)
    }

    // MARK: - The rest of what comes from outside

    func remove(volume name: String, _ step: Step) throws {
        if life?.isRunning == true { return interrupt(step, "the container is running") }
        // The layer stays, but its mounts are in the way.
        try volumes?.empty(name)
        let path = scenario.settings.volumes.first { $0.name == name }?.path ?? ""
        record(.runtime(.volumeRemoved(name, at: path)))
    }

    func exec(_ command: [String], within limit: Duration?, _ step: Step) throws {
        guard try perform(.exec, step), let life else { return }
        try life.beside.execute(command, within: limit, into: &journal)
        let deadline = limit.map { MonotonicInstant.now.advanced(by: $0) } ?? .distantFuture
        try pump(until: deadline) { !life.beside.isExecuting }
        guard life.beside.isExecuting else {
            // It may have ended when it should have been killed.
            let late = MonotonicInstant.now.duration(since: deadline)
            if limit != nil, late >= ScenarioRun.negligibleLateness {
                throw CannotRun(
                    reason: "\(step.place): \(tooSlowToJudge): the end of exec was seen \(late.rounded) after its time",
                    remedy: "")
            }
            return
        }
        life.beside.killExecution(into: &journal)
        try pump(until: .now.advanced(by: ContainerLife.patienceAfterKill)) { !life.beside.isExecuting }
        if life.beside.isExecuting { interrupt(step, "it did not end within 12 s of SIGKILL") }
    }

    func type(_ text: String, _ step: Step) {
        if let problem = life?.type(text.withControlCharacters) ?? (life == nil ? "the container is not running" : nil)
        {
            interrupt(step, problem)
        }
    }
}

extension Scenario {
    /// What the runtime is told of the container before it is made.
    func policy(with profile: InitProfile, speed: Double) -> ContainerPolicy {
        ContainerPolicy(
            stopSignal: stop.signal ?? profile.stopSignal, grace: stop.grace, postStart: startHook, preStop: stop.hook,
            restart: restart,
            removesItself: removesItself, isLiveRestored: isLiveRestored,
            command: profile.commandLine(for: self), engineVersion: engineVersion, engine: engine, speed: speed)
    }
}

extension String {
    /// `^C` as the character that Ctrl-C sends, `^^` as a caret; any other caret stands for itself.
    fileprivate var withControlCharacters: String {
        var result = ""
        var rest = self[...]
        while let character = rest.popFirst() {
            guard character == "^", let key = rest.first, let value = key.asciiValue else {
                result.append(character)
                continue
            }
            switch value {
            case 0x40...0x5F where key != "^":
                rest.removeFirst()
                result.unicodeScalars.append(Unicode.Scalar(value & 0x1F))
            case 0x5E:
                rest.removeFirst()
                result.append("^")
            default: result.append(character)
            }
        }
        return result
    }
}
