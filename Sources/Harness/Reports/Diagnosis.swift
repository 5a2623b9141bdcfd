import Journal
import Model
import Vocabulary

/// Why a container does not stay up or does not stop, or that it does.
public struct Diagnosis: Sendable {
    /// One life of the container, from the start of PID 1 to its end.
    public struct Life: Sendable {
        /// The programs that PID 1 has been, and when it became each, counted from the start; empty where the witness does not see that.
        public package(set) var programs: [(path: String, after: Duration)] = []
        /// The witness sees what is executed.
        package var hasSeenPrograms = true
        /// How it ended and after which time; nil: it still ran.
        public package(set) var end: (status: ExitStatus, after: Duration)?
        /// Why it could not be started.
        public package(set) var startFailure: (stage: String, code: Int)?
        /// The last lines that were printed before it was stopped; 200 at most.
        public package(set) var lastWords: [String] = []
        /// When each file of the layer and of the volumes was last written, in nanoseconds since 1970, as the life ended.
        public package(set) var files: [String: Int64] = [:]
        /// Processes that died of a fault, an abort or the like: what they were, of which signal, and when.
        public package(set) var crashes: [(program: String, signal: Signal, after: Duration)] = []
        /// The crash after which nothing was started or printed any more; nil: there was more.
        package var lastCrash: Signal?
        /// Processes that still ran when PID 1 ended by itself, and were killed with it.
        public package(set) var killedWithIt: [String] = []
        /// Whether one of them, or what had started it, had lost its parent before: what started it has put it into the background.
        package var hasOrphanedDaemon = false
        /// Whether one of them was forked by PID 1, and is the same program.
        package var hasForkedDaemon = false
        /// How many processes the kernel has killed for want of memory.
        public package(set) var outOfMemoryKills = 0
        /// When it was started, in nanoseconds since 1970.
        package var start: Int64 = 0
        /// When PID 1 became its last program, likewise; nil: it has been one program only.
        package var lastExec: Int64?
        /// Every program that a process of it has been, by the last part of its path.
        package var executed: Set<String> = []
        /// Children of PID 1 that ended while a sibling ran on, and that nothing has replaced.
        package var lost: [String] = []

        package init() {}
    }

    /// What is wrong, by a name that stays.
    public enum Cause: String, CaseIterable, Sendable {
        case noControlGroup = "no-control-group"
        case noRunInMemory = "no-run-in-memory"
        case insistsOnBeingFirst = "insists-on-pid-1"
        case needsTerminal = "needs-a-terminal"
        case endOfInput = "standard-input-is-at-its-end"
        case stalePIDFile = "stale-pid-file"
        case volumeDenied = "permission-denied-on-volume"
        case userDenied = "user-lacks-a-right"
        case hiddenByMount = "hidden-by-a-mount"
        case noExecTmpfs = "tmpfs-is-noexec"
        case missingInterpreter = "missing-interpreter"
        case carriageReturn = "carriage-return-in-first-line"
        case notFound = "command-not-found"
        case notExecutable = "not-executable"
        case noProgram = "no-program"
        case outOfMemory = "out-of-memory"
        case initialisesEveryTime = "initialises-every-time"
        case markerFirst = "marker-written-before-the-work"
        case firstStartFails = "first-start-fails"
        case doesNotStartAgain = "does-not-start-again"
        case crashes = "crashes"
        case goesIntoBackground = "goes-into-the-background"
        case endsByItself = "ends-by-itself"
        case fails = "exits-with-a-failure"
        case diesAfterExec = "dies-after-exec"
        case stuck = "stuck-before-its-command"
        case halfDead = "one-of-its-programs-has-ended"
        case deafToStopSignal = "deaf-to-the-stop-signal"
        case outlivesGracePeriod = "outlives-the-grace-period"
        case notPassedOn = "stop-signal-not-passed-on"
        // Those of `Cause.ofZombies`, by their own names.
        case neverWaits = "never-waits"
        case reapsNothing = "reaps-nothing"
        case reapsOwnChildrenOnly = "reaps-own-children-only"
        case waitsOncePerSigchld = "waits-once-per-sigchld"
        case reapsLate = "reaps-late"
    }

    /// How certain a finding is.
    public enum Certainty: Hashable, Sendable {
        /// An event of the kernel, a file, or an experiment that changes one thing has shown it.
        case shown
        /// It fits what was seen, and so may other things.
        case possible
    }

    /// Something that is wrong.
    public struct Finding: Sendable {
        /// Its kind, by which programs tell findings apart.
        public let cause: Cause
        /// Whether it was shown, or only fits.
        public let certainty: Certainty
        /// What is so, in one sentence.
        public let what: String
        /// What shows it, a line each.
        public let evidence: [String]
        /// What to try, in half a sentence.
        public let remedy: String

        package init(cause: Cause, certainty: Certainty, what: String, evidence: [String], remedy: String) {
            (self.cause, self.certainty, self.what) = (cause, certainty, what)
            (self.evidence, self.remedy) = (evidence, remedy)
        }
    }

    /// How the container was stopped at the end, and what came of it.
    public struct Stop: Sendable {
        /// The stop signal.
        public let signal: Signal
        /// The grace period.
        public let grace: Duration
        /// Who was told, PID 1 first, each by the one before it or by another of them.
        public let told: [String]
        /// Why PID 1 did not hear it; nil: it did.
        public let deafness: String?
        /// From the signal to the end of PID 1.
        public let took: Duration
        /// Nil: it still runs, after SIGKILL too.
        public let status: ExitStatus?
        /// The grace period was over, and SIGKILL ended it.
        public let wasKilled: Bool
        /// Processes that were killed without having been told.
        public let neverTold: [String]
        /// Processes that ignore the stop signal, which the kernel therefore dropped.
        public let ignoring: [String]
        /// Of those that were never told, the ones with a handler for the signal, and the process that ran each and died of it.
        package let unheard: [(program: String, parent: String)]
        /// What was printed meanwhile.
        public let words: [String]

        package init(
            signal: Signal, grace: Duration, told: [String], deafness: String?, took: Duration, status: ExitStatus?,
            wasKilled: Bool, neverTold: [String], ignoring: [String], unheard: [(program: String, parent: String)],
            words: [String]
        ) {
            (self.signal, self.grace, self.told, self.deafness) = (signal, grace, told, deafness)
            (self.took, self.status, self.wasKilled) = (took, status, wasKilled)
            (self.neverTold, self.ignoring, self.unheard, self.words) = (neverTold, ignoring, unheard, words)
        }
    }

    /// Each start, in order, up to the stop.
    public package(set) var lives: [Life]
    /// What is wrong; empty: nothing was found.
    public package(set) var findings: [Finding]
    /// Changes that might have shown a reason, and why this machine could not try them.
    public package(set) var notTried: [String]
    /// The restart policy starts it again and again.
    public package(set) var isLoop: Bool
    /// It ran to the end, and long enough.
    public package(set) var isStable: Bool
    /// How it was stopped, where it was stable.
    public package(set) var stop: Stop?
    /// The life after that stop, where there was one.
    public package(set) var second: Life?
    /// What was run, to be run again.
    public package(set) var scenario: Scenario

    package init(
        lives: [Life], findings: [Finding], notTried: [String], isLoop: Bool, isStable: Bool, stop: Stop?,
        second: Life?,
        scenario: Scenario
    ) {
        (self.lives, self.findings, self.notTried) = (lives, findings, notTried)
        (self.isLoop, self.isStable, self.stop) = (isLoop, isStable, stop)
        (self.second, self.scenario) = (second, scenario)
    }
}

extension Diagnosis {
    /// The findings that were shown to be so.
    public var shown: [Finding] { findings.filter { $0.certainty == .shown } }

    /// The diagnosis for people.
    public var text: String {
        var result = ""
        if isLoop {
            result += "restart loop: \(lives.count) starts, and none of them lasted\n"
        } else if isStable {
            result += "stable\n"
        } else {
            result += "it has ended, and is not started again\n"
        }
        result += "\nwhat happens\n"
        for (index, life) in lives.enumerated() {
            result += "  start \(index + 1): \(Diagnosis.words(life).printable)\n"
        }
        if let stop { result += "\nhow it stops\n" + Diagnosis.words(stop).map { "  \($0.printable)\n" }.joined() }
        if let second { result += "\nstarted again\n  \(Diagnosis.words(second).printable)\n" }
        let untried =
            notTried.isEmpty ? "" : "\nnot tried\n" + notTried.map { "  \($0.printable)\n" }.joined()
        if findings.isEmpty { return result + "\nnothing found\n" + untried }
        for (certainty, title) in [(Certainty.shown, "why"), (.possible, "could be")] {
            let own = findings.filter { $0.certainty == certainty }
            if own.isEmpty { continue }
            result += "\n\(title)\n"
            for finding in own {
                result += "  \(finding.cause.rawValue): \(finding.what.printable)\n"
                for line in finding.evidence { result += "      \(line.printable)\n" }
                result += "    try: \(finding.remedy.printable)\n"
            }
        }
        return result + untried
    }

    package static func words(_ life: Life) -> String {
        if let failure = life.startFailure { return "\(failure.stage), status \(failure.code)" }
        let programs = life.programs.map { "\($0.path) (\($0.after.rounded))" }.joined(separator: ", then ")
        let end = life.end.map { "\($0.status) after \($0.after.rounded)" } ?? "still runs"
        let said = life.lastWords.last.map { "; last words: \($0)" } ?? ""
        let main =
            !programs.isEmpty
            ? "PID 1 was \(programs); " : life.hasSeenPrograms ? "PID 1 was never executed; " : ""
        return main + end + said
    }

    /// `SIGTERM → PID 1 (tini) → app; 1.5 s, exit 143`.
    package static func words(_ stop: Stop) -> [String] {
        let status =
            switch stop.status {
            case .exited(let code)?: "exit \(code)"
            case .signaled(let signal, _)?: "\(128 + signal.rawValue)"
            case nil: "still running"
            }
        var chain = "\(stop.signal) → \(stop.told.joined(separator: " → "))"
        if let deafness = stop.deafness {
            // "PID 1 (sh) did not hear SIGTERM: it has no handler for SIGTERM": who and what the chain says already.
            let reason = deafness.firstRange(of: ": ").map { String(deafness[$0.upperBound...]) } ?? deafness
            chain += ", not heard: \(reason)"
        }
        let end =
            stop.wasKilled
            ? "\(stop.took.rounded) of \(stop.words.isEmpty ? "nothing" : "waiting"), SIGKILL, \(status)"
            : "\(stop.took.rounded), \(status)"
        var lines = ["\(chain); \(end)"]
        if !stop.neverTold.isEmpty {
            lines.append("killed without being told: \(stop.neverTold.joined(separator: ", "))")
        }
        if !stop.ignoring.isEmpty { lines.append("told, and ignored it: \(stop.ignoring.joined(separator: ", "))") }
        for word in stop.words.suffix(3) { lines.append("printed: \(word)") }
        return lines
    }
}
