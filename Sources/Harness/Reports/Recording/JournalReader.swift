import Expectations
import FoundationEssentials
import Journal
import Model
import Vocabulary

/// What is wrong with a recorded journal, and in which line.
public struct JournalProblem: Error, Sendable, CustomStringConvertible {
    /// Counted from 1; 0: of the whole.
    public let line: Int
    /// In half a sentence.
    public let reason: String

    public var description: String { line == 0 ? reason : "line \(line): \(reason)" }
}

extension JournalFile {
    /// The run that a recorded journal holds. One that breaks off in the middle of a line, or has no end, is a run that is not whole.
    ///
    /// - Parameter rejudges: whether the expectations are put to the events anew; else the verdicts are those that were recorded. What
    ///   several containers did has the verdict that was recorded.
    /// - Throws: `JournalProblem`.
    public static func read(_ bytes: [UInt8], rejudges: Bool = true) throws(JournalProblem) -> RunReport {
        var reader = Reader(rejudges: rejudges)
        var number = 0
        var begin = bytes.startIndex
        while begin < bytes.endIndex {
            let end = bytes[begin...].firstIndex(of: 0x0A) ?? bytes.endIndex
            let line = bytes[begin..<end]
            begin = end + 1
            number += 1
            if line.isEmpty { continue }
            do {
                if let event = EventLineReader.read(line) {
                    try reader.take(event)
                } else {
                    try reader.take(Data(line))
                }
            } catch {
                // Who is killed in the middle of a line has written the beginning of it.
                if end == bytes.endIndex, reader.hasHeader { break }
                throw JournalProblem(line: number, reason: Reader.words(error))
            }
        }
        return try reader.report()
    }

    private struct Reader {
        let rejudges: Bool
        private var header: HeaderRecord?
        private var results: [RunResult] = []
        private var end: EndRecord?
        /// Runs whose verdict has not come yet.
        private var open: [Int: OpenRun] = [:]
        private let decoder = JSONDecoder()

        private struct OpenRun {
            let record: RunRecord
            let scenario: Scenario
            var journals: [String?: Journal]
        }

        private struct Kind: Decodable {
            let kind: String
        }

        init(rejudges: Bool) { self.rejudges = rejudges }

        var hasHeader: Bool { header != nil }

        static func words(_ error: any Error) -> String {
            if let error = error as? UnknownRecord { return error.description }
            guard let error = error as? DecodingError else { return "\(error)" }
            switch error {
            case .keyNotFound(let key, _): return "it has no '\(key.stringValue)'"
            case .typeMismatch(_, let context), .valueNotFound(_, let context):
                return "'\(context.codingPath.map(\.stringValue).joined(separator: "."))' is of another type"
            case .dataCorrupted: return "it is not JSON"
            @unknown default: return "\(error)"
            }
        }

        mutating func take(_ line: Data) throws {
            // Nearly all are events, and begin so.
            let kind = line.starts(with: #"{"at":"#.utf8) ? "event" : try decoder.decode(Kind.self, from: line).kind
            guard hasHeader || kind == "journal" else {
                throw UnknownRecord(description: "a recorded journal begins with a line of kind 'journal'")
            }
            switch kind {
            case "journal":
                let header = try decoder.decode(HeaderRecord.self, from: line)
                guard header.schema == JournalFile.schema else {
                    throw UnknownRecord(
                        description: "its schema is '\(header.schema)'; this version reads \(JournalFile.schema)")
                }
                guard self.header == nil else {
                    throw UnknownRecord(
                        description: "a second recorded journal begins here: name each as a file of its own")
                }
                guard (0...HeaderRecord.limit).contains(header.jobs), (0...HeaderRecord.limit).contains(header.planned),
                    header.speed.isFinite, header.speed > 0
                else { throw UnknownRecord(description: "its numbers are out of range") }
                self.header = header
            case "run":
                let record = try decoder.decode(RunRecord.self, from: line)
                let scenario = try record.scenario.scenario()
                var journals: [String?: Journal] = [:]
                for name in record.names { journals[name] = Journal(witness: header?.sight ?? .tracefs) }
                open[record.run] = OpenRun(record: record, scenario: scenario, journals: journals)
            case "event": try take(try decoder.decode(EventLine.self, from: line))
            case "verdict":
                let record = try decoder.decode(VerdictRecord.self, from: line)
                guard var run = open.removeValue(forKey: record.run) else {
                    throw UnknownRecord(description: "there is no run \(record.run) before it")
                }
                for (name, origin) in zip(run.record.names, record.origins ?? []) {
                    run.journals[name]?.origin = origin.map(MonotonicInstant.init(nanoseconds:))
                }
                results.append(try result(record, run))
            case "end":
                let record = try decoder.decode(EndRecord.self, from: line)
                guard (0...HeaderRecord.limit).contains(record.interrupted_of ?? 0),
                    (0...HeaderRecord.limit).contains(record.results)
                else { throw UnknownRecord(description: "its numbers are out of range") }
                end = record
            default: throw UnknownRecord(description: "'\(kind)' is no kind of line of this version")
            }
        }

        mutating func take(_ event: EventLine) throws {
            guard hasHeader else {
                throw UnknownRecord(description: "a recorded journal begins with a line of kind 'journal'")
            }
            open[event.run]?.journals[event.container]?.append(
                Event(at: MonotonicInstant(nanoseconds: event.at), try event.event.kind()))
        }

        private func result(_ record: VerdictRecord, _ run: OpenRun) throws -> RunResult {
            var verdict = try record.verdict(of: run.scenario)
            let journal = run.journals[nil] ?? Journal(witness: header?.sight ?? .tracefs)
            if rejudges, run.record.containers == nil { verdict = rejudged(verdict, run.scenario, journal) }
            var sweeps: [SweepOutcome] = []
            for sweep in record.sweeps ?? [] { sweeps.append(try sweep.outcome(of: run.scenario)) }
            var result = RunResult(
                initName: run.record.`init`, command: run.record.command, scenario: run.scenario,
                runtime: Runtime(rawValue: run.record.runtime), verdict: verdict,
                duration: .nanoseconds(record.duration_ns), journal: journal,
                parts: (run.record.containers ?? []).map { ($0, run.journals[$0] ?? journal) }, sweeps: sweeps)
            result.isFlakinessBad = header?.flaky_is_bad ?? false
            result.known = record.known.map {
                KnownFailure(rows: [run.scenario.row], reason: $0, place: .none)
            }
            return result
        }

        /// What the expectations say of the events; what ended a run before its last step, and what sweeps have shown, stays.
        private func rejudged(_ recorded: Verdict, _ scenario: Scenario, _ journal: Journal) -> Verdict {
            var interruption: Failure?
            var ofSweeps: [Failure] = []
            switch recorded {
            case .passed: break
            case .flaky, .notApplicable, .error: return recorded
            case .failed(let failures):
                // A `wait for` that failed has ended the run as well.
                interruption = failures.interruption
                ofSweeps = failures.filter { if case .moments = $0.question { true } else { false } }
            }
            return Expectations.verdict(on: scenario.flattened, journal, interruption: interruption).adding(ofSweeps)
        }

        /// Runs that were going on. One that was made again, because it has shown nothing, has no verdict either.
        private var unfinished: [String] {
            func name(_ run: OpenRun) -> String {
                let runtime = Runtime(rawValue: run.record.runtime) ?? .docker
                return "\(RunResult.subject(run.record.`init`, run.scenario, runtime)): \(run.scenario.title)"
            }
            let settled = Set(results.map { "\($0.subject): \($0.scenario.title)" })
            var latest: [String: Int] = [:]
            for (number, run) in open { latest[name(run)] = max(latest[name(run)] ?? 0, number) }
            return latest.filter { !settled.contains($0.key) }.sorted { $0.value < $1.value }.map(\.key)
        }

        func report() throws(JournalProblem) -> RunReport {
            guard let header else { throw JournalProblem(line: 0, reason: "it is empty") }
            var report = RunReport(
                results: results.inOrder, skipped: (end?.skipped ?? []).map { ($0.`init`, $0.reason) },
                witness: header.sight,
                jobs: header.jobs,
                duration: end.map { .nanoseconds($0.duration_ns) }
                    ?? results.map(\.duration).reduce(.zero, +), speed: header.speed)
            report.id = header.id
            if let number = header.part, let count = header.parts {
                guard let part = Part(number, of: count) else {
                    throw JournalProblem(line: 1, reason: "part \(number) of \(count) is no part of a whole")
                }
                report.part = part
            }
            if let end {
                if let planned = end.interrupted_of { report.leaveOutInterrupted(of: planned) }
                report.unfinished = end.unfinished ?? []
                report.missingParts = (end.missing_parts ?? []).filter { (1...Part.limit).contains($0) }
                report.unexpectedPasses = (end.passed_though_known ?? []).map {
                    UnexpectedPass(
                        initName: $0.`init`, row: $0.row, place: SourcePlace(file: $0.file, line: $0.line, column: 1))
                }
                // Lines are missing, wherever they have got to.
                if report.results.count < end.results, end.interrupted_of == nil {
                    report.leaveOutInterrupted(of: end.results)
                    report.unfinished = unfinished
                }
            } else {
                report.unfinished = unfinished
                // Of several rounds the number of one was planned.
                report.leaveOutInterrupted(of: max(header.planned, results.count + report.unfinished.count))
            }
            return report
        }
    }
}
