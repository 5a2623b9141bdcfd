import Vocabulary

/// A line that was printed, its pieces put together.
public struct PrintedLine: Sendable {
    /// Without its newline, and without colours and other control sequences.
    public let text: String
    /// All of it as one event, dated to its latest piece.
    public let event: Event
    /// Where it was printed.
    public let stream: Event.Stream
}

extension Sequence<Event> {
    /// What was printed, line by line, in the order in which the lines began; the last of a stream may be without its end.
    public var printedLines: [PrintedLine] {
        var texts: [(text: String, stream: Event.Stream, instant: MonotonicInstant)] = []
        var unfinished: [Event.Stream: Int] = [:]
        for event in self {
            guard case .printed(let text, let stream, let isWhole) = event.kind else { continue }
            let index = unfinished[stream] ?? texts.count
            if index == texts.count { texts.append(("", stream, event.instant)) }
            texts[index].text += text
            texts[index].instant = event.instant
            unfinished[stream] = isWhole ? nil : index
        }
        return texts.map { line in
            PrintedLine(
                text: line.text.withoutTerminalControl,
                event: Event(at: line.instant, .printed(line.text, on: line.stream)),
                stream: line.stream)
        }
    }
}

extension String {
    /// A line of a terminal without what is not to be read: its colours, its carriage return.
    package var withoutTerminalControl: String {
        var result: [UInt8] = []
        var bytes = Array(utf8)[...]
        while let byte = bytes.popFirst() {
            guard byte == 0x1B, bytes.first == 0x5B else {
                result.append(byte)
                continue
            }
            // A control sequence (ECMA-48, 5.4) ends with its first byte from 0x40 on.
            bytes.removeFirst()
            while let next = bytes.popFirst(), !(0x40...0x7E).contains(next) {}
        }
        if result.last == 0x0D { result.removeLast() }
        return String(decoding: result, as: UTF8.self)
    }
}
