import Expectations
import FoundationEssentials
import Journal
import Language
import Model
import Vocabulary

/// Chrome's trace event format, which Perfetto and chrome://tracing open: a group for each run, in it a track for each process; signals are
/// flows from the sender's track to the receiver's.
///
/// Each run begins at 0, so that runs of different machines can be laid one above the other. Times are in microseconds.
public struct PerfettoReport: Reporter {
    public static let name = "perfetto"
    public static let summary = "Chrome trace JSON for Perfetto: processes, signals and zombies of each run"
    public static let needsJournals = true

    public init(_: ReportOptions) {}

    public func text(_ report: RunReport) throws -> String {
        var events: [TraceEvent] = []
        for (number, result) in report.results.enumerated() {
            guard let timeline = Timeline(result) else { continue }
            let verdict = result.verdict.nameAndReason.name
            RunTrack(number + 1, timeline, "\(verdict): \(result.name)").append(to: &events)
        }
        let note = report.noteOfInterruption
        let document = TraceDocument(
            traceEvents: events, displayTimeUnit: "ms",
            otherData: ["verdict": report.isGood && note == nil ? "passed" : "failed", "note": note ?? ""])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
    }
}

/// One run as events of a trace.
private struct RunTrack {
    private let number: Int
    private let timeline: Timeline
    private let title: String

    init(_ number: Int, _ timeline: Timeline, _ title: String) {
        (self.number, self.timeline, self.title) = (number, timeline, title)
    }

    func append(to events: inout [TraceEvent]) {
        events.append(TraceEvent("process_name", "M", number, args: ["name": title]))
        events.append(TraceEvent("process_sort_index", "M", number, args: ["sort_index": "\(number)"]))
        var flows = 0
        for (place, row) in timeline.rows.enumerated() {
            let track = place + 1
            let name = (row.container.map { "\($0): " } ?? "") + row.label
            events.append(TraceEvent("thread_name", "M", number, track, args: ["name": name.bounded.printable]))
            if let begin = row.begin {
                let end = row.end ?? timeline.end
                append(name, "process", track, from: begin, to: end, &events)
                if let orphaned = row.orphaned, orphaned < end {
                    append("orphan", "orphan", track, from: orphaned, to: end, &events)
                }
                // A process that is reaped at once is no zombie to look at.
                if row.end != nil, row.kind == .process, row.depth > 0,
                    (row.gone ?? timeline.end).duration(since: end) > .milliseconds(20)
                {
                    append("zombie", "zombie", track, from: end, to: row.gone ?? timeline.end, &events)
                }
            }
            for mark in row.marks {
                events.append(slice(mark, of: row, track))
                guard let from = mark.from, from != place else { continue }
                flows += 1
                let sender = slice(mark, of: row, from + 1)
                events.append(sender)
                events.append(flow("s", sender, flows))
                events.append(flow("f", slice(mark, of: row, track), flows))
            }
        }
        for pause in timeline.pauses { append("paused", "pause", 1, from: pause.from, to: pause.to, &events) }
        for step in timeline.steps {
            var mark = TraceEvent(
                "\(step.place.line): \(step.text)".bounded.printable, "i", number, 1, ts: time(step.at))
            (mark.cat, mark.s) = ("step", "p")
            events.append(mark)
        }
    }

    /// A stretch of time.
    private func append(
        _ name: String, _ category: String, _ track: Int, from begin: MonotonicInstant, to end: MonotonicInstant,
        _ events: inout [TraceEvent]
    ) {
        for (phase, instant) in [("b", begin), ("e", end)] {
            var event = TraceEvent(name.bounded.printable, phase, number, track, ts: time(instant))
            (event.cat, event.id) = (category, "\(number).\(track).\(category)")
            events.append(event)
        }
    }

    /// A moment on a track: flows hold on to slices alone.
    private func slice(_ mark: Timeline.Mark, of row: Timeline.Row, _ track: Int) -> TraceEvent {
        var event = TraceEvent(timeline.text(of: mark, in: row), "X", number, track, ts: time(mark.at))
        (event.cat, event.dur) = (mark.kind.rawValue, 1)
        return event
    }

    private func flow(_ phase: String, _ slice: TraceEvent, _ flow: Int) -> TraceEvent {
        var event = slice
        (event.ph, event.cat, event.name, event.dur) = (phase, "signal", "signal", nil)
        (event.id, event.bp) = ("\(number).signal.\(flow)", phase == "f" ? "e" : nil)
        return event
    }

    private func time(_ instant: MonotonicInstant) -> Double {
        let zero = timeline.begin
        return instant <= zero ? 0 : Double(instant.nanoseconds - zero.nanoseconds) / 1000
    }
}

private struct TraceDocument: Encodable {
    let traceEvents: [TraceEvent]
    let displayTimeUnit: String
    let otherData: [String: String]
}

/// The names are the format's.
private struct TraceEvent: Encodable {
    var name: String
    var ph: String
    var pid: Int
    var tid: Int
    var ts: Double?
    var dur: Double?
    var cat: String?
    var id: String?
    /// What a flow holds on to: the slice that is there at its time.
    var bp: String?
    /// How far a moment is drawn: the whole group.
    var s: String?
    var args: [String: String]?

    init(_ name: String, _ ph: String, _ pid: Int, _ tid: Int = 0, ts: Double? = nil, args: [String: String]? = nil) {
        (self.name, self.ph, self.pid, self.tid, self.ts, self.args) = (name, ph, pid, tid, ts, args)
    }
}
