import Model

/// The candidate nearest to a word, or nil when none is near enough to have been meant.
package func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    let count = word.utf8.count
    guard count <= 40 else { return nil }
    let limit = count <= 3 ? 1 : count <= 6 ? 2 : 3
    let lowered = word.lowercased()
    return candidates.lazy.filter { abs($0.utf8.count - count) <= limit }
        .map { (distance(lowered, $0.lowercased()), $0) }
        .filter { $0.0 <= limit }.min { $0 < $1 }?.1
}

/// The number of letters to insert, delete, replace or swap (optimal string alignment).
private func distance(_ left: String, _ right: String) -> Int {
    let left = Array(left.utf8), right = Array(right.utf8)
    if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
    var rows = [Array(0...right.count)]
    for i in 1...left.count {
        var row = [i]
        for j in 1...right.count {
            let cost = left[i - 1] == right[j - 1] ? 0 : 1
            var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + cost)
            if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                best = min(best, rows[i - 2][j - 2] + 1)
            }
            row.append(best)
        }
        rows.append(row)
    }
    return rows[left.count][right.count]
}

/// A word of the text in a message: not longer than people read, and nothing in it that a terminal would obey.
func shown(_ text: String) -> String {
    let isPlain =
        text.utf8.count <= 60
        && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
    if isPlain { return text }
    var result = ""
    for scalar in text.unicodeScalars.prefix(60) {
        let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
        result += isControl ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
    }
    return text.unicodeScalars.count > 60 ? result + "…" : result
}

/// Longer ones are refused: a pattern is a line's worth.
private let patternLimitInBytes = 1000

/// What is wrong with a regular expression, or nil when it can be used.
func problem(ofRegularExpression pattern: String) -> String? {
    guard pattern.utf8.count <= patternLimitInBytes else { return "it has more than \(patternLimitInBytes) bytes" }
    do {
        _ = try RegularExpression(pattern)
        return nil
    } catch {
        return error.reason
    }
}
