import Harness

/// Readers of values, with what they complain of.
enum Values {
    static func number(_ name: String, _ text: String, in range: ClosedRange<Int>) throws(BadUsage) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw BadUsage(
                message: "\(name) takes a number from \(range.lowerBound) to \(range.upperBound), not '\(text)'")
        }
        return number
    }

    static func duration(_ name: String, _ text: String) throws(BadUsage) -> Duration {
        guard let time = Duration(text: text), time > .zero else {
            throw BadUsage(message: "\(name) takes a time, such as 250ms, 10s or 1m30s, not '\(text)'")
        }
        return time
    }

    /// Names with commas between them.
    static func names(_ name: String, _ text: String, _ what: String) throws(BadUsage) -> [String] {
        let names = text.split(separator: ",").map(String.init)
        if names.isEmpty { throw BadUsage(message: "\(name) takes \(what)") }
        return names
    }

    /// Names of runtimes, with commas between them; `all`: each of them.
    static func runtimes(_ text: String) throws(BadUsage) -> [Runtime] {
        let known = Array(Runtime.allCases)
        var result: [Runtime] = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            if name == "all" {
                result += known
            } else if let runtime = known.first(where: { $0.rawValue == name }) {
                result.append(runtime)
            } else {
                let hint = nearestWord(to: name, among: known.map(\.rawValue)).map { "; did you mean '\($0)'?" } ?? ""
                let words = known.map(\.rawValue).joined(separator: ", ")
                throw BadUsage(message: "'\(name)' is not a runtime; there are \(words)\(hint)")
            }
        }
        return result
    }
}
