import FoundationEssentials

/// The recorded journal in a page: `harness report` reads the page as it reads the journal.
public enum RecordedPage {
    private static let opening = "<script id=\"journal\" type=\"application/"
    private static let closing = "</script>"

    /// The element that holds it, in base64: compressed, or as it is. It is compressed while the page is written.
    ///
    /// - Returns: what waits for the element.
    static func element(
        of report: RunReport, compress: (@Sendable ([UInt8]) -> () -> [UInt8]?)?
    ) throws -> () -> String {
        let text = Array(try JournalFile.text(of: report).utf8)
        let finish = compress?(text)
        return {
            let packed = finish?()
            let kind = packed == nil ? "jsonl" : "gzip"
            return "\(opening)\(kind)\">\(Data(packed ?? text).base64EncodedString())\(closing)\n"
        }
    }

    /// The journal of a page; nil: these bytes are no page of this tool's.
    ///
    /// - Parameter decompress: undoes what `ReportOptions.compress` does; nil is its answer where it cannot.
    /// - Throws: `JournalProblem`.
    public static func journal(
        in bytes: [UInt8], decompress: ([UInt8]) -> [UInt8]?
    ) throws(JournalProblem) -> [UInt8]? {
        guard bytes.starts(with: Array("<!DOCTYPE html>".utf8)) else { return nil }
        // It is a line of its own, the last but one, so that nothing that a run has printed can be taken for it.
        let tail = Array("\n</body></html>\n".utf8)
        let body = bytes.dropLast(tail.count)
        let element = body[(body.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)...]
        guard bytes.suffix(tail.count).elementsEqual(tail), element.starts(with: opening.utf8),
            let quote = element.firstIndex(of: UInt8(ascii: ">"))
        else {
            throw JournalProblem(line: 0, reason: "this page has no recorded journal in it, or breaks off before it")
        }
        let kind = String(decoding: element[..<quote].dropFirst(opening.utf8.count), as: UTF8.self)
        guard let data = Data(base64Encoded: Data(element[(quote + 1)...].dropLast(closing.utf8.count))) else {
            throw JournalProblem(line: 0, reason: "the recorded journal in this page is damaged")
        }
        if kind == "jsonl\"" { return Array(data) }
        guard let result = decompress(Array(data)) else {
            throw JournalProblem(
                line: 0,
                reason: "the recorded journal in this page cannot be unpacked: it is damaged, or there is no gzip")
        }
        return result
    }
}
