import Expectations
import Journal
import Kernel
import Model
import Runtimes
import Sandbox
import Vocabulary

/// What is done to the container as a whole, by the runtime's rules: its starts, stops and restarts, and what comes from outside.
extension ScenarioRun {
    /// Somebody starts it; one that runs, or is about to again, is left alone (what Docker answers with 304).
    func start() throws {
        try collect()
        try handleEnd()
        if life?.isRunning == true || restartAt != nil { return }
        restartAt = nil
        policy.startedByHand()
        record(.runtime(.startRequested))
        try startContainer()
    }

    func startContainer() throws {
        if volumes == nil, !scenario.settings.volumes.isEmpty {
            volumes = try VolumeStore(host: session.host, scenario.settings.volumes)
        }
        if !rules.keepsLayer { endLife() }
        let life = try self.life ?? ContainerLife(session, scenario, profile, volumes)
        self.life = life
        startedAt = .now
        lifeCount += 1
        try life.start(into: &journal)
        isEndHandled = false
        if !life.isRunning {
            isEndHandled = true
            carryOut(policy.startFailed(), about: startedAt)
        }
    }

    /// Asks the policy about an end that has just been seen.
    func handleEnd() throws {
        guard let life, !life.isRunning, !isEndHandled else { return }
        isEndHandled = true
        onEnd?(self)
        for marker in markers { try life.look(at: marker, into: &journal) }
        guard let exit = journal.lastExit, case .runtime(.exited(let status)) = exit.kind else { return }
        let length = exit.instant.duration(since: startedAt) * speed
        carryOut(policy.ended(code: DockerExit.code(of: status), after: length), about: exit.instant)
    }

    /// Does what the policy says of an end at this moment.
    private func carryOut(_ decision: RestartDecision, about end: MonotonicInstant) {
        switch decision {
        case .stay: return
        case .remove:
            endLife()
            record(.runtime(.removed))
            isRemoved = true
            knownUntil = .now
        case .restart(let whole):
            let delay = whole.sped(by: speed)
            // Dated to the end itself: whoever asks from then on is to know of it.
            journal.append(Event(at: end, .runtime(.restartScheduled(after: delay, count: policy.count))))
            restartAt = end.advanced(by: delay)
        }
    }

    func cancelRestart() {
        guard restartAt != nil else { return }
        restartAt = nil
        record(.runtime(.restartCancelled))
    }

    func restart(times: Int, grace: Duration) throws {
        for _ in 0..<times {
            try stop(grace: grace, toRestart: true)
            try start()
        }
    }

    /// The runtime's daemon ends, or is killed, and another one takes over (moby, daemon/daemon.go: shutdown, restore).
    func replaceDaemon(isKilled: Bool) throws {
        try collect()
        try handleEnd()
        if !isKilled, !scenario.isLiveRestored {
            policy.daemonEnds()
            if let life, life.isRunning { try end(life, grace: scenario.stop.grace) }
        }
        // Whoever was to start it again is gone.
        cancelRestart()
        record(.runtime(.daemonEnded(isKilled: isKilled)))
        record(.runtime(.daemonStarted))
        if let life, life.isRunning {
            if scenario.isLiveRestored { return policy.daemonTakesOver() }
            // As a stop by hand: `unless-stopped` stays down.
            policy.stopped()
            try end(life, grace: scenario.stop.grace)
        }
        guard !isRemoved, policy.daemonStarts(lastCode: journal.lastCode) else { return }
        record(.runtime(.startRequested))
        try startContainer()
    }

    /// A new container in the place of the old one, which is killed if it still runs (as `docker rm -f`).
    func recreate() throws {
        restartAt = nil
        endLife()
        isRemoved = false
        record(.runtime(.recreated(keeping: scenario.settings.volumes.map(\.path))))
    }

    func remove(volume name: String, _ step: Step) throws {
        if life?.isRunning == true { return interrupt(step, "the container is running") }
        // The layer stays, but its mounts are in the way.
        try volumes?.empty(name)
        let path = scenario.settings.volumes.first { $0.name == name }?.path ?? ""
        record(.runtime(.volumeRemoved(name, at: path)))
    }

    func pause(_ paused: Bool, _ step: Step) throws {
        guard let life, life.isRunning else { return interrupt(step, "PID 1 is not running") }
        try life.setPaused(paused, into: &journal)
    }

    func exec(_ command: [String], within limit: Duration?, _ step: Step) throws {
        try collect()
        guard let life, life.isRunning else { return interrupt(step, "PID 1 is not running") }
        if life.isPaused { return interrupt(step, "the container is paused") }
        try life.execute(command, into: &journal)
        let deadline = limit.map { MonotonicInstant.now.advanced(by: $0) } ?? .distantFuture
        try pump(until: deadline) { !life.isExecuting }
        guard life.isExecuting else { return }
        life.killExecution(into: &journal)
        try pump(until: .now.advanced(by: ContainerLife.patienceAfterKill)) { !life.isExecuting }
        if life.isExecuting { interrupt(step, "it did not end within 12 s of SIGKILL") }
    }

    func type(_ text: String, _ step: Step) {
        if let problem = life?.type(text.withControlCharacters) ?? (life == nil ? "PID 1 is not running" : nil) {
            interrupt(step, problem)
        }
    }

    /// How long a stop without limit is waited for: a minute, and less where the signal is known to have been dropped.
    private static let patience = (Duration.seconds(5), Duration.seconds(60))

    private func waitWithoutLimit(for life: ContainerLife) throws {
        let began = MonotonicInstant.now
        try pump(until: began.advanced(by: ScenarioRun.patience.0)) { !life.isRunning }
        try collect()
        if life.isRunning, !JournalView(journal).hasDroppedSignal {
            try pump(until: began.advanced(by: ScenarioRun.patience.1)) { !life.isRunning }
        }
        if life.isRunning {
            let time = MonotonicInstant.now.duration(since: began).rounded
            record(.runtime(.stopFailed(reason: "not over after \(time), and there is no limit to it")))
        }
    }

    func stop(grace: Duration, toRestart: Bool = false) throws {
        if toRestart { policy.stoppedToRestart() } else { policy.stopped() }
        guard let life, life.isRunning else {
            if policy.isCancelled { cancelRestart() }
            // What Docker answers with 304: there is nothing to stop (daemon/stop.go).
            return record(.runtime(.stopFinished))
        }
        try end(life, grace: grace)
    }

    /// The stop signal, the grace period, SIGKILL.
    private func end(_ life: ContainerLife, grace: Duration) throws {
        let signal = scenario.stop.signal ?? profile.stopSignal ?? .term
        record(.runtime(.stopRequested(signal, grace: grace)))
        var machine = rules.makeStop(signal, grace)
        var deadline = MonotonicInstant.distantFuture
        var actions = machine.begin(at: .now)
        while true {
            var inputs: [StopInput] = []
            for action in actions {
                switch action {
                case .send(let signal):
                    if !life.send(signal, into: &journal) { inputs.append(.sendFailed) }
                    // Docker thaws a paused container once the signal waits for it (moby, daemon/kill.go).
                    if life.isPaused { try life.setPaused(false, into: &journal) }
                case .setDeadline(let moment): deadline = moment
                case .noteGraceExpired: record(.runtime(.graceExpired))
                case .finish: return record(.runtime(.stopFinished))
                case .fail(let reason): return record(.runtime(.stopFailed(reason: reason)))
                }
            }
            actions = inputs.flatMap { machine.handle($0, at: .now) }
            guard actions.isEmpty else { continue }
            if deadline == .distantFuture {
                try waitWithoutLimit(for: life)
                if life.isRunning { return }
            } else {
                try pump(until: deadline) { !life.isRunning }
            }
            actions = machine.handle(life.isRunning ? .deadline : .exited, at: .now)
        }
    }
}

extension Journal {
    /// The status of the container's last life; nil: it was never started.
    fileprivate var lastCode: Int? {
        for event in events.reversed() {
            switch event.kind {
            case .runtime(.exited(let status)): return DockerExit.code(of: status)
            case .runtime(.startFailed(_, let code)): return code
            case .runtime(.recreated): return nil
            default: continue
            }
        }
        return nil
    }

    /// The last end of PID 1.
    fileprivate var lastExit: Event? {
        events.last { if case .runtime(.exited) = $0.kind { true } else { false } }
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
