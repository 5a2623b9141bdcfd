import Expectations
import Model

/// Verdicts counted by init and by what they are about.
struct Matrix {
    /// How many scenarios of one kind an init has passed.
    struct Cell {
        var passed = 0
        var failed = 0
        var errors = 0
        var notApplicable = 0

        var applicable: Int { passed + failed + errors }

        mutating func add(_ verdict: Verdict) {
            switch verdict {
            case .passed: passed += 1
            case .failed: failed += 1
            case .error: errors += 1
            case .notApplicable: notApplicable += 1
            }
        }

        /// A word for one, a count for several.
        var text: String {
            if applicable == 0 { return notApplicable == 0 ? "" : "n/a" }
            if errors > 0 { return "error" }
            if applicable == 1 { return passed == 1 ? "pass" : "FAIL" }
            return "\(passed)/\(applicable)"
        }
    }

    /// In the order in which they were run.
    private(set) var inits: [String] = []
    /// In the order in which they came.
    private(set) var keys: [String] = []
    private var cells: [String: [String: Cell]] = [:]

    /// - Parameter key: what a result is counted under.
    init(_ results: [RunResult], by key: (RunResult) -> String) {
        for result in results {
            let key = key(result)
            if cells[key] == nil {
                keys.append(key)
                cells[key] = [:]
            }
            if !inits.contains(result.subject) { inits.append(result.subject) }
            cells[key, default: [:]][result.subject, default: Cell()].add(result.verdict)
        }
    }

    func cell(_ key: String, _ initName: String) -> Cell { cells[key]?[initName] ?? Cell() }
}
