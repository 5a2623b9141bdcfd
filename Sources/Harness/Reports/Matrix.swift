import Expectations
import Model

/// Verdicts counted by what they are about, and by column: by init, as a rule.
struct Matrix<Key: Hashable> {
    /// How many scenarios of one kind an init has passed.
    struct Cell {
        var passed = 0
        var failed = 0
        /// What is known to fail, and has.
        var known = 0
        var errors = 0
        var notApplicable = 0

        var applicable: Int { passed + failed + known + errors }

        mutating func add(_ result: RunResult) {
            switch result.verdict {
            case .passed: passed += 1
            case .failed where result.known != nil: known += 1
            case .failed: failed += 1
            case .flaky: passed += 1
            case .error: errors += 1
            case .notApplicable: notApplicable += 1
            }
        }

        /// A word for one, a count for several.
        var text: String {
            if applicable == 0 { return notApplicable == 0 ? "" : "n/a" }
            if errors > 0 { return "error" }
            if applicable == 1 { return passed == 1 ? "pass" : known == 1 ? "known" : "FAIL" }
            return "\(passed)/\(applicable)"
        }
    }

    /// In the order in which they were run.
    private(set) var columns: [String] = []
    /// In the order in which they came.
    private(set) var keys: [Key] = []
    private var cells: [Key: [String: Cell]] = [:]

    /// - Parameters:
    ///   - key: what a result is counted under.
    ///   - column: the column that it is counted in; the init, with its runtime where several are compared.
    init(
        _ results: [RunResult], by key: (RunResult) -> Key, column: (RunResult) -> String = { $0.subject }
    ) {
        for result in results {
            let (key, column) = (key(result), column(result))
            if cells[key] == nil {
                keys.append(key)
                cells[key] = [:]
            }
            if !columns.contains(column) { columns.append(column) }
            cells[key, default: [:]][column, default: Cell()].add(result)
        }
    }

    func cell(_ key: Key, _ column: String) -> Cell { cells[key]?[column] ?? Cell() }
}
