import Expectations
import Journal
import Kernel
import Model
import Vocabulary

/// Runs a command under its restart policy until there is proof, and looks for the reason.
///
/// What is claimed rests on what was seen: the kernel's events, the files that were written, the words that were printed; and where
/// these do not tell, on an experiment: the same with one thing changed, which lives.
public struct Diagnoser: Sendable {
    let session: Session
    /// The container; its steps are not used.
    let scenario: Scenario
    let profile: InitProfile
    /// So many starts are proof of a loop.
    let starts: Int
    /// A life of this length is proof that it is stable.
    let lasting: Duration

    public init(
        _ scenario: Scenario, _ profile: InitProfile, in session: Session, starts: Int = 4,
        lasting: Duration = .seconds(3)
    ) {
        self.session = session
        self.scenario = scenario
        self.profile = profile
        self.starts = starts
        self.lasting = lasting
    }

    /// How often it is looked whether there is proof.
    private static let interval = Duration.milliseconds(20)

    /// What one observation has shown.
    struct Observation {
        var lives: [Diagnosis.Life]
        var journal: Journal
        /// PID 1 ran to the end of it, and long enough.
        var isStable: Bool
        /// Who has a handler for the stop signal, by name; only where it is stable.
        var hearers: [String] = []
        var isRootDeaf = false
    }

    /// Blocks until there is proof; a few seconds.
    ///
    /// - Throws: `CannotRun`.
    public func diagnose() throws -> Diagnosis {
        try session.onOwnThread {
            let seen = try observe(scenario, profile)
            let isLoop = !seen.isStable && seen.lives.count >= starts
            var result = Diagnosis(
                lives: seen.lives, findings: [], isLoop: isLoop, isStable: seen.isStable, scenario: reproduction(isLoop)
            )
            var causes = Causes(self, seen)
            result.findings = try causes.find()
            return result
        }
    }

    /// Watches it until it has lived long enough, or been started often enough, or ended for good.
    func observe(_ scenario: Scenario, _ profile: InitProfile) throws -> Observation {
        var watched = scenario
        watched.steps = [Step(.start, place: .none)]
        let run = ScenarioRun(Session.Job(watched, profile), in: session)
        var files: [[String: Int64]] = []
        run.onEnd = { run in files.append(run.life?.writtenFiles() ?? [:]) }
        var observation = Observation(lives: [], journal: Journal(witness: session.witness), isStable: false)
        let result = run.run { run in
            var begin = MonotonicInstant.now
            var count = 1
            while true {
                try run.pump(until: .now.advanced(by: Diagnoser.interval))
                if run.lifeCount > count { (count, begin) = (run.lifeCount, .now) }
                let isRunning = run.life?.isRunning == true
                if isRunning, MonotonicInstant.now.duration(since: begin) >= lasting { break }
                if !isRunning, run.restartAt == nil || count >= starts { break }
            }
            try run.pump(until: .now, watchingKernel: true)
            observation.isStable = run.life?.isRunning == true
            if observation.isStable, let root = run.life?.pid {
                (observation.hearers, observation.isRootDeaf) = hearing(root, run)
            }
        }
        if case .error(let reason) = result.verdict { throw CannotRun(reason: reason, remedy: "") }
        observation.journal = result.journal
        observation.lives = lives(of: result.journal, files)
        return observation
    }

    /// Who listens for the stop signal, and whether PID 1 does not.
    private func hearing(_ root: ProcessID, _ run: ScenarioRun) -> ([String], Bool) {
        let signal = scenario.stop.signal ?? profile.stopSignal ?? .term
        let tree = (try? ProcFS.tree(under: root)) ?? []
        let hearers = tree.filter { ProcFS.hears($0.pid, signal) }
        return (hearers.map(\.name), !hearers.contains { $0.pid == root })
    }

    private func lives(of journal: Journal, _ files: [[String: Int64]]) -> [Diagnosis.Life] {
        var result: [Diagnosis.Life] = []
        var started = MonotonicInstant.now
        var root: ProcessID?
        for event in journal.events {
            switch event.kind {
            case .runtime(.removed): return result
            case .runtime(.started(let pid, _)):
                result.append(Diagnosis.Life())
                (started, root) = (event.instant, pid)
            case .runtime(.startFailed(let stage, let code)):
                var life = Diagnosis.Life()
                life.startFailure = (stage, code)
                result.append(life)
            case .kernel(.executed(let pid, let path)) where pid == root && !result.isEmpty:
                result[result.count - 1].programs.append((path, event.instant.duration(since: started)))
            case .printed(let text, _, _) where !result.isEmpty && !text.isEmpty:
                result[result.count - 1].lastWords =
                    (result[result.count - 1].lastWords + [text.withoutTerminalControl]).suffix(5)
            case .runtime(.exited(let status)) where !result.isEmpty:
                result[result.count - 1].end = (status, event.instant.duration(since: started))
                if result.count <= files.count { result[result.count - 1].files = files[result.count - 1] }
            default: continue
            }
        }
        return result
    }

    /// What was done, as a scenario.
    private func reproduction(_ isLoop: Bool) -> Scenario {
        var result = scenario
        result.steps = [Step(.start, place: .none)]
        if isLoop {
            // Each delay is at most twice the one before.
            let patience = Duration.seconds(30) + .milliseconds(100) * (1 << min(starts, 16))
            result.steps.append(Step(.waitFor(.restarts(starts - 1), within: patience), place: .none))
            result.steps.append(Step(.expect(Expectation(.state(.restarting), isNegated: true)), place: .none))
        } else {
            result.steps.append(Step(.expect(Expectation(.state(.running), for: lasting)), place: .none))
        }
        return result
    }
}
