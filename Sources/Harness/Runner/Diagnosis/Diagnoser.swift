import Expectations
import Journal
import Kernel
import Model
import Reports
import Vocabulary

/// Runs a command under its restart policy until there is proof, stops it, starts it again, and looks for the reason of what is wrong.
///
/// What is claimed rests on what was seen: the kernel's events, the files that were written; or on an experiment, the same container
/// with one thing changed. Words only rank what is tried.
public struct Diagnoser: Sendable {
    let session: Session
    /// The container; its steps are not used.
    let scenario: Scenario
    let profile: InitProfile
    /// How many starts are proof of a loop.
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
    /// Two lives that took longer than this are proof of a loop, too.
    private static let patienceWithLoops = Duration.seconds(8)

    /// What ends by itself after longer than this counts as what stays up.
    private static let longestLook = Duration.seconds(60)

    /// What one observation has shown.
    struct Observation {
        var lives: [Diagnosis.Life] = []
        /// PID 1 ran to the end of it, and long enough.
        var isStable = false
        var stop: Diagnosis.Stop?
        var second: Diagnosis.Life?
        /// Everything that was seen.
        var journal: Journal

        /// The longest life that has ended.
        var longestLife: Duration { lives.compactMap { $0.end?.after }.max() ?? .zero }
    }

    /// What is done besides watching.
    enum Extent {
        /// Watches only: for experiments.
        case watching
        /// Stops what is stable as the scenario says, and starts it again.
        case stopping
    }

    /// Blocks until there is proof; a few seconds, and as long as the container takes to stop.
    ///
    /// - Throws: `CannotRun`.
    public func diagnose() throws -> Diagnosis {
        try session.onOwnThread {
            let seen = try observe(scenario, profile, .stopping)
            let isLoop = !seen.isStable && seen.lives.count >= 2 && scenario.restart != .no
            var result = Diagnosis(
                lives: seen.lives, findings: [], notTried: [], isLoop: isLoop, isStable: seen.isStable, stop: seen.stop,
                second: seen.second, scenario: reproduction(seen, isLoop))
            var search = CauseSearch(self, seen)
            result.findings = try search.find()
            result.notTried = search.notTried
            return result
        }
    }

    /// Watches it until it has lived long enough, or been started often enough, or ended for good.
    func observe(
        _ scenario: Scenario, _ profile: InitProfile, _ extent: Extent, starts: Int? = nil, lasting: Duration? = nil
    ) throws -> Observation {
        let (starts, lasting) = (starts ?? self.starts, lasting ?? self.lasting)
        var watched = scenario
        watched.steps = [Step(.start, place: .none)]
        let run = ScenarioRun(Session.Job(watched, profile), in: session)
        // What each life had left, by its number: as it was before a stop, which writes what is no initialisation.
        var left: [Int: (files: [String: Int64], kills: Int)] = [:]
        func look(_ run: ScenarioRun) {
            let number = run.lifeCount - 1
            guard left[number] == nil else { return }
            left[number] = (run.life?.writtenFiles() ?? [:], run.life?.outOfMemoryKillCount ?? 0)
        }
        run.onEnd = look
        var observation = Observation(journal: Journal(witness: session.witness))
        var stopped: (at: MonotonicInstant, secondIsAlive: Bool)?
        let result = run.run { run in
            let began = MonotonicInstant.now
            var begin = began
            var count = 1
            // What has ended after some time may end so again.
            var longest = Duration.zero
            var progress = Progress(of: commandOfEntrypoint, hasInit: profile.name != "none", patience: lasting)
            while true {
                try run.pump(until: .now.advanced(by: Diagnoser.interval))
                if run.lifeCount > count {
                    longest = max(longest, MonotonicInstant.now.duration(since: begin))
                    (count, begin) = (run.lifeCount, .now)
                }
                let isRunning = run.life?.isRunning == true
                if isRunning, MonotonicInstant.now.duration(since: begin) >= max(lasting, longest * 3 / 2) {
                    guard case .stopping = extent, try progress.goesOn(in: run) else { break }
                }
                if !isRunning, run.lifecycle.state != .restarting || count >= starts { break }
                if !isRunning, count >= 2, MonotonicInstant.now.duration(since: began) > Diagnoser.patienceWithLoops {
                    break
                }
            }
            try run.pump(until: .now, watchingKernel: true)
            observation.isStable = run.life?.isRunning == true
            guard observation.isStable, case .stopping = extent else { return }
            look(run)
            stopped = (.now, false)
            noteDispositions(run)
            try run.request(.stop(grace: nil))
            guard run.life?.isRunning != true, run.lifecycle.state != .removed else { return }
            let again = MonotonicInstant.now
            try run.request(.start)
            try run.pump(until: again.advanced(by: lasting)) { run.life?.isRunning != true }
            try run.pump(until: .now, watchingKernel: true)
            if run.life?.isRunning == true {
                stopped?.secondIsAlive = true
                look(run)
            }
        }
        if case .error(let reason) = result.verdict { throw CannotRun(reason: reason, remedy: "") }
        var lives = LifeReader(result.journal).lives
        for (number, what) in left where number < lives.count {
            (lives[number].life.files, lives[number].life.outOfMemoryKills) = what
        }
        if let stopped {
            let first = lives.firstIndex { $0.wasStopped } ?? lives.count - 1
            observation.stop = StopReader(result.journal, since: stopped.at).stop
            if let stop = observation.stop, stop.deafness != nil, !stop.wasKilled, stop.status != nil {
                // It did not hear the stop, and has ended all the same: by itself. What it does then takes a longer look.
                let length = lives[first].life.end?.after ?? lasting
                if length < Diagnoser.longestLook {
                    return try observe(
                        scenario, profile, extent, starts: starts, lasting: max(lasting, length) * 3 / 2)
                }
            }
            if first + 1 < lives.count {
                observation.second = lives[first + 1].life
                if stopped.secondIsAlive { observation.second?.end = nil }
            }
            lives = Array(lives[...first])
            lives[first].life.end = nil
        }
        observation.lives = lives.map(\.life)
        observation.journal = result.journal
        return observation
    }

    /// Which processes have a handler for the stop signal, before it is sent.
    private func noteDispositions(_ run: ScenarioRun) {
        let tree = JournalView(run.journal).tree
        let signal = scenario.stop.signal ?? .term
        for index in tree.present where index != tree.root && tree.processes[index].exitedAt == nil {
            let pid = tree.processes[index].pid
            guard let disposition = ProcFS.disposition(of: pid, towards: signal) else { continue }
            run.journal.append(Event(at: .now, .kernel(.disposition(pid, signal, disposition))))
        }
    }

    /// The program that an entrypoint script is to become, by name: the first further word of the command that is one; nil where the
    /// command is no script, or has no such word.
    var commandOfEntrypoint: String? {
        guard case .command(let command)? = scenario.settings.payload, let first = command.first else { return nil }
        let image = Image(scenario)
        func beginning(_ word: String) -> [UInt8]? { image.path(ofProgram: word).flatMap(image.bytes) }
        guard beginning(first)?.starts(with: [0x23, 0x21]) == true else { return nil }
        let word = command.dropFirst().first { word in
            !word.hasPrefix("-") && beginning(word)?.starts(with: [0x7F, 0x45, 0x4C, 0x46]) == true
        }
        return word?.split(separator: "/").last.map(String.init)
    }

    /// Runs observations side by side, each on a thread of its own, in their order; of one that this machine cannot make, why.
    func observeAll(
        _ experiments: [(Scenario, InitProfile, Int)], lasting: Duration
    ) throws -> [Result<Observation, any Error>] {
        try session.onOwnThreads(
            experiments.map { scenario, profile, starts in
                { Result { try observe(scenario, profile, .watching, starts: starts, lasting: lasting) } }
            })
    }

    /// What becomes of the work when PID 1 is killed as soon as a file is there, and started again: the files of the second life.
    func filesAfterKill(when path: String, watching: Duration) throws -> [String: Int64]? {
        var watched = scenario
        watched.restart = .no
        watched.steps = [Step(.start, place: .none)]
        let run = ScenarioRun(Session.Job(watched, profile), in: session)
        var files: [String: Int64]?
        let result = run.run { run in
            let deadline = MonotonicInstant.now.advanced(by: watching)
            while run.life?.isRunning == true, run.life?.writtenFiles()[path] == nil {
                if MonotonicInstant.now >= deadline { return }
                try run.pump(until: .now.advanced(by: .milliseconds(2)))
            }
            guard let life = run.life, life.isRunning else { return }
            life.send(.kill, into: &run.journal)
            try run.pump(until: .now.advanced(by: ContainerLife.patienceAfterKill)) { !life.isRunning }
            try run.request(.start)
            try run.pump(until: .now.advanced(by: watching)) { run.life?.isRunning != true }
            files = run.life?.writtenFiles()
        }
        if case .error = result.verdict { return nil }
        return files
    }

    /// What was done, as a scenario.
    private func reproduction(_ seen: Observation, _ isLoop: Bool) -> Scenario {
        var result = scenario
        result.steps = [Step(.start, place: .none)]
        func expect(_ condition: Condition, isNegated: Bool = false, for time: Duration? = nil) {
            result.steps.append(
                Step(.expect(Expectation(condition, isNegated: isNegated, for: time)), place: .none))
        }
        if isLoop {
            let count = max(1, seen.lives.count - 1)
            // Each delay is at most twice the one before.
            let patience = Duration.seconds(30) + .milliseconds(100) * (1 << min(count, 16))
            result.steps.append(Step(.waitFor(.restarts(count), within: patience), place: .none))
            expect(.state(.restarting), isNegated: true)
        } else {
            expect(.state(.running), for: lasting)
            guard let stop = seen.stop else { return result }
            result.steps.append(Step(.stop(grace: nil), place: .none))
            if stop.wasKilled { expect(.killed([.initProcess]), isNegated: true) }
            guard seen.second != nil else { return result }
            result.steps.append(Step(.start, place: .none))
            expect(.state(.running), for: lasting)
        }
        return result
    }
}
