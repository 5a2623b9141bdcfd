import Journal
import Model
import Vocabulary

/// Why a container does not stay up, or that it does.
public struct Diagnosis: Sendable {
    /// One life of the container, from the start of PID 1 to its end.
    public struct Life: Sendable {
        /// The programs that PID 1 has been, and when it became each, counted from the start.
        public internal(set) var programs: [(path: String, after: Duration)] = []
        /// How it ended and after which time; nil: it still ran.
        public internal(set) var end: (status: ExitStatus, after: Duration)?
        /// Why it could not be started.
        public internal(set) var startFailure: (stage: String, code: Int)?
        /// The last lines that were printed.
        public internal(set) var lastWords: [String] = []
        /// When each file of the layer and of the volumes was last written, in nanoseconds since 1970, as the life ended.
        public internal(set) var files: [String: Int64] = [:]
    }

    /// A cause, recognised by evidence.
    public enum Cause: String, CaseIterable, Sendable {
        case noControlGroup = "no-control-group"
        case noRunInMemory = "no-run-in-memory"
        case insistsOnBeingFirst = "insists-on-pid-1"
        case stalePIDFile = "stale-pid-file"
        case volumeDenied = "permission-denied-on-volume"
        case missingInterpreter = "missing-interpreter"
        case carriageReturn = "carriage-return-in-first-line"
        case notFound = "command-not-found"
        case notExecutable = "not-executable"
        case noProgram = "no-program"
        case initialisesEveryTime = "initialises-every-time"
        case crashes = "crashes"
        case endsByItself = "ends-by-itself"
        case fails = "exits-with-a-failure"
        case diesAfterExec = "dies-after-exec"
        case deafToStopSignal = "deaf-to-the-stop-signal"
    }

    public struct Finding: Sendable {
        public let cause: Cause
        /// What is so, in one sentence.
        public let what: String
        public let evidence: [String]
        public let remedy: String
    }

    public internal(set) var lives: [Life]
    public internal(set) var findings: [Finding]
    /// The restart policy starts it again and again.
    public internal(set) var isLoop: Bool
    /// It ran to the end, and long enough.
    public internal(set) var isStable: Bool
    /// What was run, to be run again.
    public internal(set) var scenario: Scenario
}

extension Diagnosis {
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
        for (index, life) in lives.enumerated() { result += "  start \(index + 1): \(Diagnosis.words(life))\n" }
        if findings.isEmpty { return result + "\nnothing found\n" }
        result += "\nwhy\n"
        for finding in findings {
            result += "  \(finding.cause.rawValue): \(finding.what)\n"
            for line in finding.evidence { result += "      \(line)\n" }
            result += "    try: \(finding.remedy)\n"
        }
        return result
    }

    static func words(_ life: Life) -> String {
        if let failure = life.startFailure { return "\(failure.stage), status \(failure.code)" }
        let programs = life.programs.map { "\($0.path) (\($0.after.rounded))" }.joined(separator: ", then ")
        let end = life.end.map { "\($0.status) after \($0.after.rounded)" } ?? "still runs"
        let said = life.lastWords.last.map { "; last words: \($0)" } ?? ""
        return "PID 1 was \(programs.isEmpty ? "?" : programs); \(end)\(said)"
    }
}
