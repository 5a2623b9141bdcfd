import Expectations
import FoundationEssentials
import Journal
import Language
import Model
import Vocabulary

/// A recorded run, as JSON Lines (docs/JOURNAL.md, schema `harness.journal/1`): what was seen, and the verdicts on it.
///
/// A header; then of each scenario's run one line that names it, one for each event, one for the verdict; at the end a line without
/// which the run is not whole. The lines of runs that go on at the same time are mixed.
public enum JournalFile {
    static let schema = "harness.journal/1"

    /// The first line.
    ///
    /// - Parameters:
    ///   - planned: how many scenarios there are to be.
    ///   - id: tells this run from every other; nil: nothing does.
    ///   - part: which part of a run it is; nil: the whole.
    ///   - isFlakinessBad: whether a flaky scenario counts as a failure.
    public static func header(
        witness: Witness, jobs: Int, speed: Double, planned: Int, id: String? = nil, part: Part? = nil,
        isFlakinessBad: Bool = false
    ) throws -> String {
        var header = HeaderRecord(witness: witness, jobs: jobs, speed: speed, planned: planned)
        (header.id, header.part, header.parts) = (id, part?.number, part?.count)
        if isFlakinessBad { header.flaky_is_bad = true }
        return try line(header, by: encoder())
    }

    /// The line with which a run begins.
    ///
    /// - Parameter number: of the run, unique in the file.
    /// - Throws: what JSONEncoder throws.
    public static func beginning(of run: BegunRun, number: Int) throws -> String {
        try line(RunRecord(run.result, number: number), by: encoder())
    }

    /// The lines of some of its events.
    public static func lines(of events: some Sequence<Event>, run: Int, container: String?) throws -> String {
        var bytes: [UInt8] = []
        for event in events { try EventLine(run: run, container: container, event).append(to: &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The line with which it ends.
    public static func verdict(of result: RunResult, number: Int) throws -> String {
        try line(VerdictRecord(result, number: number), by: encoder())
    }

    /// All lines of one run.
    public static func lines(of result: RunResult, number: Int) throws -> String {
        try beginning(of: BegunRun(result), number: number)
            + result.journals.reduce(into: "") {
                $0 += try lines(of: $1.journal.events, run: number, container: $1.container)
            } + verdict(of: result, number: number)
    }

    /// The whole of a run.
    public static func text(of report: RunReport) throws -> String {
        try header(
            witness: report.witness, jobs: report.jobs, speed: report.speed,
            planned: report.plannedCount ?? report.results.count, id: report.id, part: report.part,
            isFlakinessBad: report.results.contains(where: \.isFlakinessBad))
            + report.results.enumerated().reduce(into: "") { $0 += try lines(of: $1.element, number: $1.offset + 1) }
            + end(of: report)
    }

    /// The last line.
    public static func end(of report: RunReport) throws -> String { try line(EndRecord(report), by: encoder()) }

    private static func encoder() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        return encoder
    }

    private static func line(_ record: some Encodable, by encoder: JSONEncoder) throws -> String {
        String(decoding: try encoder.encode(record), as: UTF8.self) + "\n"
    }
}

// swift-format-ignore: AlwaysUseLowerCamelCase
struct HeaderRecord: Codable {
    var kind = "journal"
    var schema = JournalFile.schema
    let witness: String
    /// Why the witness sees no signals; absent where it does.
    let sees_no_signals_because: String?
    let jobs: Int
    let speed: Double
    /// How many scenarios there were to be run.
    let planned: Int
    /// Tells it from every other run.
    var id: String?
    /// Which part of how many it is.
    var part, parts: Int?
    var flaky_is_bad: Bool?

    init(witness: Witness, jobs: Int, speed: Double, planned: Int) {
        switch witness {
        case .tracefs: (self.witness, sees_no_signals_because) = ("tracefs", nil)
        case .procfs(let reason): (self.witness, sees_no_signals_because) = ("procfs", reason)
        }
        (self.jobs, self.speed, self.planned) = (jobs, speed, planned)
    }

    /// No number in it is larger.
    static let limit = 100_000_000

    var sight: Witness { witness == "tracefs" ? .tracefs : .procfs(reason: sees_no_signals_because ?? "") }
}

/// A scenario, with the places that its lines have in the file that it is from.
struct ScenarioRecord: Codable {
    let file: String
    let line: Int
    let column: Int
    /// In canonical form.
    let text: String
    /// Line and column of each of its steps, those of a block after the step that has it.
    let steps: [[Int]]

    init(_ scenario: Scenario) {
        (file, line, column) = (scenario.place.file, scenario.place.line, scenario.place.column)
        text = scenario.text
        steps = scenario.steps.everyStep.map { [$0.place.line, $0.place.column] }
    }

    func scenario() throws(UnknownRecord) -> Scenario {
        let parsed = parseScenarios(Array(text.utf8), file: file)
        guard var scenario = parsed.values.first, !parsed.diagnostics.contains(where: { $0.severity == .error }) else {
            throw UnknownRecord(
                description: "the scenario of \(file):\(line) cannot be read: "
                    + (parsed.diagnostics.first?.message ?? "there is none"))
        }
        scenario.place = SourcePlace(file: file, line: line, column: column)
        var places = steps.compactMap { $0.count == 2 ? SourcePlace(file: file, line: $0[0], column: $0[1]) : nil }[...]
        scenario.steps = scenario.steps.map { $0.placed(at: &places) }
        return scenario
    }
}

extension [Step] {
    /// With those of blocks, each after the step that has it.
    fileprivate var everyStep: [Step] { flatMap { [$0] + ($0.action.block ?? []).everyStep } }
}

extension Step {
    fileprivate func placed(at places: inout ArraySlice<SourcePlace>) -> Step {
        var result = self
        result.place = places.popFirst() ?? place
        func inner(_ steps: [Step]) -> [Step] { steps.map { $0.placed(at: &places) } }
        switch action {
        case .repeated(let times, let steps): result.action = .repeated(times: times, inner(steps))
        case .within(let container, let steps): result.action = .within(container: container, inner(steps))
        case .sweep(let plan, let steps): result.action = .sweep(plan, inner(steps))
        default: break
        }
        return result
    }
}

// swift-format-ignore: AlwaysUseLowerCamelCase
struct RunRecord: Codable {
    var kind = "run"
    let run: Int
    let `init`: String
    let command: [String]
    /// Whose rules the container was driven by.
    let runtime: String
    let scenario: ScenarioRecord
    /// The names of several containers; absent where there is one.
    let containers: [String]?

    init(_ result: RunResult, number: Int) {
        run = number
        self.`init` = result.initName
        command = result.command
        runtime = result.runtime.rawValue
        scenario = ScenarioRecord(result.scenario)
        containers = result.parts.isEmpty ? nil : result.parts.map(\.name)
    }

    /// Of its containers; the only one has none.
    var names: [String?] { containers ?? [nil] }
}

struct EventLine: Codable {
    var kind = "event"
    let run: Int
    let container: String?
    let at: UInt64
    let event: EventRecord

    init(run: Int, container: String?, _ event: Event) {
        (self.run, self.container, at) = (run, container, event.instant.nanoseconds)
        self.event = EventRecord(event.kind)
    }

    init(run: Int, container: String?, at: UInt64, _ event: EventRecord) {
        (self.run, self.container, self.at, self.event) = (run, container, at, event)
    }
}

// swift-format-ignore: AlwaysUseLowerCamelCase
struct VerdictRecord: Codable {
    var kind = "verdict"
    let run: Int
    let verdict: String
    let reason: String?
    let duration_ns: Int64
    let failures: [FailureRecord]?
    let sweeps: [SweepRecord]?
    /// Why it is known to fail; absent where it is not.
    let known: String?
    /// Where the clock of each container begins, where that is not its PID 1's start.
    let origins: [UInt64?]?

    init(_ result: RunResult, number: Int) {
        run = number
        (verdict, reason) = result.verdict.nameAndReason
        duration_ns = result.duration.inNanoseconds
        switch result.verdict {
        case .failed(let list), .flaky(let list): failures = list.map { FailureRecord($0, run: number) }
        case .passed, .notApplicable, .error: failures = nil
        }
        sweeps = result.sweeps.isEmpty ? nil : result.sweeps.map { SweepRecord($0, run: number) }
        // What is known of a baseline alone is no property of the run.
        known = result.known.flatMap { $0.isOfBaseline ? nil : $0.reason }
        let origins = result.journals.map(\.journal.origin?.nanoseconds)
        self.origins = origins.contains { $0 != nil } ? origins : nil
    }

    func verdict(of scenario: Scenario) throws(UnknownRecord) -> Verdict {
        switch verdict {
        case "passed": return .passed
        case "not-applicable": return .notApplicable(reason: reason ?? "")
        case "error": return .error(reason ?? "")
        case "failed", "flaky":
            var list: [Failure] = []
            for record in failures ?? [] { list.append(try record.failure(of: scenario)) }
            return verdict == "failed" ? .failed(list) : .flaky(list)
        default: throw UnknownRecord(description: "'\(verdict)' is not a verdict")
        }
    }
}

struct FailureRecord: Codable {
    let line: Int
    let column: Int
    /// `expect`, `wait-for`, `continuation` or `moments`; `kill-times` is what `moments` was called before.
    let question: String
    let count: Int?
    /// The question in words.
    let expected: String
    let observed: String
    let evidence: [EventLine]

    init(_ failure: Failure, run: Int) {
        (line, column) = (failure.place.line, failure.place.column)
        switch failure.question {
        case .expect: (question, count) = ("expect", nil)
        case .waitFor: (question, count) = ("wait-for", nil)
        case .continuation: (question, count) = ("continuation", nil)
        case .moments(let number): (question, count) = ("moments", number)
        }
        (expected, observed) = (failure.expected, failure.observed)
        evidence = failure.evidence.map { EventLine(run: run, container: $0.container, $0.event) }
    }

    func failure(of scenario: Scenario) throws(UnknownRecord) -> Failure {
        let place = SourcePlace(file: scenario.place.file, line: line, column: column)
        let step = scenario.steps.everyStep.first { $0.place.line == line && $0.place.column == column }
        var proofs: [Evidence] = []
        for line in evidence {
            proofs.append(
                Evidence(
                    Event(at: MonotonicInstant(nanoseconds: line.at), try line.event.kind()), in: line.container))
        }
        return Failure(
            place: place, try question(of: step), observed: observed, evidence: proofs)
    }

    private func question(of step: Step?) throws(UnknownRecord) -> Failure.Question {
        switch (question, step?.action) {
        case ("expect", .expect(let expectation)?): .expect(expectation)
        case ("wait-for", .waitFor(let condition, let isNegated, let limit)?):
            .waitFor(Expectation(condition, isNegated: isNegated, within: limit))
        case ("continuation", _): .continuation
        case ("moments", _), ("kill-times", _): .moments(count ?? 0)
        default: throw UnknownRecord(description: "'\(question)' is no question of line \(line)")
        }
    }
}

// swift-format-ignore: AlwaysUseLowerCamelCase
struct SweepRecord: Codable {
    struct Kill: Codable {
        let after_ns: Int64?
        let event: Int?
        let what: String?
        let came_too_late: Bool
        let steps: [String: Int]
        let order: [String]
        let failed: Bool
        let failure: FailureRecord?
        let last_words: String?
    }

    let line: Int
    let column: Int
    let kills: [Kill]
    let missed: [Int]
    let attempts: Int
    /// How many of how many moments were taken; absent where all were.
    let sample: [Int]?
    let reproduction: ScenarioRecord?
    let reproduction_failures: Int?
    let trials: Int?

    /// - Parameter run: the number of the run that the sweep is of.
    init(_ outcome: SweepOutcome, run: Int) {
        (line, column) = (outcome.place.line, outcome.place.column)
        kills = outcome.runs.map { kill in
            var (after, number, what): (Int64?, Int?, String?) = (nil, nil, nil)
            switch kill.moment {
            case .time(let time): after = time.inNanoseconds
            case .event(let count, let name): (number, what) = (count, name)
            }
            return Kill(
                after_ns: after, event: number, what: what, came_too_late: kill.cameTooLate,
                steps: Dictionary(kill.steps.map { ($0.name, $0.count) }) { first, _ in first },
                order: kill.steps.map(\.name), failed: kill.hasFailed,
                failure: kill.failure.map { FailureRecord($0, run: run) }, last_words: kill.lastWords)
        }
        (missed, attempts) = (outcome.missed, outcome.attempts)
        sample = outcome.sample.map { [$0.taken, $0.total] }
        reproduction = outcome.reproduction.map { ScenarioRecord($0.scenario) }
        (reproduction_failures, trials) = (outcome.reproduction?.failures, outcome.reproduction?.trials)
    }

    /// - Parameter scenario: the one that the sweep is a step of.
    func outcome(of scenario: Scenario) throws(UnknownRecord) -> SweepOutcome {
        // Steps that Swift has built may have the same place, and files of their own.
        let plan =
            scenario.steps.everyStep.lazy.compactMap { step -> SweepPlan? in
                guard case .sweep(let plan, _) = step.action else { return nil }
                return step.place.line == self.line && step.place.column == self.column ? plan : nil
            }.first ?? SweepPlan(.kill, .everyEvent)
        var runs: [SweepOutcome.Run] = []
        for kill in kills {
            runs.append(
                SweepOutcome.Run(
                    kill.after_ns.map { .time(.nanoseconds($0)) } ?? .event(kill.event ?? 0, what: kill.what),
                    cameTooLate: kill.came_too_late, steps: kill.order.map { .init($0, kill.steps[$0] ?? 0) },
                    hasFailed: kill.failed, failure: try? kill.failure?.failure(of: scenario),
                    lastWords: kill.last_words))
        }
        var again: SweepOutcome.Reproduction?
        if let reproduction {
            again = .init(
                try reproduction.scenario(), failures: reproduction_failures ?? 0, trials: trials ?? 0)
        }
        return SweepOutcome(
            place: SourcePlace(file: scenario.place.file, line: line, column: column), plan: plan, runs: runs,
            missed: missed, attempts: attempts,
            sample: sample.flatMap { $0.count == 2 ? .init(taken: $0[0], of: $0[1]) : nil }, reproduction: again)
    }
}

// swift-format-ignore: AlwaysUseLowerCamelCase
struct EndRecord: Codable {
    struct Skipped: Codable {
        let `init`: String
        let reason: String
    }

    var kind = "end"
    let results: Int
    let duration_ns: Int64
    let skipped: [Skipped]
    /// How many scenarios there were to be, where the run was interrupted.
    let interrupted_of: Int?
    /// Runs that were going on when the harness was killed; absent where there are none.
    let unfinished: [String]?
    /// Parts that are not in what this was merged of; absent where there are none.
    let missing_parts: [Int]?
    /// Rows that an init is known to fail, and has passed; absent where there are none.
    let passed_though_known: [Pass]?

    struct Pass: Codable {
        let `init`, row, file: String
        let line: Int
    }

    init(_ report: RunReport) {
        results = report.results.count
        duration_ns = report.duration.inNanoseconds
        skipped = report.skipped.map { Skipped(init: $0.name, reason: $0.reason) }
        interrupted_of = report.plannedCount
        unfinished = report.unfinished.isEmpty ? nil : report.unfinished
        missing_parts = report.missingParts.isEmpty ? nil : report.missingParts
        passed_though_known =
            report.unexpectedPasses.isEmpty
            ? nil
            : report.unexpectedPasses.map {
                Pass(init: $0.initName, row: $0.row, file: $0.place.file, line: $0.place.line)
            }
    }
}

extension Verdict {
    /// As machine-readable reports call it.
    var nameAndReason: (name: String, reason: String?) {
        switch self {
        case .passed: ("passed", nil)
        case .failed: ("failed", nil)
        case .flaky: ("flaky", nil)
        case .notApplicable(let reason): ("not-applicable", reason)
        case .error(let reason): ("error", reason)
        }
    }
}
