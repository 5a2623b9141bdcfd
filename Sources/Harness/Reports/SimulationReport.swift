import FoundationEssentials
import Model
import Vocabulary

/// What becomes of a container by the rules of each runtime, side by side.
public struct SimulationReport: Sendable {
    private let schedules: [Schedule]

    public init(_ schedules: [Schedule]) { self.schedules = schedules }

    /// A row for each moment at which something happens, a column for each runtime.
    public var text: String {
        var moments: [Duration] = []
        for schedule in schedules { moments += schedule.entries.map(\.at) }
        moments = Set(moments).sorted()
        let columns = schedules.map { schedule -> [String] in
            let byMoment = Dictionary(grouping: schedule.entries, by: \.at)
            return [schedule.runtime.rawValue]
                + moments.map { (byMoment[$0] ?? []).map { Self.words($0) }.joined(separator: " → ") }
        }
        let times = [""] + moments.map(\.text)
        var result = ""
        for row in times.indices {
            var line = times[row].padded(to: times.map(\.count).max() ?? 0)
            for (place, column) in columns.enumerated() {
                let width = place == columns.count - 1 ? 0 : column.map(\.count).max() ?? 0
                line += "  " + column[row].padded(to: width)
            }
            result += line.trimmingEnd + "\n"
        }
        for schedule in schedules where schedule.isCut {
            result += "\(schedule.runtime.rawValue): and so on, or longer than was looked\n"
        }
        return result
    }

    /// What is asked for is in brackets.
    private static func words(_ entry: Schedule.Entry) -> String {
        entry.kind == .asked ? "[\(entry.text)]" : entry.text
    }

    /// One document, `harness.simulate/1`.
    ///
    /// - Throws: what JSONEncoder throws.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(Document(runtimes: schedules.map(Encoded.init))), as: UTF8.self)
    }

    private struct Document: Encodable {
        var schema = "harness.simulate/1"
        let runtimes: [Encoded]
    }

    // swift-format-ignore: AlwaysUseLowerCamelCase
    private struct Encoded: Encodable {
        struct Event: Encodable {
            let at_ms: Double
            let kind, text: String
        }

        let runtime: String
        let is_cut: Bool
        let events: [Event]

        init(_ schedule: Schedule) {
            runtime = schedule.runtime.rawValue
            is_cut = schedule.isCut
            events = schedule.entries.map {
                Event(at_ms: $0.at.inMilliseconds, kind: $0.kind.rawValue, text: $0.text)
            }
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

    fileprivate var trimmingEnd: String {
        var result = self[...]
        while result.last == " " { result.removeLast() }
        return String(result)
    }
}
